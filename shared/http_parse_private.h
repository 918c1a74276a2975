/* What the two halves of the HTTP parser share: http_parse.c looks at what has come,
 * http_parse_head.c takes heads apart. */
#pragma once

#include "shared/http_parse.h"

enum http_parse_state {
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

/* Bytes of a token (RFC 9110, 5.6.2): field names and methods. */
extern const uint8_t http_token_bytes[256];

static inline bool is_token_byte(char c)
{
    return http_token_bytes[(uint8_t)c];
}

/* Ends the message: `reason` is a constant sentence. */
enum http_status http_malformed(struct http_parser *parser, const char *reason);
enum http_status http_too_large(struct http_parser *parser, const char *reason);

/* Takes apart a first line without its end. HTTP_HEAD: it is right. */
enum http_status http_parse_first_line(struct http_parser *parser, struct str line);

/* Takes a complete head apart, from the first line to the empty one, and decides how its body is
 * delimited. */
enum http_status http_parse_complete_head(struct http_parser *parser, struct str text);
