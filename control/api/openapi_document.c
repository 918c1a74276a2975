/* Coding it once takes some 10 ms of the loop, at the first request. */
#include "control/api/openapi_document.h"

#include <stdio.h>

#include "shared/crypto.h"

#include "control/api/openapi.h"
#include "control/api/reply.h"
#include "control/api/request.h"

#define TAG_DIGEST_BYTES 12

static void make(struct openapi_document *document, const struct router *router)
{
    uint8_t digest[SHA256_BYTES];
    struct buf *plain = &document->coded[CODING_IDENTITY];

    openapi_write(router, false, plain);
    sha256(buf_str(plain), digest);
    for (size_t i = 0; i < TAG_DIGEST_BYTES; i++)
        snprintf(document->tag + 2 * i, sizeof document->tag - 2 * i, "%02x", digest[i]);
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        if (coding != CODING_IDENTITY &&
            !content_encode((enum content_coding)coding, buf_str(plain), &document->coded[coding]))
            buf_clear(&document->coded[coding]);
    }
}

void openapi_document_reply(struct openapi_document *document, const struct router *router,
                            const struct request *request, struct reply *reply)
{
    enum content_coding coding;

    if (document->coded[CODING_IDENTITY].len == 0)
        make(document, router);
    reply_header(reply, "Vary", "Accept-Encoding");
    reply_header(reply, "ETag", "W/\"%s\"", document->tag);
    if (entity_tags_have(request->if_none_match, str_of(document->tag))) {
        reply->status = 304;
        return;
    }
    coding = content_coding_choose(request_header(request, "accept-encoding"),
                                   1U << CODING_BROTLI | 1U << CODING_GZIP);
    if (coding != CODING_IDENTITY && document->coded[coding].len > 0) {
        reply_header(reply, "Content-Encoding", "%s", content_coding_words[coding].ptr);
    } else {
        coding = CODING_IDENTITY;
    }
    buf_append_str(reply_body(reply), buf_str(&document->coded[coding]));
}

void openapi_document_clear(struct openapi_document *document)
{
    for (int coding = 0; coding < CODING_COUNT; coding++)
        buf_clear(&document->coded[coding]);
}
