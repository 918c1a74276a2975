/*
 * An incremental HTTP/1.1 parser for requests (strict) and responses (lenient in a stated list),
 * after RFC 9112. It never allocates and never copies: names, values and body parts are given as
 * views of the bytes passed in, so a head has to lie in one buffer. Same bytes in any split give
 * the same events.
 *
 * Errors in both modes: obs-fold, NUL, control bytes in values, space before a colon, two different
 * lengths, length with chunked (unless allowed), unknown transfer codings, chunk sizes over 16 hex digits, more than
 * the stated limits. Lenient (responses only): bare LF as line end, a missing reason phrase, one
 * leading blank line, the same length twice. Strict (requests only): exactly one Host (HTTP/1.0: at
 * most one), no length twice.
 *
 * Thread: any; a parser belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

#define HTTP_FIELDS_MAX 200

enum http_mode { HTTP_REQUEST, HTTP_RESPONSE };

/* How a message's body is delimited. */
enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

enum http_status {
    HTTP_NEED_MORE, /* all input is used up */
    HTTP_HEAD,      /* the head is complete: see parser->head */
    HTTP_DATA,      /* a part of the body: parser->data */
    HTTP_END,       /* the message is complete; what follows belongs to the next one */
    HTTP_MALFORMED, /* parser->reason says why, as a constant sentence */
    HTTP_TOO_LARGE, /* a stated limit; parser->reason says which */
};

/* What of a message was refused. */
enum http_part { HTTP_PART_FIRST_LINE, HTTP_PART_FIELDS, HTTP_PART_BODY };

struct http_limits {
    uint32_t target_bytes; /* request target, or status line */
    uint32_t head_bytes;   /* start line and all fields */
    uint32_t fields;       /* at most HTTP_FIELDS_MAX */
    uint32_t chunk_extension_bytes;
};

struct http_field {
    struct str name;
    struct str value; /* without surrounding blanks */
};

struct http_head {
    struct str method; /* request */
    struct str target;
    uint16_t status; /* response */
    struct str reason;
    uint8_t major_version; /* 1, or 2 by shared/http2.h */
    uint8_t minor_version;
    bool keep_alive; /* by version and Connection */
    bool expect_continue;
    bool upgrade;          /* Connection: upgrade is there */
    bool has_both_lengths; /* Content-Length and chunked, where that is allowed */
    enum http_framing framing;
    uint64_t content_length; /* with HTTP_LENGTH */
    uint32_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_parser {
    enum http_mode mode;
    struct http_limits limits;
    bool head_request;        /* response: it answers a HEAD, so no body comes */
    bool allows_both_lengths; /* response: with both, the chunks count */
    const char *reason;
    enum http_part part; /* with HTTP_MALFORMED and HTTP_TOO_LARGE */
    struct str data;
    struct http_head head; /* views into the buffer of the call that returned HTTP_HEAD */
    /* private */
    unsigned state;
    uint64_t left;       /* bytes of the body or chunk still to come */
    uint32_t scanned;    /* of an unfinished head or line, seen without an end */
    uint32_t extensions; /* bytes of chunk extensions so far */
    uint32_t trailers;   /* bytes of trailers so far */
};

/* Ready for the first message; call again for each further message of a connection. */
void http_parser_init(struct http_parser *parser, enum http_mode mode,
                      const struct http_limits *limits);

/*
 * Looks at `input` and says what came next. `ret_used` bytes are done with: drop them before the
 * next call, once their views are no longer needed. While a head is incomplete nothing is used up:
 * call again with the same bytes and more.
 */
enum http_status http_parse(struct http_parser *parser, struct str input, size_t *ret_used);

/* The peer has closed: HTTP_END when the message is complete that way, else HTTP_MALFORMED. */
enum http_status http_parse_eof(struct http_parser *parser);

/* The first field of that name (case ignored); an empty view with NULL when there is none. */
struct str http_head_field(const struct http_head *head, struct str name);
