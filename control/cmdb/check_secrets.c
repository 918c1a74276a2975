/* One walk over all places where a secret may be, with what is to be done there. */
#include "control/cmdb/check_secrets.h"

#include "shared/buf.h"
#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/mem.h"

#include "control/cmdb/check_rules.h"

static bool is_mask(const json_t *text)
{
    return str_equal(str_of(json_string_value(text)), STR(CHECK_SECRET_MASK));
}

/* --- where they are --- */

/* Where a spec may have headers. */
static const struct {
    const char *pointer;
    const char *object; /* of the spec; NULL: the spec itself */
} header_lists[] = {{"/headers", NULL}, {"/proxy/headers", "proxy"}};

static json_t *headers_of(const json_t *spec, size_t list)
{
    const char *object = header_lists[list].object;
    json_t *headers = json_object_get(object ? json_object_get(spec, object) : spec, "headers");

    return json_is_array(headers) ? headers : NULL;
}

/* "" for what is no header. */
static struct str header_name(const json_t *headers, size_t index)
{
    const json_t *name = json_array_get(json_array_get(headers, index), 0);

    return json_is_string(name) ? str_of(json_string_value(name)) : STR("");
}

/* The value of a header that is secret by its name; NULL for any other. */
static json_t *secret_value(const json_t *headers, size_t index)
{
    json_t *value = json_array_get(json_array_get(headers, index), 1);

    return json_is_string(value) && http_is_secret_header(header_name(headers, index)) ? value
                                                                                       : NULL;
}

static void set_value(json_t *headers, size_t index, json_t *value_take)
{
    json_array_set_new(json_array_get(headers, index), 1, value_take);
}

static char *header_pointer(size_t list, size_t index)
{
    return xasprintf("%s/%zu/1", header_lists[list].pointer, index);
}

static void visit_headers(json_t *spec, size_t list, json_schema_secret_fn replace, void *context)
{
    json_t *headers = headers_of(spec, list);

    for (size_t i = 0; i < json_array_size(headers); i++) {
        json_t *value = secret_value(headers, i);
        AUTO(xfree) char *pointer = NULL;
        json_t *other;

        if (!value)
            continue;
        pointer = header_pointer(list, i);
        other = replace(context, pointer, value);
        if (other)
            set_value(headers, i, other);
    }
}

/* All but headers. */
static void visit_fields(const json_t *check, json_schema_secret_fn replace, void *context)
{
    const struct json_schema *schema = check_rules_schema(json_loose_text(check, "kind", ""));
    json_t *spec = json_object_get(check, "spec");

    if (schema && json_is_object(spec))
        json_schema_secrets(schema, spec, replace, context);
}

static void visit(const json_t *check, json_schema_secret_fn replace, void *context)
{
    visit_fields(check, replace, context);
    for (size_t list = 0; list < ARRAY_LEN(header_lists); list++)
        visit_headers(json_object_get(check, "spec"), list, replace, context);
}

/* --- hiding them --- */

static json_t *hide_one(void *context, const char *pointer, json_t *text)
{
    json_t *secrets = context;

    if (is_mask(text))
        return NULL;
    json_object_set(secrets, pointer, text);
    return json_string(CHECK_SECRET_MASK);
}

void check_secrets_hide(json_t *check)
{
    json_t *secrets = json_object();

    visit(check, hide_one, secrets);
    json_object_set(check, "secrets", json_object_size(secrets) > 0 ? secrets : json_null());
    json_decref(secrets);
}

/* --- bringing them back --- */

static json_t *restore_one(void *context, const char *pointer, json_t *text)
{
    const json_t *secrets = context;

    return is_mask(text) ? json_incref(json_object_get(secrets, pointer)) : NULL;
}

/* Headers come and go, so one is known by its name and not by its place: where the earlier list has
 * the n-th of that name, as the one at `index` is here; past its end when it has not. */
static size_t earlier_index(const json_t *headers, size_t index, const json_t *earlier)
{
    struct str name = header_name(headers, index);
    size_t before = 0;
    size_t at = 0;

    for (size_t i = 0; i < index; i++)
        before += str_equal_nocase(header_name(headers, i), name);
    for (; at < json_array_size(earlier); at++) {
        if (str_equal_nocase(header_name(earlier, at), name) && before-- == 0)
            break;
    }
    return at;
}

static void restore_headers(const json_t *spec, const json_t *earlier_spec, size_t list,
                            const json_t *secrets)
{
    json_t *headers = headers_of(spec, list);
    const json_t *earlier = headers_of(earlier_spec, list);

    for (size_t i = 0; i < json_array_size(headers); i++) {
        const json_t *value = secret_value(headers, i);
        AUTO(xfree) char *pointer = NULL;
        json_t *secret;

        if (!value || !is_mask(value))
            continue;
        pointer = header_pointer(list, earlier_index(headers, i, earlier));
        secret = json_object_get(secrets, pointer);
        if (secret)
            set_value(headers, i, json_incref(secret));
    }
}

void check_secrets_restore(json_t *check, const json_t *earlier, const json_t *secrets)
{
    visit_fields(check, restore_one, (void *)secrets);
    for (size_t list = 0; list < ARRAY_LEN(header_lists); list++)
        restore_headers(json_object_get(check, "spec"), json_object_get(earlier, "spec"), list,
                        secrets);
}

/* --- telling them apart --- */

struct hashing {
    const json_t *secrets;
    json_t *(*hash)(const void *context, const json_t *secret);
    const void *context;
};

static json_t *hash_one(void *context, const char *pointer, json_t *text)
{
    const struct hashing *hashing = context;
    const json_t *secret = json_object_get(hashing->secrets, pointer);

    return secret && is_mask(text) ? hashing->hash(hashing->context, secret) : NULL;
}

void check_secrets_hash(json_t *check, const json_t *secrets,
                        json_t *(*hash)(const void *context, const json_t *secret),
                        const void *context)
{
    struct hashing hashing = {.secrets = secrets, .hash = hash, .context = context};

    visit(check, hash_one, &hashing);
}

/* --- what must not come in --- */

static json_t *refuse_one(void *context, const char *pointer, json_t *text)
{
    CLEANUP(buf_clear_p) struct buf at = {0};

    if (!is_mask(text))
        return NULL;
    buf_printf(&at, "/spec%s", pointer);
    json_add_error(context, at.data, "masked",
                   "This is the mask of a secret, and none is known here: send the secret itself.");
    return NULL;
}

void check_secrets_refuse_masks(const json_t *check, json_t **errors)
{
    visit(check, refuse_one, errors);
}
