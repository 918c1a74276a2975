/* Secrets and signatures of webhooks. */
#include "control/notify/webhook_signature.h"

#include "shared/crypto.h"
#include "shared/mem.h"

#define SECRET_BYTES_NEW 32

bool webhook_secret_read(struct str text, struct webhook_secret *ret_secret)
{
    struct str prefix = STR(WEBHOOK_SECRET_PREFIX);

    if (str_starts_with(text, prefix))
        text = str_sub(text, prefix.len, text.len);
    return str_from_base64(text, ret_secret->bytes, sizeof ret_secret->bytes, &ret_secret->len) &&
           ret_secret->len >= WEBHOOK_SECRET_BYTES_MIN;
}

void webhook_secret_make(struct buf *out)
{
    uint8_t bytes[SECRET_BYTES_NEW];

    random_bytes(bytes, sizeof bytes);
    buf_append_text(out, WEBHOOK_SECRET_PREFIX);
    buf_append_base64(out, str_n((const char *)bytes, sizeof bytes));
    wipe(bytes, sizeof bytes);
}

void webhook_sign(const struct webhook_secret *secret, struct str id, int64_t at_s, struct str body,
                  struct buf *out)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    uint8_t code[SHA256_BYTES];

    buf_append_str(&text, id);
    buf_printf(&text, ".%lld.", (long long)at_s);
    buf_append_str(&text, body);
    hmac_sha256(str_n((const char *)secret->bytes, secret->len), buf_str(&text), code);
    buf_append_text(out, "v1,");
    buf_append_base64(out, str_n((const char *)code, sizeof code));
}
