/* The table is read from the top: full codes stand before the class that they belong to. */
#include "control/store/sqlstate.h"

#include <string.h>

#include "shared/attrs.h"

static const struct sqlstate_meaning meanings[] = {
    {"23505", ERR_CONFLICT, "unique_violation"},
    {"23503", ERR_CONFLICT, "foreign_key_violation"},
    {"23P01", ERR_CONFLICT, "exclusion_violation"},
    {"23514", ERR_INVALID, "check_violation"},
    {"23502", ERR_INVALID, "value_missing"},
    {"22", ERR_INVALID, "value_invalid"},
    {"40001", ERR_UNAVAILABLE, "transaction_collided"},
    {"40P01", ERR_UNAVAILABLE, "transaction_collided"},
    {"57014", ERR_TIMEOUT, "statement_timeout"},
    {"55P03", ERR_UNAVAILABLE, "row_locked"},
    {"26000", ERR_UNAVAILABLE, "statement_stale"},
    {"0A000", ERR_UNAVAILABLE, "statement_stale"},
    {"P0001", ERR_CONFLICT, "refused"},
    {"53100", ERR_UNAVAILABLE, "database_full"},
    {"53", ERR_UNAVAILABLE, "database_unavailable"},
    {"57P", ERR_UNAVAILABLE, "database_unavailable"},
    {"08", ERR_UNAVAILABLE, "database_unavailable"},
    {"58", ERR_UNAVAILABLE, "database_unavailable"},
    {"25006", ERR_UNAVAILABLE, "database_read_only"},
    {"28", ERR_INVALID, "database_refused"},
    {"3D000", ERR_INVALID, "database_refused"},
    {"42501", ERR_UNAVAILABLE, "database_denied"},
};

static const struct sqlstate_meaning lost = {"08006", ERR_UNAVAILABLE, "database_unavailable"};
static const struct sqlstate_meaning other = {"", ERR_BUG, "statement_wrong"};

const struct sqlstate_meaning *sqlstate_meaning(const char *state)
{
    if (!state || !*state)
        return &lost;

    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
            return &meanings[i];
    }
    return &other;
}

bool sqlstate_is_stale(const char *state)
{
    return state && (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0);
}

bool sqlstate_is_collision(const char *state)
{
    return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
}
