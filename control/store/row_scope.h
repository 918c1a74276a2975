/*
 * Whose rows a statement sees and may write: the setting em.org, which the policies of the tables
 * go by (migrations/0011_organisation_rows.sql). Zeroed it is nobody's: who forgets to say it finds
 * nothing.
 *
 * Thread: any.
 */
#pragma once

#include "shared/uuid.h"

enum row_scope_kind { ROWS_OF_NOBODY, ROWS_OF_ONE, ROWS_OF_ALL };

struct row_scope {
    enum row_scope_kind kind;
    struct uuid organisation_id; /* of ROWS_OF_ONE */
};

/* For the service's own work, and for who belongs to no organisation. */
#define ALL_ROWS ((struct row_scope){.kind = ROWS_OF_ALL})

/* The value of em.org: "", the id, or "*". */
static inline const char *row_scope_write(const struct row_scope *scope, char text[UUID_TEXT_BYTES])
{
    switch (scope->kind) {
    case ROWS_OF_NOBODY:
        break;
    case ROWS_OF_ONE:
        return uuid_format(&scope->organisation_id, text);
    case ROWS_OF_ALL:
        text[0] = '*';
        text[1] = '\0';
        return text;
    }
    text[0] = '\0';
    return text;
}
