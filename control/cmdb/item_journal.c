/* Most items have no secrets: then the text is the object's, as it is. */
#include "control/cmdb/item_journal.h"

#include "shared/buf.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "control/cmdb/item.h"
#include "control/journal/journal.h"

struct hashing {
    uint8_t key[JOURNAL_KEY_BYTES];
    const struct uuid *id;
};

static json_t *hash_text(const struct hashing *hashing, struct str secret)
{
    char hash[JOURNAL_SECRET_HASH_BYTES];

    journal_secret_hash(hashing->key, hashing->id, secret, hash);
    return json_string(hash);
}

static json_t *hash_secret(const void *context, const json_t *secret)
{
    return hash_text(context, str_n(json_string_value(secret), json_string_length(secret)));
}

static enum err hash_all(const struct item *item, const struct hashing *hashing, json_t *object)
{
    JSON_AUTO json_t *secrets = NULL;

    if (item->heartbeat_path)
        json_object_set_new(object, "heartbeat_path",
                            hash_text(hashing, str_of(item->heartbeat_path)));
    if (!item->secrets)
        return OK;
    TRY(json_parse(str_of(item->secrets), &secrets));
    item->type->hash_secrets(object, secrets, hash_secret, hashing);
    return OK;
}

enum err item_journal_text(struct tx *tx, const struct item *item, char **ret_text)
{
    JSON_AUTO json_t *object = NULL;
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct hashing hashing = {.id = &item->id};
    enum err err;

    if (!item->secrets && !item->heartbeat_path) {
        *ret_text = xstrdup(item->object);
        return OK;
    }
    TRY(json_parse(str_of(item->object), &object));
    TRY(journal_key(tx, hashing.key));
    err = hash_all(item, &hashing, object);
    wipe(hashing.key, sizeof hashing.key);
    TRY(err);
    json_write(object, &text);
    *ret_text = buf_take_text(&text);
    return OK;
}
