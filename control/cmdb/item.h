/*
 * Items: the eight kinds of things in the inventory, from organisation to check. They differ in
 * their columns, parents and rules, which item_types.c writes down as a table; creating, changing
 * and deleting them is the same for all.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"

#include "shared/err.h"
#include "shared/statement.h"
#include "shared/str.h"
#include "shared/uuid.h"
#include "shared/vec.h"

struct db;
struct tx;

#define ITEM_REFERENCES_MAX 2

/* A field that names another item. */
struct item_reference {
    const char *field; /* "business_unit" in the API; NULL ends the list */
    const char *column;
    enum entity_kind to;
    bool is_optional;
    bool is_movable; /* PATCH may change it */
    bool is_sibling; /* it must have the same parent as the item of the first reference */
    /* (parents, known): the living items that refer to one of them, locked */
    struct statement children;
    /* (parents, known, deleted_at): those that were deleted at that moment, locked */
    struct statement fallen;
    /* (ids, known): what these items refer to, other than what is known */
    struct statement parents;
};

/* What is peculiar to one kind. The first reference is the parent in which the key is unique. */
struct item_type {
    enum entity_kind kind;
    const char *word;       /* "environment_group", in JSON and in the names of its schemas */
    const char *words;      /* "environment group", in sentences */
    const char *collection; /* "environment-groups" */
    struct item_reference references[ITEM_REFERENCES_MAX + 1];

    /* (id): the API's object, its version; of a check also a heartbeat's path, and secrets */
    const struct statement *get;
    struct statement insert;       /* (id, organisation_id, fields) */
    struct statement update;       /* (id, fields) */
    struct statement delete;       /* (ids) */
    struct statement restore;      /* (ids) */
    struct statement objects;      /* (ids): id, organisation_id, and what `get` gives */
    struct statement lock;         /* (id): organisation_id */
    struct statement lock_fallen;  /* (id): deleted_at */
    struct statement find;         /* (id): organisation_id, parent's id; held against deletion */
    struct statement find_by_path; /* (parent's id, key): id */

    /* Fills in the defaults that go before those of the kind's schema; pure. NULL: there are
     * none. */
    void (*defaults)(json_t *fields);

    /* Adds what is wrong with a state, whole or as sent, that may not fit the schema; pure. NULL:
     * there are no such rules. */
    void (*rules)(const json_t *fields, json_t **errors);

    /* Makes the new state, merged from what may be read of the earlier one, whole by its secrets;
     * and takes those away again, into a column of their own, before it is written. Pure. NULL:
     * there are none. */
    void (*restore_secrets)(json_t *fields, const json_t *earlier, const json_t *secrets);
    void (*hide_secrets)(json_t *fields);

    /* Puts a hash in place of each of its secrets; pure. NULL: there are none. */
    void (*hash_secrets)(json_t *fields, const json_t *secrets,
                         json_t *(*hash)(const void *context, const json_t *secret),
                         const void *context);

    /* Completes the new state and adds what is wrong with it, where that takes the database;
     * `earlier` is the object as it was, NULL for a new item. NULL: there is nothing of the
     * sort. */
    enum err (*prepare)(struct tx *tx, const json_t *earlier, json_t *fields, json_t **errors);
};

/* All kinds in the order from the root down, so that a parent comes before its children. */
extern const struct item_type item_types[];
extern const size_t item_type_count;

/* Of ENTITY_ORGANISATION … ENTITY_CHECK. */
const struct item_type *item_type_of(enum entity_kind kind);

/* One item as it is in the database. */
struct item {
    const struct item_type *type;
    struct uuid id;
    struct uuid organisation_id;
    int64_t version;
    char *object;         /* the API's JSON; owned */
    char *heartbeat_path; /* for who may write it; owned; NULL: has none */
    char *secrets;        /* JSON that nobody gets to read; owned; NULL: has none */
};

struct rows;

/* Reads what `get` gives, from the column `first` on. */
struct item item_from_row(const struct item_type *type, const struct uuid *id,
                          const struct uuid *organisation_id, const struct rows *rows, int row,
                          int first);

void item_clear(struct item *item);

static inline void item_clear_p(struct item *item)
{
    item_clear(item);
}

/* Locks a living item against other writers and reads it. @return ERR_NOT_FOUND "item_missing". */
MUST_USE enum err item_lock(struct tx *tx, const struct item_type *type, const struct uuid *id,
                            struct item *ret_item);

/* Adds what the rules of the kind, and those of all kinds, find wrong with a state. Pure. */
void item_check(const struct item_type *type, const json_t *fields, json_t **errors);

/* Adds what refers to nothing, or does not fit together, in a body that may be wrong otherwise, too:
 * for telling of all at once. */
MUST_USE enum err item_look_up(struct db *db, const struct item_type *type, const json_t *body,
                               json_t **errors);

/* Keeps who belongs to an organisation from making and deleting organisations, and from giving them
 * keys: these have to differ from those of organisations that he does not see. @return ERR_DENIED
 * "organisation_denied". */
MUST_USE enum err item_check_organisations(struct tx *tx, const struct item_type *type);

/*
 * Creates an item from a body that its schema has accepted.
 * @return ERR_INVALID "body_invalid" with a pointer for each wrong field; ERR_CONFLICT "key_taken".
 */
MUST_USE enum err item_create(struct tx *tx, const struct item_type *type, const json_t *body,
                              struct item *ret_item);

/* Applies a merge patch to a locked item. Nothing is written when it changes nothing: the version
 * stays.
 * @return as item_create(). */
MUST_USE enum err item_update(struct tx *tx, const struct item *before, const json_t *patch,
                              struct item *ret_item);

typedef VEC(struct item) item_list;

void item_list_clear(item_list *items);

static inline void item_list_clear_p(item_list *items)
{
    item_list_clear(items);
}

/*
 * Deletes a locked item softly, with `cascade` also all that lies below it.
 * @param ret_items what was deleted, from the top down, as it was before; the caller clears it.
 * @return ERR_CONFLICT "has_children" without cascade.
 */
MUST_USE enum err item_delete(struct tx *tx, const struct item *item, bool cascade,
                              item_list *ret_items);

/*
 * Takes a deletion back, with `cascade` also of all that was deleted with it.
 * @param ret_items what has come back, from the top down; the caller clears it.
 * @return ERR_NOT_FOUND "item_missing"; ERR_CONFLICT "item_living", "parent_deleted", "key_taken".
 */
MUST_USE enum err item_restore(struct tx *tx, const struct item_type *type, const struct uuid *id,
                               bool cascade, item_list *ret_items);

/* What a reference leads to. */
struct item_place {
    struct uuid id;
    struct uuid organisation_id;
    struct uuid parent_id; /* nil for an organisation */
};

/* Finds a living item by id or key path and keeps it from being deleted until the transaction ends.
 * @return ERR_NOT_FOUND "item_missing". */
MUST_USE enum err item_find(struct tx *tx, const struct item_type *type, struct str reference,
                            struct item_place *ret_place);
