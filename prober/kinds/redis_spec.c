/* Arguments go as texts with their lengths, so that they may hold anything. */
#include "prober/kinds/redis_spec.h"

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "prober/kinds/expectation.h"

#define DEFAULT_PORT 6379

bool redis_wants(const struct redis_spec *spec, enum redis_task task)
{
    if (task == REDIS_TASK_LOGIN)
        return spec->user || spec->password;
    return task != REDIS_TASK_ROLE || spec->role;
}

static void append_command(struct buf *request, const struct str *words, size_t count)
{
    buf_printf(request, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(request, "$%zu\r\n", words[i].len);
        buf_append_str(request, words[i]);
        buf_append_text(request, "\r\n");
    }
}

static void append_login(struct redis_spec *spec)
{
    const struct str words[] = {STR("AUTH"), str_of(spec->user ? spec->user : ""),
                                str_of(spec->password ? spec->password : "")};
    const struct str short_form[] = {words[0], words[2]};

    if (spec->user)
        append_command(&spec->request, words, ARRAY_LEN(words));
    else
        append_command(&spec->request, short_form, ARRAY_LEN(short_form));
}

static void append_words(struct redis_spec *spec, struct str command)
{
    VEC(struct str) words = {0};

    while (command.ptr) {
        struct str word = str_cut(&command, ' ');

        if (word.len > 0)
            vec_push(&words, word);
    }
    append_command(&spec->request, words.items, words.len);
    spec->is_ping = words.len == 1 && str_equal_nocase(words.items[0], STR("PING"));
    vec_clear(&words);
}

void redis_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    static const struct str info[] = {{"INFO", 4}, {"replication", 11}};
    struct redis_spec *spec = NEW(struct redis_spec);
    const char *user = json_text(json, "user", NULL);
    const char *password = json_text(json, "password", NULL);
    const char *role = json_text(json, "role", NULL);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, DEFAULT_PORT);
    spec->with_tls = json_has(json, "tls");
    spec->user = user ? xstrdup(user) : NULL;
    spec->password = password ? xstrdup(password) : NULL;
    spec->role = role ? xstrdup(role) : NULL;
    spec->expectation = expectation_new(json, errors);
    if (redis_wants(spec, REDIS_TASK_LOGIN))
        append_login(spec);
    if (redis_wants(spec, REDIS_TASK_ROLE))
        append_command(&spec->request, info, ARRAY_LEN(info));
    append_words(spec, str_of(json_text(json, "command", "PING")));
}

void redis_spec_free(void *object)
{
    struct redis_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    regex_free(spec->expectation);
    wipe(spec->request.data, spec->request.len);
    buf_clear(&spec->request);
    free(spec->user);
    xfree_secret(spec->password);
    free(spec->role);
    free(spec);
}
