/*
 * The HTTP/1.1 parser. A head is looked at line by line as the lines arrive, so that a wrong first line is refused at
 * once, and taken apart in one go when its empty line is there: nothing is kept of an incomplete head but how far it
 * was searched. Bodies are a state machine over bytes. What is an error is found in the order of the bytes, whatever
 * the split.
 */
#include "shared/http_parse.h"

#include "shared/attrs.h"

enum state {
    STATE_FIRST_LINE,
    STATE_FIELDS,
    STATE_LENGTH,
    STATE_UNTIL_CLOSE,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_EXTENSION,
    STATE_CHUNK_SIZE_LF,
    STATE_CHUNK_DATA,
    STATE_CHUNK_DATA_CR,
    STATE_CHUNK_DATA_LF,
    STATE_TRAILER_START,
    STATE_TRAILER_NAME,
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_LAST_LF,
    STATE_END,
    STATE_MALFORMED,
    STATE_TOO_LARGE,
};

#define CHUNK_SIZE_DIGITS 16
#define LENGTH_DIGITS_MAX ((uint64_t)INT64_MAX)

/* Bytes of a token (RFC 9110, 5.6.2): field names and methods. */
static const uint8_t is_token[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
};

static bool is_token_byte(char c)
{
    return is_token[(uint8_t)c];
}

static enum http_status malformed(struct http_parser *parser, const char *reason)
{
    parser->state = STATE_MALFORMED;
    parser->reason = reason;
    return HTTP_MALFORMED;
}

static enum http_status too_large(struct http_parser *parser, const char *reason)
{
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

/* Text of a value: no control bytes but tab. Eight bytes at a time: a word without bytes below 0x20 and without 0x7f
 * needs no closer look. */
static bool is_value_text(struct str s)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        uint64_t deleted;

        memcpy(&word, s.ptr + i, 8);
        deleted = word ^ (ones * 0x7f);
        if (LIKELY((((word - ones * 0x20) & ~word) | ((deleted - ones) & ~deleted)) & tops) == 0)
            continue;
        for (size_t j = i; j < i + 8; j++) {
            uint8_t c = (uint8_t)s.ptr[j];

            if ((c < 0x20 && c != '\t') || c == 0x7f)
                return false;
        }
    }
    for (; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum http_status parse_version(struct http_parser *parser, struct str version)
{
    if (version.len != 8 || memcmp(version.ptr, "HTTP/1.", 7) != 0 || version.ptr[7] < '0' ||
        version.ptr[7] > '9')
        return malformed(parser, "The version is not HTTP/1.0 or HTTP/1.1.");
    parser->head.minor_version = (uint8_t)(version.ptr[7] - '0');
    return HTTP_HEAD;
}

static enum http_status parse_request_line(struct http_parser *parser, struct str line)
{
    struct http_head *head = &parser->head;
    size_t i = 0;
    size_t target;

    while (i < line.len && is_token_byte(line.ptr[i]))
        i++;
    if (i == 0 || i == line.len || line.ptr[i] != ' ')
        return malformed(parser, "The request line does not begin with a method and a space.");
    head->method = str_sub(line, 0, i);

    target = ++i;
    while (i < line.len && line.ptr[i] > ' ' && line.ptr[i] < 0x7f)
        i++;
    if (i == target || i == line.len || line.ptr[i] != ' ')
        return malformed(parser, "The request target is not visible ASCII followed by a space.");
    head->target = str_sub(line, target, i - target);
    if (head->target.len > parser->limits.target_bytes)
        return too_large(parser, "The request target is too long.");

    return parse_version(parser, str_sub(line, i + 1, line.len));
}

static enum http_status parse_status_line(struct http_parser *parser, struct str line)
{
    struct http_head *head = &parser->head;
    const char *digits = line.ptr + 9;

    if (line.len > parser->limits.target_bytes)
        return too_large(parser, "The status line is too long.");
    if (line.len < 12 || line.ptr[8] != ' ')
        return malformed(parser, "The status line is not \"HTTP/1.x NNN\".");
    if (parse_version(parser, str_sub(line, 0, 8)) != HTTP_HEAD)
        return HTTP_MALFORMED;
    if (digits[0] < '1' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9' ||
        digits[2] < '0' || digits[2] > '9' || (line.len > 12 && line.ptr[12] != ' '))
        return malformed(parser, "The status is not three digits.");

    head->status = (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    head->reason = str_sub(line, 13, line.len);
    if (!is_value_text(head->reason))
        return malformed(parser, "The reason phrase has control bytes.");
    return HTTP_HEAD;
}

static enum http_status parse_first_line(struct http_parser *parser, struct str line)
{
    return parser->mode == HTTP_REQUEST ? parse_request_line(parser, line)
                                        : parse_status_line(parser, line);
}

/* What the fields say of the framing, gathered while they are read. */
struct framing_facts {
    uint32_t hosts;
    uint32_t lengths;
    uint32_t codings;
    bool chunked;
    bool close;
    bool keep_alive;
};

static const char *note_length(struct http_parser *parser, struct framing_facts *facts,
                               struct str value)
{
    uint64_t length;

    if (!str_to_u64(value, LENGTH_DIGITS_MAX, &length))
        return "Content-Length is not a number.";
    if (facts->lengths++ > 0) {
        if (parser->mode == HTTP_REQUEST)
            return "There is more than one Content-Length.";
        if (length != parser->head.content_length)
            return "There are two different Content-Lengths.";
    }
    parser->head.content_length = length;
    return NULL;
}

static const char *note_coding(struct framing_facts *facts, struct str value)
{
    if (facts->codings++ > 0 || !str_equal_nocase(value, STR("chunked")))
        return "The only transfer coding that is understood is a single \"chunked\".";
    facts->chunked = true;
    return NULL;
}

static void note_connection(struct http_head *head, struct framing_facts *facts, struct str value)
{
    while (value.ptr) {
        struct str word = str_trim(str_cut(&value, ','));

        if (str_equal_nocase(word, STR("close")))
            facts->close = true;
        else if (str_equal_nocase(word, STR("keep-alive")))
            facts->keep_alive = true;
        else if (str_equal_nocase(word, STR("upgrade")))
            head->upgrade = true;
    }
}

static const char *note_host(struct framing_facts *facts, struct str value)
{
    facts->hosts++;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] <= ' ' || value.ptr[i] >= 0x7f || strchr("/?#@,\\\"<>", value.ptr[i]))
            return "Host is not a host name with an optional port.";
    }
    return NULL;
}

