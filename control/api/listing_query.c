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
#include "control/api/listing_query.h"

#include <ctype.h>

#include "shared/json.h"
#include "shared/uuid.h"

#define KEYS_MAX (LISTING_SORT_MAX + 1) /* and the id */

struct key {
    const char *sql;
    enum listing_type type;
    bool descends;
};

struct compiler {
    const struct listing *listing;
    const struct request *request;
    struct listing_query *query;
    struct key keys[KEYS_MAX];
    size_t key_count;
    struct buf conditions; /* all but the cursor's: " AND …" */
};

static const struct {
    const char *type;  /* of SQL */
    const char *least; /* stands for no value in an order */
} sql_types[LISTING_TYPE_COUNT] = {
    [LISTING_TEXT] = {"text", "''"},
    [LISTING_UUID] = {"uuid", "uuid_nil()"},
    [LISTING_INTEGER] = {"bigint", "'-9223372036854775808'::bigint"},
    [LISTING_NUMBER] = {"numeric", "'-infinity'::numeric"},
    [LISTING_BOOLEAN] = {"boolean", "false"},
    [LISTING_TIME] = {"timestamptz", "'-infinity'::timestamptz"},
    [LISTING_TAGS] = {"text", NULL},
    [LISTING_ATTRIBUTES] = {"text", NULL},
};

/* ---- parameters ---- */

/* The value that was appended to query->bytes last gets its number. */
static size_t end_value(struct listing_query *query)
{
    vec_push(&query->ends, query->bytes.len);
    return ++query->parameter_count;
}

static size_t add_value(struct listing_query *query, struct str value)
{
    buf_append_str(&query->bytes, value);
    return end_value(query);
}

/* One element of an array as PostgreSQL reads it from text. */
static void append_element(struct buf *buf, struct str value)
{
    buf_append_char(buf, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            buf_append_char(buf, '\\');
        buf_append_char(buf, value.ptr[i]);
    }
    buf_append_char(buf, '"');
}

/* A pattern of LIKE that has no wildcards but ours. */
static void append_pattern(struct buf *buf, struct str value, bool anywhere)
{
    if (anywhere)
        buf_append_char(buf, '%');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '%' || value.ptr[i] == '_' || value.ptr[i] == '\\')
            buf_append_char(buf, '\\');
        buf_append_char(buf, value.ptr[i]);
    }
    buf_append_char(buf, '%');
}

static void append_value(struct buf *buf, enum listing_op op, struct str value)
{
    CLEANUP(buf_clear_p) struct buf pattern = {0};

    if (op == LISTING_CONTAINS || op == LISTING_STARTS_WITH) {
        append_pattern(&pattern, value, op == LISTING_CONTAINS);
        value = buf_str(&pattern);
    }
    append_element(buf, value);
}

static bool is_same(const struct listing_condition *a, const struct listing_condition *b)
{
    return a->field == b->field && a->op == b->op && str_equal(a->attribute, b->attribute);
}

static struct str words_of(const struct compiler *compiler, const char *name)
{
    return request_parameter(compiler->request, name);
}

/* All values of a condition, wherever they are in the query string, as one array. */
static size_t add_values(struct compiler *compiler, const struct listing_condition *condition)
{
    struct buf *bytes = &compiler->query->bytes;
    const char *comma = "";

    buf_append_char(bytes, '{');
    for (size_t i = 0; i < compiler->request->parameter_count; i++) {
        const struct request_parameter *pair = &compiler->request->parameters[i];
        struct listing_condition other;
        struct str rest = pair->value;

        if (!listing_condition_read(compiler->listing, pair->name, &other) ||
            !is_same(condition, &other))
            continue;
        while (rest.ptr) {
            struct str value = rest;

            if (condition->op == LISTING_IN)
                value = str_cut(&rest, ',');
            else
                rest = (struct str){0};
            buf_append_text(bytes, comma);
            append_value(bytes, condition->op, value);
            comma = ",";
        }
    }
    buf_append_char(bytes, '}');
    return end_value(compiler->query);
}

/* ---- conditions ---- */

static void append_column(struct buf *out, const struct listing_field *field)
{
    if (field->sql)
        buf_append_text(out, field->sql);
    else
        buf_printf(out, "base.\"%s\"", field->name);
}

/* The left side of a condition. */
static void append_operand(struct compiler *compiler, const struct listing_condition *condition,
                           bool as_number)
{
    struct buf *out = &compiler->conditions;

    if (condition->field->type != LISTING_ATTRIBUTES) {
        append_column(out, condition->field);
        return;
    }
    size_t number = add_value(compiler->query, condition->attribute);

    if (as_number)
        buf_printf(out,
                   "CASE WHEN jsonb_typeof(base.attributes -> $%zu) = 'number'"
                   " THEN (base.attributes ->> $%zu)::numeric END",
                   number, number);
    else
        buf_printf(out, "(base.attributes ->> $%zu)", number);
}

