/* The algorithm of RFC 7396, section 2, word for word. Depth is bounded by JSON_MAX_DEPTH of what
 * was parsed. */
#include "shared/json_merge.h"

json_t *json_merge_patch(const json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_t *merged;

    if (!json_is_object(patch))
        return json_deep_copy(patch);

    merged = json_is_object(target) ? json_copy((json_t *)target) : json_object();
    json_object_foreach((json_t *)patch, key, value)
    {
        if (json_is_null(value))
            json_object_del(merged, key);
        else
            json_object_set_new(merged, key, json_merge_patch(json_object_get(target, key), value));
    }
    return merged;
}