/* Looks at the few fields that the parser itself has to understand; returns what is wrong with one, or NULL. */
static const char *note_field(struct http_parser *parser, struct framing_facts *facts,
                              const struct http_field *field)
{
    switch (field->name.len) {
    case 4:
        if (parser->mode == HTTP_REQUEST && str_equal_nocase(field->name, STR("host")))
            return note_host(facts, field->value);
        break;
    case 6:
        if (str_equal_nocase(field->name, STR("expect")))
            parser->head.expect_continue = str_equal_nocase(field->value, STR("100-continue"));
        break;
    case 10:
        if (str_equal_nocase(field->name, STR("connection")))
            note_connection(&parser->head, facts, field->value);
        break;
    case 14:
        if (str_equal_nocase(field->name, STR("content-length")))
            return note_length(parser, facts, field->value);
        break;
    case 17:
        if (str_equal_nocase(field->name, STR("transfer-encoding")))
            return note_coding(facts, field->value);
        break;
    default:
        break;
    }
    return NULL;
}

static const char *split_field(struct str line, struct http_field *ret_field)
{
    size_t colon = 0;

    while (colon < line.len && is_token_byte(line.ptr[colon]))
        colon++;
    if (colon < line.len && line.ptr[colon] == ':' && colon > 0) {
        ret_field->name = str_sub(line, 0, colon);
        ret_field->value = str_trim(str_sub(line, colon + 1, line.len));
        return is_value_text(ret_field->value) ? NULL : "A field value has control bytes.";
    }
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return "A field is folded over lines.";
    if (colon < line.len && (line.ptr[colon] == ' ' || line.ptr[colon] == '\t'))
        return "There is a blank before the colon of a field.";
    return "A field line is not \"name: value\".";
}

static enum http_status settle_request(struct http_parser *parser,
                                       const struct framing_facts *facts)
{
    struct http_head *head = &parser->head;

    if (facts->hosts > 1 || (facts->hosts == 0 && head->minor_version > 0))
        return malformed(parser, "There has to be exactly one Host field.");
    if (facts->chunked)
        head->framing = HTTP_CHUNKED;
    else if (facts->lengths > 0 && head->content_length > 0)
        head->framing = HTTP_LENGTH;
    else
        head->framing = HTTP_NO_BODY;
    return HTTP_HEAD;
}

