/*
 * The statement of a list:
 *
 *   SELECT {items, next, total}
 *     FROM (SELECT id, place, cursor FROM table base WHERE conditions AND after the cursor
 *            ORDER BY keys LIMIT one more than the page) page JOIN view item USING (id)
 *
 * A page finds its ids first, so that only what is shown is shaped. The order is that of the sort
 * keys, then of the id, so it is total; a cursor holds the keys of the last object shown, so it
 * says where to go on whatever happened to that object since. Without `sort` it is the id itself,
 * else the keys as a JSON array in hexadecimal digits. What has no value sorts as the least there
 * is.
 */
#include <ctype.h>
#include <string.h>

#include "shared/json.h"
#include "shared/uuid.h"

#include "control/api/listing_query_private.h"

/* ---- order ---- */

/* An id is never null, and as it stands an index gives the order. */
static void append_key(struct buf *out, const struct listing_key *key)
{
    if (strcmp(key->sql, "base.id") == 0 || strcmp(key->sql, "base.\"id\"") == 0)
        buf_append_text(out, key->sql);
    else
        buf_printf(out, "coalesce(%s, %s)", key->sql, listing_sql_types[key->type].least);
}

static void append_order(struct listing_compiler *compiler, struct buf *out)
{
    for (size_t i = 0; i < compiler->key_count; i++) {
        buf_append_text(out, i > 0 ? ", " : "");
        append_key(out, &compiler->keys[i]);
        buf_append_text(out, compiler->keys[i].descends ? " DESC" : "");
    }
}

static bool is_sorted(const struct listing_compiler *compiler)
{
    return compiler->key_count > 1;
}

static void append_cursor(struct listing_compiler *compiler, struct buf *out)
{
    if (!is_sorted(compiler)) {
        buf_append_text(out, "base.id::text");
        return;
    }
    buf_append_text(out, "encode(convert_to(json_build_array(");
    for (size_t i = 0; i < compiler->key_count; i++) {
        buf_append_text(out, i > 0 ? ", (" : "(");
        append_key(out, &compiler->keys[i]);
        buf_append_text(out, ")::text");
    }
    buf_append_text(out, ")::text, 'UTF8'), 'hex')");
}

/* What comes after: the first key beyond, or the first the same and the second beyond, … */
static void append_after(struct listing_compiler *compiler, const size_t *numbers, struct buf *out)
{
    buf_append_text(out, " AND (");
    for (size_t last = 0; last < compiler->key_count; last++) {
        buf_append_text(out, last > 0 ? " OR (" : "(");
        for (size_t i = 0; i <= last; i++) {
            const struct listing_key *key = &compiler->keys[i];

            append_key(out, key);
            buf_printf(out, " %s $%zu::%s%s",
                       i < last        ? "="
                       : key->descends ? "<"
                                       : ">",
                       numbers[i], listing_sql_types[key->type].type, i < last ? " AND " : ")");
        }
    }
    buf_append_char(out, ')');
}

static enum err foreign_cursor(void)
{
    return fail(ERR_INVALID, "parameters_invalid",
                "The cursor is not one of ours, or of another order.");
}

static bool is_hexadecimal(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isxdigit((unsigned char)text.ptr[i]))
            return false;
    }
    return text.len > 0 && text.len % 2 == 0;
}

static enum err append_sorted_after(struct listing_compiler *compiler, struct str cursor,
                                    struct buf *out)
{
    CLEANUP(buf_clear_p) struct buf digits = {0};
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *keys = NULL;
    size_t numbers[LISTING_KEYS_MAX];

    if (!is_hexadecimal(cursor))
        return foreign_cursor();
    buf_append_str(&digits, cursor);
    buf_append_char(&digits, '\0');
    buf_append_hex(&text, digits.data);
    if (json_parse(buf_str(&text), &keys) != OK) {
        failure_clear();
        return foreign_cursor();
    }
    if (json_array_size(keys) != compiler->key_count)
        return foreign_cursor();
    for (size_t i = 0; i < compiler->key_count; i++) {
        json_t *key = json_array_get(keys, i);

        if (!json_is_string(key))
            return foreign_cursor();
        numbers[i] = listing_add_value(compiler->query,
                                       str_n(json_string_value(key), json_string_length(key)));
    }
    append_after(compiler, numbers, out);
    return OK;
}

