/* The reply of a gRPC health check: what is done stays in its bounds, and any shorter part of it asks
 * for more. */
#include <assert.h>

#include "shared/mem.h"

#include "prober/kinds/grpc_health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    const char *wrong = NULL;
    uint64_t serving = 0;
    enum grpc_read read = grpc_health_read(body, &serving, &wrong);

    assert((wrong != NULL) == (read == GRPC_READ_MALFORMED));
    if (read == GRPC_READ_DONE) {
        assert(size <= 5 + GRPC_REPLY_BYTES_MAX);
        assert(grpc_health_read(str_sub(body, 0, size - 1), &serving, &wrong) == GRPC_READ_MORE);
    }
    return 0;
}
