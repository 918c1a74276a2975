/* The tag is weak: it says that the content is the same, not its bytes in any coding. */
#include "control/api/reply_finish.h"

#include <string.h>

#include "shared/crypto.h"
#include "shared/deflate.h"

#include "control/api/guard.h"

#define TAG_BYTES 12 /* of the digest: nobody gains by two contents of one tag */

static const char vary[] = "Vary: Accept-Encoding\r\n";

static bool has_header(const struct reply *reply, const char *line_start)
{
    return reply->headers.len > 0 &&
           memmem(reply->headers.data, reply->headers.len, line_start, strlen(line_start)) != NULL;
}

bool reply_wants_finish(const struct request *request, const struct reply *reply)
{
    return reply->body.len >= REPLY_LONG_BYTES && request->method == METHOD_GET &&
           reply->status == 200 && !has_header(reply, "Content-Encoding: ");
}

/* True when the caller has this content. */
static bool tag(const struct request *request, struct reply *reply)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    uint8_t digest[SHA256_BYTES];

    if (has_header(reply, "ETag: "))
        return false;
    sha256(buf_str(&reply->body), digest);
    for (size_t i = 0; i < TAG_BYTES; i++)
        buf_printf(&text, "%02x", digest[i]);
    reply_header(reply, "ETag", "W/\"%s\"", text.data);
    return entity_tags_have(request->if_none_match, buf_str(&text));
}

void reply_finish(const struct request *request, struct reply *reply)
{
    CLEANUP(buf_clear_p) struct buf encoded = {0};
    enum content_coding coding;

    if (!has_header(reply, "Vary: "))
        buf_append_text(&reply->headers, vary);
    if (tag(request, reply)) {
        reply->status = 304;
        buf_reset(&reply->body);
        return;
    }
    coding = content_coding_choose(request_header(request, "accept-encoding"),
                                   1U << CODING_BROTLI | 1U << CODING_GZIP);
    if (!content_encode(coding, buf_str(&reply->body), &encoded))
        return;
    reply_header(reply, "Content-Encoding", "%s", content_coding_words[coding].ptr);
    buf_clear(&reply->body);
    reply->body = encoded;
    encoded = (struct buf){0};
}
