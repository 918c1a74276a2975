/*
 * Creating, changing and deleting items of any kind. The way is always the same: make the whole new
 * state as a JSON object of the API's fields, put the ids of what it refers to beside it, check it,
 * write it by the kind's statement, and read it back through the kind's view, so that the answer
 * and the journal show what is really there.
 */
#include "control/cmdb/item.h"

#include <stdio.h>

#include "shared/json.h"
#include "shared/json_merge.h"
#include "shared/mem.h"

#include "control/cmdb/item_defaults.h"
#include "control/cmdb/item_rules.h"
#include "control/store/db.h"
#include "control/store/tx.h"

void item_clear(struct item *item)
{
    free(item->object);
    free(item->heartbeat_path);
    if (item->secrets)
        wipe(item->secrets, strlen(item->secrets));
    free(item->secrets);
    *item = (struct item){0};
}

/* --- reading --- */

/* NULL when the statement has no such column. */
static char *text_of(const struct rows *rows, int row, int column)
{
    return column < rows_columns(rows) && !row_is_null(rows, row, column)
               ? str_dup(row_text(rows, row, column))
               : NULL;
}

struct item item_from_row(const struct item_type *type, const struct uuid *id,
                          const struct uuid *organisation_id, const struct rows *rows, int row,
                          int first)
{
    return (struct item){
        .type = type,
        .id = *id,
        .organisation_id = *organisation_id,
        .version = row_int(rows, row, first + 1),
        .object = str_dup(row_text(rows, row, first)),
        .heartbeat_path = text_of(rows, row, first + 2),
        .secrets = text_of(rows, row, first + 3),
    };
}

static enum err read_item(struct tx *tx, const struct item_type *type, const struct uuid *id,
                          const struct uuid *organisation_id, struct item *ret_item)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(tx_query_one(tx, type->get, PARAMS(p_uuid(id)), &rows));
    *ret_item = item_from_row(type, id, organisation_id, rows, 0, 0);
    return OK;
}

enum err item_lock(struct tx *tx, const struct item_type *type, const struct uuid *id,
                   struct item *ret_item)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid organisation_id;

    TRY(tx_query(tx, &type->lock, PARAMS(p_uuid(id)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_NOT_FOUND, "item_missing", "There is no such %s.", type->words);
    organisation_id = row_uuid(rows, 0, 0);
    return read_item(tx, type, id, &organisation_id, ret_item);
}

/* --- the new state --- */

static void add_reference_error(const struct item_reference *reference, const char *code,
                                const char *detail, json_t **errors)
{
    char pointer[32];

    snprintf(pointer, sizeof pointer, "/%s", reference->field);
    json_add_error(errors, pointer, code, "%s", detail);
}

/*
 * Puts the id of what a field refers to beside it, as its column. What is not there is an error of
 * the field. What did not change is not looked up, and so not locked: a writer who deletes holds
 * the parent before the child.
 */
static enum err resolve(struct tx *tx, const struct item_reference *reference,
                        const json_t *earlier, json_t *fields, struct item_place *ret_place,
                        json_t **errors)
{
    json_t *value = json_object_get(fields, reference->field);
    const char *text = json_text(fields, reference->field, NULL);
    char id[UUID_TEXT_BYTES];
    enum err err;

    if (!text)
        return OK;
    if (json_equal(value, json_object_get(earlier, reference->field))) {
        json_object_set(fields, reference->column, value);
        return OK;
    }

    err = item_find(tx, item_type_of(reference->to), str_of(text), ret_place);
    if (err == ERR_NOT_FOUND) {
        add_reference_error(reference, "not_found", failure_last()->detail, errors);
        return OK;
    }
    TRY(err);
    json_object_set_new(fields, reference->column, json_string(uuid_format(&ret_place->id, id)));
    return OK;
}

/* Resolves all references and checks how they fit together. The organisation of a new item is that
 * of its parent. */
static enum err resolve_all(struct tx *tx, const struct item_type *type, const json_t *earlier,
                            json_t *fields, struct uuid *organisation_id, json_t **errors)
{
    struct item_place places[ITEM_REFERENCES_MAX] = {0};

    for (int i = 0; type->references[i].field; i++) {
        const struct item_reference *reference = &type->references[i];

        TRY(resolve(tx, reference, earlier, fields, &places[i], errors));
        if (uuid_is_nil(&places[i].id))
            continue;
        if (i == 0 && !earlier)
            *organisation_id = places[i].organisation_id;
        if (uuid_is_nil(organisation_id))
            continue; /* the parent is missing: that says enough */
        if (!uuid_equal(&places[i].organisation_id, organisation_id))
            add_reference_error(reference, "other_organisation",
                                "It belongs to another organisation.", errors);
        else if (reference->is_sibling && !uuid_equal(&places[i].parent_id, &places[0].parent_id))
            add_reference_error(reference, "other_parent", "It does not belong to the same system.",
                                errors);
    }
    return OK;
}

void item_check(const struct item_type *type, const json_t *fields, json_t **errors)
{
    item_rules_common(fields, errors);
    if (type->rules)
        type->rules(fields, errors);
}

static void copy_text(const json_t *body, const char *field, json_t *fields)
{
    json_t *value = json_object_get(body, field);

    if (json_is_string(value))
        json_object_set(fields, field, value);
}

enum err item_look_up(struct db *db, const struct item_type *type, const json_t *body,
                      json_t **errors)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    JSON_AUTO json_t *fields = json_object();
    struct uuid organisation_id = {{0}};

    for (int i = 0; type->references[i].field; i++)
        copy_text(body, type->references[i].field, fields);
    if (type->kind == ENTITY_ORGANISATION)
        copy_text(body, "time_zone", fields);
    if (json_object_size(fields) == 0)
        return OK;
    TRY(tx_begin(db, &tx));
    if (type->kind == ENTITY_ORGANISATION) /* it refers to nothing but its time zone */
        return type->prepare(tx, NULL, fields, errors);
    return resolve_all(tx, type, NULL, fields, &organisation_id, errors);
}