static const char *comparison(enum listing_op op)
{
    switch (op) {
    case LISTING_LESS:
        return "<";
    case LISTING_LESS_EQUAL:
        return "<=";
    case LISTING_GREATER:
        return ">";
    case LISTING_GREATER_EQUAL:
        return ">=";
    case LISTING_EQUAL:
    case LISTING_NOT_EQUAL:
    case LISTING_IN:
    case LISTING_CONTAINS:
    case LISTING_STARTS_WITH:
    case LISTING_IS_NULL:
    case LISTING_ALL:
    case LISTING_OP_COUNT:
        break;
    }
    return "=";
}

static void append_tags(struct compiler *compiler, const struct listing_condition *condition)
{
    struct buf *out = &compiler->conditions;

    if (condition->op == LISTING_NOT_EQUAL)
        buf_append_text(out, "NOT ");
    append_column(out, condition->field);
    buf_printf(out, " %s $%zu::text[]", condition->op == LISTING_ALL ? "@>" : "&&",
               add_values(compiler, condition));
}

static void append_condition(struct compiler *compiler, const struct listing_condition *condition)
{
    struct buf *out = &compiler->conditions;
    bool is_order = condition->op >= LISTING_LESS && condition->op <= LISTING_GREATER_EQUAL;
    bool as_number = is_order && condition->field->type == LISTING_ATTRIBUTES;
    const char *type = as_number ? "numeric" : sql_types[condition->field->type].type;

    buf_append_text(out, " AND ");
    if (condition->field->type == LISTING_TAGS) {
        append_tags(compiler, condition);
        return;
    }
    buf_append_char(out, '(');
    append_operand(compiler, condition, as_number);
    if (condition->op == LISTING_IS_NULL) {
        buf_printf(out, " IS NULL) = ANY ($%zu::boolean[])", add_values(compiler, condition));
        return;
    }
    if (condition->op == LISTING_CONTAINS || condition->op == LISTING_STARTS_WITH) {
        buf_printf(out, "::text ILIKE ANY ($%zu::text[]))", add_values(compiler, condition));
        return;
    }
    if (condition->op == LISTING_NOT_EQUAL) {
        buf_append_text(out, " IS NULL OR ");
        append_operand(compiler, condition, false);
        buf_printf(out, " <> ALL ($%zu::%s[]))", add_values(compiler, condition), type);
        return;
    }
    buf_printf(out, " %s ANY ($%zu::%s[]))", comparison(condition->op),
               add_values(compiler, condition), type);
}

/* Whether an earlier pair has said the same; then its values are in that condition already. */
static bool is_repeated(const struct compiler *compiler, size_t at,
                        const struct listing_condition *condition)
{
    struct listing_condition earlier;

    for (size_t i = 0; i < at; i++) {
        if (listing_condition_read(compiler->listing, compiler->request->parameters[i].name,
                                   &earlier) &&
            is_same(condition, &earlier))
            return true;
    }
    return false;
}

static void append_conditions(struct compiler *compiler)
{
    struct str words = words_of(compiler, "q");
    struct listing_condition condition;

    for (size_t i = 0; i < compiler->request->parameter_count; i++) {
        if (listing_condition_read(compiler->listing, compiler->request->parameters[i].name,
                                   &condition) &&
            !is_repeated(compiler, i, &condition))
            append_condition(compiler, &condition);
    }
    if (words.ptr)
        buf_printf(&compiler->conditions,
                   " AND item_mentions($%zu::text, base.key::text, base.name::text,"
                   " base.description::text)",
                   add_value(compiler->query, words));
}

/* ---- order ---- */

static void append_key(struct buf *out, const struct key *key)
{
    buf_printf(out, "coalesce(%s, %s)", key->sql, sql_types[key->type].least);
}

static void append_order(struct compiler *compiler, struct buf *out)
{
    for (size_t i = 0; i < compiler->key_count; i++) {
        buf_append_text(out, i > 0 ? ", " : "");
        append_key(out, &compiler->keys[i]);
        buf_append_text(out, compiler->keys[i].descends ? " DESC" : "");
    }
}

static bool is_sorted(const struct compiler *compiler)
{
    return compiler->key_count > 1;
}

