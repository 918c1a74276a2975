/* Each secret is looked for by itself: there are few, and only who asked for the steps waits. */
#include "prober/kinds/http_mask.h"

#include "shared/mem.h"

#define PREFIX_BYTES 8 /* by which a secret is recognised */

void http_secrets_add(struct http_secrets *secrets, const char *text)
{
    if (text && strlen(text) >= HTTP_SECRET_BYTES_MIN)
        vec_push(&secrets->texts, xstrdup(text));
}

static void forget(char *text)
{
    if (text)
        wipe(text, strlen(text));
    free(text);
}

void http_secrets_pass(struct http_secrets *secrets, const char *text)
{
    forget(secrets->passing);
    secrets->passing = strlen(text) >= HTTP_SECRET_BYTES_MIN ? xstrdup(text) : NULL;
}

void http_secrets_clear(struct http_secrets *secrets)
{
    for (size_t i = 0; i < secrets->texts.len; i++)
        forget(secrets->texts.items[i]);
    vec_clear(&secrets->texts);
    forget(TAKE(secrets->passing));
}

/* How many bytes at `text` are those of the secret: quoting may have cut it off. */
static size_t common_len(struct str text, struct str secret)
{
    size_t len = 0;

    while (len < text.len && len < secret.len && text.ptr[len] == secret.ptr[len])
        len++;
    return len;
}

static void mask_one(struct buf *text, const char *secret_text)
{
    struct str secret = str_n(secret_text, strlen(secret_text));
    struct str begin = str_sub(secret, 0, PREFIX_BYTES);
    struct str rest = buf_str(text);
    struct buf masked = {0};
    const char *found;

    while (rest.len > 0 && (found = memmem(rest.ptr, rest.len, begin.ptr, begin.len))) {
        buf_append(&masked, rest.ptr, (size_t)(found - rest.ptr));
        buf_append_text(&masked, HTTP_MASK);
        rest = str_sub(rest, (size_t)(found - rest.ptr), rest.len);
        rest = str_sub(rest, common_len(rest, secret), rest.len);
    }
    if (masked.len == 0)
        return;
    buf_append_str(&masked, rest);
    buf_clear(text);
    *text = masked;
}

void http_secrets_mask(const struct http_secrets *secrets, struct buf *text)
{
    for (size_t i = 0; i < secrets->texts.len; i++)
        mask_one(text, secrets->texts.items[i]);
    if (secrets->passing)
        mask_one(text, secrets->passing);
}

void append_masked(struct buf *buf, struct str bytes, const char *secret, size_t limit)
{
    CLEANUP(buf_clear_p) struct buf shown = {0};

    if (!secret || strlen(secret) < HTTP_SECRET_BYTES_MIN) {
        buf_append_escaped(buf, bytes, limit);
        return;
    }
    buf_append_str(&shown, bytes);
    mask_one(&shown, secret);
    buf_append_escaped(buf, buf_str(&shown), limit);
}
