/* The replies of token endpoints: what is granted can be sent in a header, and is bounded. */
#include <assert.h>

#include "shared/http_text.h"
#include "shared/mem.h"

#include "prober/kinds/http_oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear_p) struct buf why = {0};
    struct http_grant grant;

    if (!http_grant_read(str_n((const char *)data, size), &grant, &why)) {
        assert(why.len > 0);
        return 0;
    }
    assert(grant.token[0] != '\0' && strlen(grant.token) <= size);
    assert(http_is_field_value(str_of(grant.token)));
    assert(grant.lifetime_s >= 0 && grant.lifetime_s <= 86400);
    free(grant.token);
    return 0;
}
