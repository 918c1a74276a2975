/* The fields are those of the contract's tables; a line has all of its own and may have others, which
 * later versions add. */
#include "shared/journal_chain/journal_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/journal_chain.h"

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/uuid.h"

#define FIELD_NAME(name) #name,
#define NUMBER_BYTES     24

static const char *const record_fields[] = {JOURNAL_RECORD_FIELDS(FIELD_NAME)};
static const char *const batch_fields[] = {JOURNAL_BATCH_FIELDS(FIELD_NAME)};

static enum err invalid(const char *what, const char *field)
{
    return fail(ERR_INVALID, "line_invalid", "%s \"%s\"", what, field);
}

bool journal_hash_is_valid(const char *hash)
{
    return hash && strlen(hash) == TEXT_LIST_HASH_BYTES - 1 &&
           strspn(hash, "0123456789abcdef") == TEXT_LIST_HASH_BYTES - 1;
}

/* All texts of a line are printed and hashed as C strings; jansson allows no zero bytes in them. */
static enum err check_text(const json_t *members, const char *field)
{
    const json_t *value = json_object_get(members, field);

    return json_is_string(value) || json_is_null(value)
               ? OK
               : invalid("there is no text or null", field);
}

static enum err read_number(const json_t *members, const char *field, int64_t *ret_number)
{
    const json_t *value = json_object_get(members, field);

    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return invalid("there is no whole number above 0 as", field);
    *ret_number = json_integer_value(value);
    return OK;
}

static enum err read_chain(struct journal_line *line)
{
    struct uuid chain;

    line->chain = json_string_value(json_object_get(line->members, "chain"));
    line->hash = json_string_value(json_object_get(line->members, "hash"));
    if (!line->chain || !uuid_parse(str_of(line->chain), &chain))
        return invalid("there is no UUID as", "chain");
    return journal_hash_is_valid(line->hash) ? OK : invalid("there is no hash as", "hash");
}

static enum err read_record(struct journal_line *line)
{
    TRY(read_chain(line));
    TRY(read_number(line->members, "sequence", &line->sequence));
    if (line->type == JOURNAL_LINE_MISSING)
        return OK;
    for (size_t i = 0; i < ARRAY_LEN(record_fields); i++) {
        if (strcmp(record_fields[i], "sequence") != 0)
            TRY(check_text(line->members, record_fields[i]));
    }
    return json_object_get(line->members, "address") ? check_text(line->members, "address") : OK;
}

static enum err read_batch(struct journal_line *line)
{
    TRY(read_chain(line));
    TRY(read_number(line->members, "first", &line->first));
    TRY(read_number(line->members, "last", &line->sequence));
    TRY(read_number(line->members, "count", &line->count));
    if (!json_is_string(json_object_get(line->members, "sealed_at")))
        return invalid("there is no text as", "sealed_at");
    if (line->first > line->sequence || line->sequence - line->first >= JOURNAL_BATCH_MOST)
        return invalid("a batch cannot end so with", "last");
    return OK;
}

static enum err read_heads(const struct journal_line *line)
{
    for (size_t i = 0; i < json_array_size(line->members); i++) {
        struct journal_line head = {.members = json_array_get(line->members, i)};

        TRY(read_chain(&head));
        TRY(read_number(head.members, "sequence", &head.sequence));
    }
    return OK;
}

static enum err read_format(const struct journal_line *line)
{
    json_int_t format = json_integer_value(line->members);

    if (format >= 1 && format <= JOURNAL_EXPORT_FORMAT)
        return OK;
    return fail(ERR_INVALID, "line_invalid",
                "the export has another format than this program knows: use a newer one");
}

static const struct {
    const char *name;
    enum journal_line_type type;
} types[] = {
    {"record", JOURNAL_LINE_RECORD},   {"batch", JOURNAL_LINE_BATCH},
    {"missing", JOURNAL_LINE_MISSING}, {"heads", JOURNAL_LINE_HEADS},
    {"journal", JOURNAL_LINE_FORMAT},
};

static enum err find_type(struct journal_line *line)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        line->members = json_object_get(line->json, types[i].name);
        line->type = types[i].type;
        if (line->members)
            return OK;
    }
    return fail(ERR_INVALID, "line_invalid", "it is neither record nor batch nor heads");
}

static enum err read_members(struct journal_line *line)
{
    switch (line->type) {
    case JOURNAL_LINE_FORMAT:
        return read_format(line);
    case JOURNAL_LINE_RECORD:
    case JOURNAL_LINE_MISSING:
        return read_record(line);
    case JOURNAL_LINE_BATCH:
        return read_batch(line);
    case JOURNAL_LINE_HEADS:
        return read_heads(line);
    }
    return OK;
}

enum err journal_line_read(struct str text, struct journal_line *ret_line)
{
    CLEANUP(journal_line_clear_p) struct journal_line line = {0};

    if (text.len > (size_t)JOURNAL_LINE_BYTES_MAX)
        return fail(ERR_INVALID, "line_invalid", "it is longer than %lld bytes",
                    (long long)JOURNAL_LINE_BYTES_MAX);
    if (json_parse(text, &line.json) != OK)
        return fail(ERR_INVALID, "line_invalid", "it is no JSON");
    TRY(find_type(&line));
    TRY(read_members(&line));
    *ret_line = line;
    line.json = NULL;
    return OK;
}

void journal_line_clear(struct journal_line *line)
{
    json_decref(line->json);
    line->json = NULL;
}

/* Adds a member as it is hashed: numbers in decimal, null as absent. */
static void add_member(struct buf *list, const json_t *value)
{
    char number[NUMBER_BYTES];

    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(value));
        text_list_add(list, str_of(number));
        return;
    }
    text_list_add(list, str_n(json_string_value(value), json_string_length(value)));
}

void journal_record_hash(const struct journal_line *record, char ret_hash[TEXT_LIST_HASH_BYTES])
{
    CLEANUP(buf_clear_p) struct buf list = {0};
    const json_t *address = json_object_get(record->members, "address");
    bool has_address = json_is_string(address);

    text_list_add(&list, has_address ? STR(JOURNAL_RECORD_TAG_2) : STR(JOURNAL_RECORD_TAG_1));
    for (size_t i = 0; i < ARRAY_LEN(record_fields); i++)
        add_member(&list, json_object_get(record->members, record_fields[i]));
    if (has_address)
        add_member(&list, address);
    text_list_hash(&list, ret_hash);
}

void journal_batch_hash(const struct journal_line *batch, const char *previous,
                        struct str record_hashes, char ret_hash[TEXT_LIST_HASH_BYTES])
{
    CLEANUP(buf_clear_p) struct buf list = {0};

    text_list_add(&list, STR(JOURNAL_BATCH_TAG));
    for (size_t i = 0; i < ARRAY_LEN(batch_fields); i++) {
        if (strcmp(batch_fields[i], "previous") == 0)
            text_list_add(&list, str_of(previous));
        else
            add_member(&list, json_object_get(batch->members, batch_fields[i]));
    }
    buf_append_str(&list, record_hashes);
    text_list_hash(&list, ret_hash);
}