/* Completes and checks the whole new state; `fields` then has a value for each column. */
static enum err prepare(struct tx *tx, const struct item_type *type, const json_t *earlier,
                        json_t *fields, struct uuid *organisation_id)
{
    JSON_AUTO json_t *errors = NULL;

    if (type->defaults)
        type->defaults(fields);
    item_defaults_fill(type, fields);
    TRY(resolve_all(tx, type, earlier, fields, organisation_id, &errors));
    if (type->prepare)
        TRY(type->prepare(tx, earlier, fields, &errors));
    item_check(type, fields, &errors);
    if (errors)
        return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", TAKE(errors));
    return OK;
}

/* Runs an insert or update; a key that the parent has already becomes an error of the field. */
static enum err write_fields(struct tx *tx, const struct item_type *type,
                             const struct statement *statement, struct params params,
                             const json_t *fields)
{
    JSON_AUTO json_t *errors = NULL;
    enum err err = tx_execute(tx, statement, params, NULL);
    char detail[256];

    if (err != ERR_CONFLICT || !str_equal(str_of(failure_last()->code), STR("unique_violation")))
        return err;
    snprintf(detail, sizeof detail, "Another %s has the key %s.", type->words,
             json_text(fields, "key", ""));
    json_add_error(&errors, "/key", "taken", "%s", detail);
    return fail_fields(ERR_CONFLICT, "key_taken", detail, TAKE(errors));
}

enum err item_check_organisations(struct tx *tx, const struct item_type *type)
{
    if (type->kind != ENTITY_ORGANISATION || db_shows_all_rows(tx_db(tx)))
        return OK;
    return fail(ERR_DENIED, "organisation_denied",
                "Which organisations there are, and by what keys, is not for who belongs to one.");
}

enum err item_create(struct tx *tx, const struct item_type *type, const json_t *body,
                     struct item *ret_item)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *fields = json_deep_copy(body);
    struct uuid id = uuid_new();
    struct uuid organisation_id = {{0}};

    TRY(item_check_organisations(tx, type));
    if (type->kind == ENTITY_ORGANISATION)
        organisation_id = id;
    TRY(prepare(tx, type, NULL, fields, &organisation_id));
    if (type->hide_secrets)
        type->hide_secrets(fields);

    json_write(fields, &text);
    TRY(write_fields(tx, type, &type->insert,
                     PARAMS(p_uuid(&id), p_uuid(&organisation_id), p_str(buf_str(&text))), fields));
    return read_item(tx, type, &id, &organisation_id, ret_item);
}

/* Whether each field of the object is in the new state as it was; absent is null. */
static bool is_unchanged(const json_t *object, const json_t *fields)
{
    const char *key;
    json_t *was;

    json_object_foreach((json_t *)object, key, was)
    {
        const json_t *is = json_object_get(fields, key);

        if (is ? !json_equal(was, is) : !json_is_null(was))
            return false;
    }
    return true;
}

enum err item_update(struct tx *tx, const struct item *before, const json_t *patch,
                     struct item *ret_item)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *object = NULL;
    JSON_AUTO json_t *secrets = NULL;
    JSON_AUTO json_t *fields = NULL;
    const struct item_type *type = before->type;
    struct uuid organisation_id = before->organisation_id;

    TRY(json_parse(str_of(before->object), &object));
    if (before->secrets)
        TRY(json_parse(str_of(before->secrets), &secrets));
    fields = json_merge_patch(object, patch);
    if (secrets)
        type->restore_secrets(fields, object, secrets);
    if (!json_equal(json_object_get(object, "key"), json_object_get(fields, "key")))
        TRY(item_check_organisations(tx, type));
    TRY(prepare(tx, type, object, fields, &organisation_id));
    if (type->hide_secrets) {
        type->hide_secrets(fields);
        json_object_set_new(object, "secrets", secrets ? json_incref(secrets) : json_null());
    }
    if (is_unchanged(object, fields))
        return read_item(tx, type, &before->id, &organisation_id, ret_item);

    json_write(fields, &text);
    TRY(write_fields(tx, type, &type->update, PARAMS(p_uuid(&before->id), p_str(buf_str(&text))),
                     fields));
    return read_item(tx, type, &before->id, &organisation_id, ret_item);
}
