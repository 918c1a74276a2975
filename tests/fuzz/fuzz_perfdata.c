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
    struct str input = str_n((const char *)data, size);
    CLEANUP(buf_clear_p) struct buf object = {0};
    struct perfdata_counts counts;
    JSON_AUTO json_t *parsed = NULL;
    struct plugin_output parts;

    plugin_output_split(input, &parts);
    assert(parts.message.len + parts.details.len + parts.perfdata.len <= size);
    counts = perfdata_write(&object, buf_str(&parts.perfdata), LIMIT);
    plugin_output_clear(&parts);
    assert(object.len <= LIMIT);

    assert(json_parse(buf_str(&object), &parsed) == OK);
    assert(json_object_size(parsed) == counts.items);
    return 0;
}
