/*
 * What is shown of an object: all members or some, with what was asked for beside it; now or as it
 * stood. A view `x` has a function x_at(moment) that gives the rows it had then.
 */
#include "shared/mem.h"

#include "control/api/listing_query_private.h"

void listing_begin(struct listing_compiler *compiler)
{
    struct str moment = listing_words(compiler, "as_of");

    if (moment.ptr)
        compiler->as_of = listing_add_value(compiler->query, moment);
}

void listing_append_source(const struct listing_compiler *compiler, const char *name,
                           struct buf *out)
{
    buf_append_text(out, name);
    if (compiler->as_of)
        buf_printf(out, "_at($%zu::timestamptz)", compiler->as_of);
}

/* SQL in which "@" stands for the moment that is asked for. */
static void append_at_moment(const struct listing_compiler *compiler, const char *sql,
                             struct buf *out)
{
    for (; *sql; sql++) {
        if (*sql == '@')
            buf_printf(out, "$%zu::timestamptz", compiler->as_of);
        else
            buf_append_char(out, *sql);
    }
}

static bool is_included(const struct listing_compiler *compiler,
                        const struct listing_include *include)
{
    return request_includes(compiler->request, "include", include->name);
}

/* The object with what was asked for beside it, as its member `included`. */
static void append_whole(const struct listing_compiler *compiler, struct buf *out)
{
    const struct listing_include *include = compiler->listing->includes;
    const char *comma = "";

    if (!listing_words(compiler, "include").ptr) {
        buf_append_text(out, "row_to_json(item)");
        return;
    }
    buf_append_text(out, "(SELECT row_to_json(whole) FROM (SELECT item.*, json_build_object(");
    for (; include && include->name; include++) {
        if (!is_included(compiler, include))
            continue;
        buf_printf(out, "%s'%s', ", comma, include->name);
        append_at_moment(compiler, compiler->as_of ? include->sql_as_of : include->sql, out);
        comma = ", ";
    }
    buf_append_text(out, ") AS included) whole)");
}

void listing_append_object(struct listing_compiler *compiler, struct buf *out)
{
    struct buf *bytes = &compiler->query->bytes;
    struct str names = listing_words(compiler, "fields");

    if (!names.ptr) {
        append_whole(compiler, out);
        return;
    }
    buf_append_text(bytes, "{included");
    while (names.ptr) {
        buf_append_char(bytes, ',');
        listing_append_element(bytes, str_cut(&names, ','));
    }
    buf_append_char(bytes, '}');
    buf_append_text(out, "(SELECT json_object_agg(member.key, member.value) FROM json_each(");
    append_whole(compiler, out);
    buf_printf(out, ") member WHERE member.key = ANY ($%zu::text[]))",
               listing_end_value(compiler->query));
}

/* ---- one object ---- */

/* A member that only some get to see: it is added to the text of the object, when there is one. */
static void append_object_for(struct listing_compiler *compiler, struct buf *out)
{
    const struct listing_member *member = compiler->listing->restricted;

    if (!member || compiler->as_of || listing_words(compiler, "fields").ptr ||
        !guard_allows(&compiler->request->principal, member->permission)) {
        listing_append_object(compiler, out);
        return;
    }
    buf_printf(out,
               "(SELECT coalesce(left(object.text, -1) || ',\"%s\":' || to_json(member.value)::text"
               " || '}', object.text) FROM (SELECT (",
               member->name);
    listing_append_object(compiler, out);
    buf_printf(out, ")::text) object (text), (SELECT (%s)) member (value))", member->sql);
}

/* A state changes without the object: then the tag has its version, too. */
static void append_version(const struct listing_compiler *compiler, struct buf *out)
{
    const struct listing_include *include = compiler->listing->includes;

    buf_append_text(out, "item.version::text");
    for (; include && include->name && !compiler->as_of; include++) {
        if (include->version && is_included(compiler, include))
            buf_printf(out, " || coalesce('.' || %s, '')", include->version);
    }
}

void listing_object_compile(const struct listing *listing, const struct request *request,
                            struct listing_query *ret_query)
{
    struct listing_compiler compiler = {.listing = listing, .request = request, .query = ret_query};
    struct buf *out = &ret_query->text;
    size_t number;

    *ret_query = (struct listing_query){0};
    listing_begin(&compiler);
    number = listing_add_value(ret_query, listing_words(&compiler, "id"));
    buf_append_text(out, "SELECT ");
    append_object_for(&compiler, out);
    buf_append_text(out, ", ");
    append_version(&compiler, out);
    buf_append_text(out, " FROM ");
    listing_append_source(&compiler, listing->view, out);
    buf_printf(out, " item WHERE item.id = $%zu::uuid", number);
    listing_settle_values(ret_query);
}

/* ---- values ---- */

void listing_settle_values(struct listing_query *query)
{
    size_t start = 0;

    query->values = xcalloc(query->ends.len, sizeof *query->values);
    for (size_t i = 0; i < query->ends.len; i++) {
        query->values[i] = str_n(query->bytes.data + start, query->ends.items[i] - start);
        start = query->ends.items[i];
    }
}