static void append_cursor(struct compiler *compiler, struct buf *out)
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
static void append_after(struct compiler *compiler, const size_t *numbers, struct buf *out)
{
    buf_append_text(out, " AND (");
    for (size_t last = 0; last < compiler->key_count; last++) {
        buf_append_text(out, last > 0 ? " OR (" : "(");
        for (size_t i = 0; i <= last; i++) {
            const struct key *key = &compiler->keys[i];

            append_key(out, key);
            buf_printf(out, " %s $%zu::%s%s",
                       i < last        ? "="
                       : key->descends ? "<"
                                       : ">",
                       numbers[i], sql_types[key->type].type, i < last ? " AND " : ")");
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

static enum err append_sorted_after(struct compiler *compiler, struct str cursor, struct buf *out)
{
    CLEANUP(buf_clear_p) struct buf digits = {0};
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *keys = NULL;
    size_t numbers[KEYS_MAX];

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
        numbers[i] =
            add_value(compiler->query, str_n(json_string_value(key), json_string_length(key)));
    }
    append_after(compiler, numbers, out);
    return OK;
}

static enum err append_cursor_condition(struct compiler *compiler, struct buf *out)
{
    struct str cursor = words_of(compiler, "cursor");
    struct uuid id;
    size_t number;

    if (!cursor.ptr)
        return OK;
    if (is_sorted(compiler))
        return append_sorted_after(compiler, cursor, out);
    if (!uuid_parse(cursor, &id))
        return foreign_cursor();
    number = add_value(compiler->query, cursor);
    append_after(compiler, &number, out);
    return OK;
}

static void read_keys(struct compiler *compiler, struct buf *columns)
{
    static const struct key id = {.sql = "base.id", .type = LISTING_UUID};
    struct str names = words_of(compiler, "sort");
    size_t starts[KEYS_MAX];

    while (names.ptr && compiler->key_count < LISTING_SORT_MAX) {
        struct str name = str_cut(&names, ',');
        bool descends = name.len > 0 && name.ptr[0] == '-';
        const struct listing_field *field;

        field = listing_field_find(compiler->listing, str_sub(name, descends ? 1 : 0, name.len));
        if (!field)
            continue;
        starts[compiler->key_count] = columns->len;
        append_column(columns, field);
        buf_append_char(columns, '\0');
        compiler->keys[compiler->key_count++] =
            (struct key){.type = field->type, .descends = descends};
    }
    for (size_t i = 0; i < compiler->key_count; i++)
        compiler->keys[i].sql = columns->data + starts[i];
    compiler->keys[compiler->key_count++] = id;
}

/* ---- the whole ---- */

static void append_object(struct compiler *compiler, struct buf *out)
{
    struct str names = words_of(compiler, "fields");
    const char *comma = "";

    if (!names.ptr) {
        buf_append_text(out, "row_to_json(item)");
        return;
    }
    buf_append_char(&compiler->query->bytes, '{');
    while (names.ptr) {
        buf_append_text(&compiler->query->bytes, comma);
        append_element(&compiler->query->bytes, str_cut(&names, ','));
        comma = ",";
    }
    buf_append_char(&compiler->query->bytes, '}');
    buf_printf(out,
               "(SELECT json_object_agg(member.key, member.value)"
               " FROM json_each(row_to_json(item)) member WHERE member.key = ANY ($%zu::text[]))",
               end_value(compiler->query));
}

static void append_total(struct compiler *compiler, struct buf *out)
{
    if (!request_flag(compiler->request, "count"))
        return;
    buf_printf(out,
               ", 'total', (SELECT count(*) FROM %s base WHERE base.deleted_at IS NULL" STR_FMT ")",
               compiler->listing->table, STR_ARG(buf_str(&compiler->conditions)));
}

static enum err append_statement(struct compiler *compiler, struct buf *out)
{
    const struct listing *listing = compiler->listing;
    struct str limit = words_of(compiler, "limit");
    size_t number = add_value(compiler->query, limit.ptr ? limit : STR("50"));

    append_conditions(compiler);
    buf_append_text(out, "SELECT json_build_object('items', coalesce(json_agg(");
    append_object(compiler, out);
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
    buf_printf(out, " AS cursor FROM %s base WHERE base.deleted_at IS NULL" STR_FMT, listing->table,
               STR_ARG(buf_str(&compiler->conditions)));
    TRY(append_cursor_condition(compiler, out));
    buf_append_text(out, " ORDER BY ");
    append_order(compiler, out);
    buf_printf(out, " LIMIT $%zu::integer + 1) page JOIN %s item USING (id)", number,
               listing->view);
    return OK;
}

/* Values are views from now on: their bytes do not move any more. */
static void settle_values(struct listing_query *query)
{
    size_t start = 0;

    query->values = xcalloc(query->ends.len, sizeof *query->values);
    for (size_t i = 0; i < query->ends.len; i++) {
        query->values[i] = str_n(query->bytes.data + start, query->ends.items[i] - start);
        start = query->ends.items[i];
    }
}

enum err listing_query_compile(const struct listing *listing, const struct request *request,
                               struct listing_query *ret_query)
{
    struct compiler compiler = {.listing = listing, .request = request, .query = ret_query};
    CLEANUP(buf_clear_p) struct buf columns = {0};
    enum err err;

    *ret_query = (struct listing_query){0};
    read_keys(&compiler, &columns);
    err = append_statement(&compiler, &ret_query->text);
    buf_clear(&compiler.conditions);
    if (err != OK) {
        listing_query_clear(ret_query);
        return err;
    }
    settle_values(ret_query);
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
