/* A row is there while its count is above zero. */
#include "control/api/live_tally.h"

#include "shared/map.h"

struct live_tally {
    struct uuid who;
    unsigned count;
    UT_hash_handle hh;
};

bool live_tally_add(struct live_tally **table, const struct uuid *who, unsigned max)
{
    struct live_tally *found;

    HASH_FIND(hh, *table, who, sizeof *who, found);
    if (found && found->count >= max)
        return false;
    if (!found) {
        found = NEW(struct live_tally);
        found->who = *who;
        HASH_ADD(hh, *table, who, sizeof found->who, found);
    }
    found->count++;
    return true;
}

void live_tally_remove(struct live_tally **table, const struct uuid *who)
{
    struct live_tally *found;

    HASH_FIND(hh, *table, who, sizeof *who, found);
    if (found && --found->count == 0) {
        HASH_DEL(*table, found);
        free(found);
    }
}
