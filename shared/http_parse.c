/*
 * The HTTP/1.1 parser. A head is looked at line by line as the lines arrive, so that a wrong first
 * line is refused at once, and taken apart in one go when its empty line is there: nothing is kept
 * of an incomplete head but how far it was searched. Bodies are a state machine over bytes. What is
 * an error is found in the order of the bytes, whatever the split.
 */
#include "shared/attrs.h"
#include "shared/http_parse_private.h"

#define CHUNK_SIZE_DIGITS 16

/* Which part of the message is refused, by the state that it is in. */
static void note_part(struct http_parser *parser)
{
    if (parser->state == STATE_FIRST_LINE)
        parser->part = HTTP_PART_FIRST_LINE;
    else if (parser->state == STATE_FIELDS)
        parser->part = HTTP_PART_FIELDS;
    else
        parser->part = HTTP_PART_BODY;
}

enum http_status http_malformed(struct http_parser *parser, const char *reason)
{
    note_part(parser);
    parser->state = STATE_MALFORMED;
    parser->reason = reason;
    return HTTP_MALFORMED;
}

enum http_status http_too_large(struct http_parser *parser, const char *reason)
{
    note_part(parser);
    parser->state = STATE_TOO_LARGE;
    parser->reason = reason;
    return HTTP_TOO_LARGE;
}

void http_parser_init(struct http_parser *parser, enum http_mode mode,
                      const struct http_limits *limits)
{
    parser->mode = mode;
    parser->limits = *limits;
    parser->head_request = false;
    parser->allows_both_lengths = false;
    parser->reason = NULL;
    parser->data = (struct str){0};
    parser->state = STATE_FIRST_LINE;
    parser->left = 0;
    parser->scanned = 0;
    parser->extensions = 0;
    parser->trailers = 0;
    /* The fields themselves are written before they are read. */
    memset(&parser->head, 0, offsetof(struct http_head, fields));
}

/* Refuses at the first byte what can never become a first line, such as a TLS hello. */
static bool may_begin_head(const struct http_parser *parser, struct str text)
{
    if (text.len == 0)
        return true;
    if (parser->mode == HTTP_REQUEST)
        return is_token_byte(text.ptr[0]);
    return memcmp(text.ptr, "HTTP/1.", MIN(text.len, (size_t)7)) == 0;
}

/* The length of one leading blank line, which is forgiven in responses. */
static size_t leading_blank(const struct http_parser *parser, struct str input)
{
    if (parser->mode == HTTP_REQUEST || input.len == 0)
        return 0;
    if (input.ptr[0] == '\n')
        return 1;
    return input.len >= 2 && input.ptr[0] == '\r' && input.ptr[1] == '\n' ? 2 : 0;
}

/* Looks at the line that ends at `end`. HTTP_HEAD: it is the empty one. */
static enum http_status look_at_line_end(struct http_parser *parser, struct str text, size_t end)
{
    bool has_cr = end > 0 && text.ptr[end - 1] == '\r';
    size_t line_end = has_cr ? end - 1 : end;

    if (end >= parser->limits.head_bytes)
        return http_too_large(parser, parser->state == STATE_FIRST_LINE
                                          ? "The first line is too long."
                                          : "The header section is too large.");
    if (!has_cr && parser->mode == HTTP_REQUEST)
        return http_malformed(parser, "A line ends without a carriage return.");
    if (parser->state == STATE_FIRST_LINE) {
        enum http_status first = http_parse_first_line(parser, str_sub(text, 0, line_end));

        if (first != HTTP_HEAD)
            return first;
        parser->state = STATE_FIELDS;
        return HTTP_NEED_MORE;
    }
    return text.ptr[line_end - 1] == '\n' ? HTTP_HEAD : HTTP_NEED_MORE;
}

static enum http_status parse_head(struct http_parser *parser, struct str input, size_t *ret_used)
{
    size_t blank = leading_blank(parser, input);
    struct str text = str_sub(input, blank, input.len);
    size_t at = parser->scanned;

    if (parser->mode == HTTP_RESPONSE && input.len == 1 && input.ptr[0] == '\r')
        return HTTP_NEED_MORE;
    if (parser->state == STATE_FIRST_LINE && !may_begin_head(parser, text))
        return http_malformed(parser, parser->mode == HTTP_REQUEST
                                          ? "This is not an HTTP request."
                                          : "This is not an HTTP/1.x response.");