static enum err append_cursor_condition(struct listing_compiler *compiler, struct buf *out)
{
    struct str cursor = listing_words(compiler, "cursor");
    struct uuid id;
    size_t number;

    if (!cursor.ptr)
        return OK;
    if (is_sorted(compiler))
        return append_sorted_after(compiler, cursor, out);
    if (!uuid_parse(cursor, &id))
        return foreign_cursor();
    number = listing_add_value(compiler->query, cursor);
    append_after(compiler, &number, out);
    return OK;
}

static void read_keys(struct listing_compiler *compiler, struct buf *columns)
{
    static const struct listing_key id = {.sql = "base.id", .type = LISTING_UUID};
    struct str names = listing_words(compiler, "sort");
    size_t starts[LISTING_KEYS_MAX] = {0};

    while (names.ptr && compiler->key_count < LISTING_SORT_MAX) {
        struct str name = str_cut(&names, ',');
        bool descends = name.len > 0 && name.ptr[0] == '-';
        const struct listing_field *field;

        field = listing_field_find(compiler->listing, str_sub(name, descends ? 1 : 0, name.len));
        if (!field)
            continue;
        starts[compiler->key_count] = columns->len;
        listing_append_column(columns, field);
        buf_append_char(columns, '\0');
        compiler->keys[compiler->key_count++] =
            (struct listing_key){.type = field->type, .descends = descends};
    }
    for (size_t i = 0; i < compiler->key_count; i++)
        compiler->keys[i].sql = columns->data + starts[i];
    compiler->keys[compiler->key_count++] = id;
}

/* ---- the whole ---- */

static void append_total(struct listing_compiler *compiler, struct buf *out)
{
    if (!request_flag(compiler->request, "count"))
        return;
    buf_append_text(out, ", 'total', (SELECT count(*) FROM ");
    listing_append_source(compiler, compiler->listing->table, out);
    buf_printf(out, " base WHERE base.deleted_at IS NULL" STR_FMT ")",
               STR_ARG(buf_str(&compiler->conditions)));
}

static enum err append_statement(struct listing_compiler *compiler, struct buf *out)
{
    const struct listing *listing = compiler->listing;
    struct str limit = listing_words(compiler, "limit");
    size_t number = listing_add_value(compiler->query, limit.ptr ? limit : STR("50"));

    listing_append_conditions(compiler);
    buf_append_text(out, "SELECT json_build_object('items', coalesce(json_agg(");
    listing_append_object(compiler, out);
    buf_printf(out,
               " ORDER BY place) FILTER (WHERE place <= $%zu::integer), '[]'), 'next',"
               " CASE WHEN count(*) > $%zu::integer"
               " THEN (array_agg(page.cursor ORDER BY place))[$%zu::integer] END",
               number, number, number);
    append_total(compiler, out);
    buf_append_text(out, ") FROM (SELECT base.id, row_number() OVER (ORDER BY ");
    append_order(compiler, out);
    buf_append_text(out, ") AS place, ");
    append_cursor(compiler, out);
    buf_append_text(out, " AS cursor FROM ");
    listing_append_source(compiler, listing->table, out);
    buf_printf(out, " base WHERE base.deleted_at IS NULL" STR_FMT,
               STR_ARG(buf_str(&compiler->conditions)));
    TRY(append_cursor_condition(compiler, out));
    buf_append_text(out, " ORDER BY ");
    append_order(compiler, out);
    buf_printf(out, " LIMIT $%zu::integer + 1) page JOIN ", number);
    listing_append_source(compiler, listing->view, out);
    buf_append_text(out, " item USING (id)");
    return OK;
}

enum err listing_query_compile(const struct listing *listing, const struct request *request,
                               struct listing_query *ret_query)
{
    struct listing_compiler compiler = {.listing = listing, .request = request, .query = ret_query};
    CLEANUP(buf_clear_p) struct buf columns = {0};
    enum err err;

    *ret_query = (struct listing_query){0};
    listing_begin(&compiler);
    read_keys(&compiler, &columns);
    err = append_statement(&compiler, &ret_query->text);
    buf_clear(&compiler.conditions);
    if (err != OK) {
        listing_query_clear(ret_query);
        return err;
    }
    listing_settle_values(ret_query);
    return OK;
}

void listing_query_clear(struct listing_query *query)
{
    buf_clear(&query->text);
    buf_clear(&query->bytes);
    vec_clear(&query->ends);
    xfree(query->values);
    *query = (struct listing_query){0};
}
