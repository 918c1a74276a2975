/*
 * Heads: first lines, fields, and what the fields say of the body. Views into the buffer are all
 * that is kept.
 */
#include "shared/attrs.h"
#include "shared/http_parse_private.h"
#include "shared/http_text.h"

#define LENGTH_DIGITS_MAX ((uint64_t)INT64_MAX)

/* Bytes of a token (RFC 9110, 5.6.2): field names and methods. */
const uint8_t http_token_bytes[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
};

/* Text of a value: no control bytes but tab. Eight bytes at a time: a word without bytes below 0x20
 * and without 0x7f needs no closer look. */
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
        return http_malformed(parser, "The version is not HTTP/1.0 or HTTP/1.1.");
    parser->head.major_version = 1;
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
        return http_malformed(parser, "The request line does not begin with a method and a space.");
    head->method = str_sub(line, 0, i);

    target = ++i;
    while (i < line.len && line.ptr[i] > ' ' && line.ptr[i] < 0x7f)
        i++;
    if (i == target || i == line.len || line.ptr[i] != ' ')
        return http_malformed(parser,
                              "The request target is not visible ASCII followed by a space.");
    head->target = str_sub(line, target, i - target);
    if (head->target.len > parser->limits.target_bytes)
        return http_too_large(parser, "The request target is too long.");

    return parse_version(parser, str_sub(line, i + 1, line.len));
}

static enum http_status parse_status_line(struct http_parser *parser, struct str line)
{
    struct http_head *head = &parser->head;
    const char *digits = line.ptr + 9;

    if (line.len > parser->limits.target_bytes)
        return http_too_large(parser, "The status line is too long.");
    if (line.len < 12 || line.ptr[8] != ' ')
        return http_malformed(parser, "The status line is not \"HTTP/1.x NNN\".");
    if (parse_version(parser, str_sub(line, 0, 8)) != HTTP_HEAD)
        return HTTP_MALFORMED;
    if (digits[0] < '1' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9' ||
        digits[2] < '0' || digits[2] > '9' || (line.len > 12 && line.ptr[12] != ' '))
        return http_malformed(parser, "The status is not three digits.");

    head->status = (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    head->reason = str_sub(line, 13, line.len);
    if (!is_value_text(head->reason))
        return http_malformed(parser, "The reason phrase has control bytes.");
    return HTTP_HEAD;
}

enum http_status http_parse_first_line(struct http_parser *parser, struct str line)
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
    return http_is_host(value) ? NULL : "Host is not a host name with an optional port.";
}

/* Looks at the few fields that the parser itself has to understand; returns what is wrong with one,
 * or NULL. */
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
        return http_malformed(parser, "There has to be exactly one Host field.");
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

    head->has_both_lengths = facts->chunked && facts->lengths > 0;
    if (head->has_both_lengths && !parser->allows_both_lengths)
        return http_malformed(parser, "Content-Length and Transfer-Encoding exclude each other.");
    if (facts->chunked && head->minor_version == 0)
        return http_malformed(parser, "HTTP/1.0 has no transfer codings.");

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
enum http_status http_parse_complete_head(struct http_parser *parser, struct str text)
{
    struct http_head *head = &parser->head;
    struct framing_facts facts = {0};
    enum http_status first;
    uint32_t fields_max = MIN(parser->limits.fields, (uint32_t)HTTP_FIELDS_MAX);

    /* The first line again, because the buffer may have moved since it was checked. */
    first = http_parse_first_line(parser, next_line(&text));
    if (first != HTTP_HEAD)
        return first;

    for (struct str line = next_line(&text); line.len > 0; line = next_line(&text)) {
        const char *wrong;

        if (head->field_count == fields_max)
            return http_too_large(parser, "There are too many fields.");
        wrong = split_field(line, &head->fields[head->field_count]);
        if (!wrong)
            wrong = note_field(parser, &facts, &head->fields[head->field_count]);
        if (wrong)
            return http_malformed(parser, wrong);
        head->field_count++;
    }
    return settle_framing(parser, &facts);
}

struct str http_head_field(const struct http_head *head, struct str name)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].name.len == name.len && str_equal_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    }
    return (struct str){0};
}