    for (;;) {
        const char *found = at < text.len ? memchr(text.ptr + at, '\n', text.len - at) : NULL;
        enum http_status looked;

        if (!found)
            break;
        at = (size_t)(found - text.ptr);
        looked = look_at_line_end(parser, text, at);
        at++;
        if (looked == HTTP_NEED_MORE)
            continue;
        if (looked == HTTP_HEAD) {
            *ret_used = blank + at;
            looked = http_parse_complete_head(parser, str_sub(text, 0, at));
        }
        return looked;
    }

    if (text.len > parser->limits.head_bytes)
        return look_at_line_end(parser, text, text.len);
    parser->scanned = (uint32_t)text.len;
    return HTTP_NEED_MORE;
}

static enum http_status give_data(struct http_parser *parser, struct str input, size_t at,
                                  size_t *ret_used)
{
    size_t len = (size_t)MIN((uint64_t)(input.len - at), parser->left);

    parser->data = str_sub(input, at, len);
    parser->left -= len;
    *ret_used = at + len;
    return HTTP_DATA;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The line of a chunk's size has ended: data follows, or the trailers after the last chunk. */
static void begin_chunk(struct http_parser *parser)
{
    parser->scanned = 0;
    parser->state = parser->left > 0 ? STATE_CHUNK_DATA : STATE_TRAILER_START;
}

/* A byte of the chunk's size line before any extension; `scanned` counts the digits. */
static const char *eat_chunk_size(struct http_parser *parser, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (parser->scanned == CHUNK_SIZE_DIGITS || parser->left >> 59)
            return "A chunk size is too large.";
        parser->left = parser->left << 4 | (uint64_t)digit;
        parser->scanned++;
        return NULL;
    }
    if (parser->scanned == 0)
        return "A chunk does not begin with its size.";
    if (c == '\r')
        parser->state = STATE_CHUNK_SIZE_LF;
    else if (c == '\n' && parser->mode == HTTP_RESPONSE)
        begin_chunk(parser);
    else if (c == ';')
        parser->state = STATE_CHUNK_EXTENSION;
    else
        return "A chunk size is not a hexadecimal number.";
    return NULL;
}

static const char *eat_chunk_extension(struct http_parser *parser, char c)
{
    if (c == '\r')
        parser->state = STATE_CHUNK_SIZE_LF;
    else if (c == '\n' && parser->mode == HTTP_RESPONSE)
        begin_chunk(parser);
    else if (((uint8_t)c < 0x20 && c != '\t') || c == 0x7f)
        return "A chunk extension has control bytes.";
    return NULL;
}

/* One byte of what follows the last chunk. */
static const char *eat_trailer(struct http_parser *parser, char c)
{
    switch (parser->state) {
    case STATE_TRAILER_START:
        if (c == '\r')
            parser->state = STATE_LAST_LF;
        else if (c == '\n' && parser->mode == HTTP_RESPONSE)
            parser->state = STATE_END;
        else if (is_token_byte(c))
            parser->state = STATE_TRAILER_NAME;
        else
            return "A trailer line is not \"name: value\".";
        return NULL;
    case STATE_TRAILER_NAME:
        if (c == ':')
            parser->state = STATE_TRAILER_VALUE;
        else if (!is_token_byte(c))
            return "A trailer line is not \"name: value\".";
        return NULL;
    case STATE_TRAILER_VALUE:
        if (c == '\r')
            parser->state = STATE_TRAILER_LF;
        else if (c == '\n' && parser->mode == HTTP_RESPONSE)
            parser->state = STATE_TRAILER_START;
        else if (((uint8_t)c < 0x20 && c != '\t') || c == 0x7f)
            return "A trailer has control bytes.";
        return NULL;
    case STATE_TRAILER_LF:
        parser->state = STATE_TRAILER_START;
        break;
    default: /* STATE_LAST_LF */
        parser->state = STATE_END;
        break;
    }
    return c == '\n' ? NULL : "A carriage return is not followed by a line feed.";
}

