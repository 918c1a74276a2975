/* Replies of a Redis server: values lie within the input, use it up, and stay within their limits;
 * cut anywhere, the input needs more or is refused, but never gives another value. */
#include <assert.h>

#include "shared/attrs.h"

#include "prober/kinds/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct resp_value *value, struct str input, size_t used)
{
    assert(used > 0 && used <= input.len);
    assert(value->count <= RESP_ARRAY_MAX);
    assert(value->text.len <= RESP_BULK_BYTES_MAX);
    if (value->text.len > 0)
        assert(value->text.ptr > input.ptr && value->text.ptr + value->text.len < input.ptr + used);
}

/* No part of a value is a value: the rest has to be waited for. */
static void check_cut(struct str input, size_t used)
{
    struct resp_value value;
    const char *why = NULL;
    size_t cut_used;

    for (size_t len = used > 32 ? used - 32 : 0; len < used; len++)
        assert(resp_read(str_sub(input, 0, len), &value, &cut_used, &why) == RESP_NEED_MORE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    for (;;) {
        struct resp_value value;
        const char *why = NULL;
        size_t used = 0;
        enum resp_status status = resp_read(input, &value, &used, &why);

        if (status != RESP_VALUE) {
            assert(status == RESP_NEED_MORE || why);
            return 0;
        }
        check_value(&value, input, used);
        check_cut(input, used);
        input = str_sub(input, used, input.len);
    }
}
