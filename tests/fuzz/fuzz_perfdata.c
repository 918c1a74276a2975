/* Whatever a script prints: the object is valid JSON within its limit, and holds as many items as
 * were counted. */
#include <assert.h>
#include <stdint.h>

#include "shared/json.h"

#include "prober/perfdata.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear_p) struct buf perfdata = {0};
    CLEANUP(buf_clear_p) struct buf object = {0};
    struct perfdata_counts counts;
    JSON_AUTO json_t *parsed = NULL;
    struct str message;

    perfdata_split(str_n((const char *)data, size), &message, &perfdata);
    counts = perfdata_write(&object, buf_str(&perfdata), LIMIT);
    assert(object.len <= LIMIT);

    assert(json_parse(buf_str(&object), &parsed) == OK);
    assert(json_object_size(parsed) == counts.items);
    return 0;
}
