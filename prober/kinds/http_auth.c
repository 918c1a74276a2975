/* Texts, put together. */
#include "prober/kinds/http_auth.h"

#include "shared/buf.h"
#include "shared/json.h"
#include "shared/mem.h"

char *http_auth_basic(const char *user, const char *password, struct http_secrets *secrets)
{
    CLEANUP(buf_clear_p) struct buf pair = {0};
    struct buf value = {0};

    buf_printf(&pair, "%s:%s", user, password);
    buf_append_text(&value, "Basic ");
    buf_append_base64(&value, buf_str(&pair));
    http_secrets_add(secrets, password);
    http_secrets_add(secrets, value.data + strlen("Basic "));
    wipe(pair.data, pair.len);
    return buf_take_text(&value);
}

char *http_auth_value(const json_t *auth, struct http_secrets *secrets)
{
    const json_t *basic = json_object_get(auth, "basic");
    const char *token = json_text(auth, "bearer", NULL);

    if (json_is_object(basic))
        return http_auth_basic(json_text(basic, "user", ""), json_text(basic, "password", ""),
                               secrets);
    if (!token)
        return NULL;
    http_secrets_add(secrets, token);
    return xasprintf("Bearer %s", token);
}