/* One byte of the chunked framing; returns what is wrong with it, or NULL. */
static const char *eat_framing(struct http_parser *parser, char c)
{
    switch (parser->state) {
    case STATE_CHUNK_SIZE:
        return eat_chunk_size(parser, c);
    case STATE_CHUNK_EXTENSION:
        return eat_chunk_extension(parser, c);
    case STATE_CHUNK_SIZE_LF:
        begin_chunk(parser);
        return c == '\n' ? NULL : "A carriage return is not followed by a line feed.";
    case STATE_CHUNK_DATA_CR:
        if (c == '\r')
            parser->state = STATE_CHUNK_DATA_LF;
        else if (c == '\n' && parser->mode == HTTP_RESPONSE)
            parser->state = STATE_CHUNK_SIZE;
        else
            return "A chunk is longer than its size.";
        return NULL;
    case STATE_CHUNK_DATA_LF:
        parser->state = STATE_CHUNK_SIZE;
        return c == '\n' ? NULL : "A carriage return is not followed by a line feed.";
    default:
        return eat_trailer(parser, c);
    }
}

static enum http_status parse_chunked(struct http_parser *parser, struct str input,
                                      size_t *ret_used)
{
    size_t at = 0;

    while (at < input.len && parser->state != STATE_END) {
        const char *wrong;

        if (parser->state == STATE_CHUNK_DATA) {
            enum http_status data = give_data(parser, input, at, ret_used);

            if (parser->left == 0)
                parser->state = STATE_CHUNK_DATA_CR;
            return data;
        }
        if (parser->state == STATE_CHUNK_EXTENSION &&
            parser->extensions++ == parser->limits.chunk_extension_bytes)
            return http_too_large(parser, "The chunk extensions are too long.");
        if (parser->state >= STATE_TRAILER_START && parser->trailers++ == parser->limits.head_bytes)
            return http_too_large(parser, "The trailers are too large.");
        wrong = eat_framing(parser, input.ptr[at]);
        if (wrong)
            return http_malformed(parser, wrong);
        at++;
    }
    *ret_used = at;
    return parser->state == STATE_END ? HTTP_END : HTTP_NEED_MORE;
}

enum http_status http_parse(struct http_parser *parser, struct str input, size_t *ret_used)
{
    *ret_used = 0;
    switch ((enum http_parse_state)parser->state) {
    case STATE_FIRST_LINE:
    case STATE_FIELDS:
        return parse_head(parser, input, ret_used);
    case STATE_LENGTH:
        if (parser->left == 0) {
            parser->state = STATE_END;
            return HTTP_END;
        }
        return input.len > 0 ? give_data(parser, input, 0, ret_used) : HTTP_NEED_MORE;
    case STATE_UNTIL_CLOSE:
        if (input.len == 0)
            return HTTP_NEED_MORE;
        parser->data = input;
        *ret_used = input.len;
        return HTTP_DATA;
    case STATE_CHUNK_SIZE:
    case STATE_CHUNK_EXTENSION:
    case STATE_CHUNK_SIZE_LF:
    case STATE_CHUNK_DATA:
    case STATE_CHUNK_DATA_CR:
    case STATE_CHUNK_DATA_LF:
    case STATE_TRAILER_START:
    case STATE_TRAILER_NAME:
    case STATE_TRAILER_VALUE:
    case STATE_TRAILER_LF:
    case STATE_LAST_LF:
        return parse_chunked(parser, input, ret_used);
    case STATE_END:
        return HTTP_END;
    case STATE_MALFORMED:
        return HTTP_MALFORMED;
    case STATE_TOO_LARGE:
        return HTTP_TOO_LARGE;
    }
    return HTTP_MALFORMED;
}

enum http_status http_parse_eof(struct http_parser *parser)
{
    if (parser->state == STATE_END || parser->state == STATE_UNTIL_CLOSE ||
        (parser->state == STATE_LENGTH && parser->left == 0)) {
        parser->state = STATE_END;
        return HTTP_END;
    }
    if (parser->state == STATE_TOO_LARGE)
        return HTTP_TOO_LARGE;
    if (parser->state == STATE_MALFORMED)
        return HTTP_MALFORMED;
    return http_malformed(parser, "The connection ended in the middle of a message.");
}
