/* What a list is asked for: the filters of the query string as conditions on `base`. */
#include "control/api/listing_query_private.h"

const struct listing_sql_type listing_sql_types[LISTING_TYPE_COUNT] = {
    [LISTING_TEXT] = {"text", "''"},
    [LISTING_UUID] = {"uuid", "uuid_nil()"},
    [LISTING_UUIDS] = {"uuid", NULL},
    [LISTING_INTEGER] = {"bigint", "'-9223372036854775808'::bigint"},
    [LISTING_NUMBER] = {"numeric", "'-infinity'::numeric"},
    [LISTING_BOOLEAN] = {"boolean", "false"},
    [LISTING_TIME] = {"timestamptz", "'-infinity'::timestamptz"},
    [LISTING_TAGS] = {"text", NULL},
    [LISTING_ATTRIBUTES] = {"text", NULL},
};

size_t listing_end_value(struct listing_query *query)
{
    vec_push(&query->ends, query->bytes.len);
    return ++query->parameter_count;
}

size_t listing_add_value(struct listing_query *query, struct str value)
{
    buf_append_str(&query->bytes, value);
    return listing_end_value(query);
}

void listing_append_element(struct buf *buf, struct str value)
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
    listing_append_element(buf, value);
}

static bool is_same(const struct listing_condition *a, const struct listing_condition *b)
{
    return a->field == b->field && a->op == b->op && str_equal(a->attribute, b->attribute);
}

/* All values of a condition, wherever they are in the query string, as one array.
 * @param ret_count how many; may be NULL. */
static size_t add_values(struct listing_compiler *compiler,
                         const struct listing_condition *condition, size_t *ret_count)
{
    struct buf *bytes = &compiler->query->bytes;
    const char *comma = "";
    size_t count = 0;

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
            count++;
        }
    }
    buf_append_char(bytes, '}');
    if (ret_count)
        *ret_count = count;
    return listing_end_value(compiler->query);
}

/* ---- conditions ---- */

void listing_append_column(struct buf *out, const struct listing_field *field)
{
    if (field->sql)
        buf_append_text(out, field->sql);
    else
        buf_printf(out, "base.\"%s\"", field->name);
}

/* The left side of a condition. */
static void append_operand(struct listing_compiler *compiler,
                           const struct listing_condition *condition, bool as_number)
{
    struct buf *out = &compiler->conditions;

    if (condition->field->type != LISTING_ATTRIBUTES) {
        listing_append_column(out, condition->field);
        return;
    }
    size_t number = listing_add_value(compiler->query, condition->attribute);

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

static void append_members(struct listing_compiler *compiler,
                           const struct listing_condition *condition)
{
    struct buf *out = &compiler->conditions;

    if (condition->op == LISTING_NOT_EQUAL)
        buf_append_text(out, "NOT ");
    listing_append_column(out, condition->field);
    buf_printf(out, " %s $%zu::%s[]", condition->op == LISTING_ALL ? "@>" : "&&",
               add_values(compiler, condition, NULL),
               listing_sql_types[condition->field->type].type);
}

/* The right side. Rows that are equal to one value come out of an index in its order, those that are
 * equal to some of many do not: a list of the newest would look through all there are. */
static void append_comparison(struct listing_compiler *compiler,
                              const struct listing_condition *condition, const char *type)
{
    size_t count;
    size_t number = add_values(compiler, condition, &count);

    buf_printf(&compiler->conditions, count == 1 ? " %s ($%zu::%s[])[1])" : " %s ANY ($%zu::%s[]))",
               comparison(condition->op), number, type);
}

static void append_condition(struct listing_compiler *compiler,
                             const struct listing_condition *condition)
{
    struct buf *out = &compiler->conditions;
    bool is_order = condition->op >= LISTING_LESS && condition->op <= LISTING_GREATER_EQUAL;
    bool as_number = is_order && condition->field->type == LISTING_ATTRIBUTES;
    const char *type = as_number ? "numeric" : listing_sql_types[condition->field->type].type;

    buf_append_text(out, " AND ");
    if (condition->field->type == LISTING_TAGS || condition->field->type == LISTING_UUIDS) {
        append_members(compiler, condition);
        return;
    }
    buf_append_char(out, '(');
    append_operand(compiler, condition, as_number);
    if (condition->op == LISTING_IS_NULL) {
        buf_printf(out, " IS NULL) = ANY ($%zu::boolean[])", add_values(compiler, condition, NULL));
        return;
    }
    if (condition->op == LISTING_CONTAINS || condition->op == LISTING_STARTS_WITH) {
        buf_printf(out, "::text ILIKE ANY ($%zu::text[]))", add_values(compiler, condition, NULL));
        return;
    }
    if (condition->op == LISTING_NOT_EQUAL) {
        buf_append_text(out, " IS NULL OR ");
        append_operand(compiler, condition, false);
        buf_printf(out, " <> ALL ($%zu::%s[]))", add_values(compiler, condition, NULL), type);
        return;
    }
    append_comparison(compiler, condition, type);
}

/* Whether an earlier pair has said the same; then its values are in that condition already. */
static bool is_repeated(const struct listing_compiler *compiler, size_t at,
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

void listing_append_conditions(struct listing_compiler *compiler)
{
    struct str words = listing_words(compiler, "q");
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
                   listing_add_value(compiler->query, words));
}