static enum http_status settle_response(struct http_parser *parser,
                                        const struct framing_facts *facts)
{
    struct http_head *head = &parser->head;

    if (parser->head_request || head->status < 200 || head->status == 204 || head->status == 304)
        head->framing = HTTP_NO_BODY;
    else if (facts->chunked)
        head->framing = HTTP_CHUNKED;
    else if (facts->lengths > 0)
        head->framing = HTTP_LENGTH;
    else
        head->framing = HTTP_UNTIL_CLOSE;
    return HTTP_HEAD;
}

/* Decides how the body is delimited and which state follows. */
static enum http_status settle_framing(struct http_parser *parser,
                                       const struct framing_facts *facts)
{
    struct http_head *head = &parser->head;
    enum http_status settled;

    if (facts->chunked && facts->lengths > 0)
        return malformed(parser, "Content-Length and Transfer-Encoding exclude each other.");
    if (facts->chunked && head->minor_version == 0)
        return malformed(parser, "HTTP/1.0 has no transfer codings.");

    settled = parser->mode == HTTP_REQUEST ? settle_request(parser, facts)
                                           : settle_response(parser, facts);
    if (settled != HTTP_HEAD)
        return settled;

    head->keep_alive = !facts->close && (head->minor_version > 0 || facts->keep_alive) &&
                       head->framing != HTTP_UNTIL_CLOSE;
    parser->scanned = 0;
    parser->left = 0;
    switch (head->framing) {
    case HTTP_NO_BODY:
        parser->state = STATE_END;
        break;
    case HTTP_LENGTH:
        parser->state = STATE_LENGTH;
        parser->left = head->content_length;
        break;
    case HTTP_CHUNKED:
        parser->state = STATE_CHUNK_SIZE;
        break;
    case HTTP_UNTIL_CLOSE:
        parser->state = STATE_UNTIL_CLOSE;
        break;
    }
    return HTTP_HEAD;
}

/* The next line of `rest` without its end; the head is complete, so there is one. */
static struct str next_line(struct str *rest)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    struct str line = {rest->ptr, (size_t)(end - rest->ptr)};

    *rest = str_sub(*rest, line.len + 1, rest->len);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Takes a complete head apart: `text` runs from the first line to the empty one. */
static enum http_status parse_complete_head(struct http_parser *parser, struct str text)
{
    struct http_head *head = &parser->head;
    struct framing_facts facts = {0};
    enum http_status first;
    uint32_t fields_max = MIN(parser->limits.fields, (uint32_t)HTTP_FIELDS_MAX);

    /* The first line again, because the buffer may have moved since it was checked. */
    first = parse_first_line(parser, next_line(&text));
    if (first != HTTP_HEAD)
        return first;

    for (struct str line = next_line(&text); line.len > 0; line = next_line(&text)) {
        const char *wrong;

        if (head->field_count == fields_max)
            return too_large(parser, "There are too many fields.");
        wrong = split_field(line, &head->fields[head->field_count]);
        if (!wrong)
            wrong = note_field(parser, &facts, &head->fields[head->field_count]);
        if (wrong)
            return malformed(parser, wrong);
        head->field_count++;
    }
    return settle_framing(parser, &facts);
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
        return too_large(parser, parser->state == STATE_FIRST_LINE
                                     ? "The first line is too long."
                                     : "The header section is too large.");
    if (!has_cr && parser->mode == HTTP_REQUEST)
        return malformed(parser, "A line ends without a carriage return.");
    if (parser->state == STATE_FIRST_LINE) {
        enum http_status first = parse_first_line(parser, str_sub(text, 0, line_end));

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
        return malformed(parser, parser->mode == HTTP_REQUEST
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
            looked = parse_complete_head(parser, str_sub(text, 0, at));
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
            return too_large(parser, "The chunk extensions are too long.");
        if (parser->state >= STATE_TRAILER_START && parser->trailers++ == parser->limits.head_bytes)
            return too_large(parser, "The trailers are too large.");
        wrong = eat_framing(parser, input.ptr[at]);
        if (wrong)
            return malformed(parser, wrong);
        at++;
    }
    *ret_used = at;
    return parser->state == STATE_END ? HTTP_END : HTTP_NEED_MORE;
}

enum http_status http_parse(struct http_parser *parser, struct str input, size_t *ret_used)
{
    *ret_used = 0;
    switch ((enum state)parser->state) {
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
    return malformed(parser, "The connection ended in the middle of a message.");
}

struct str http_head_field(const struct http_head *head, struct str name)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].name.len == name.len && str_equal_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    }
    return (struct str){0};
}
