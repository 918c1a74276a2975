/* What a PostgreSQL server sends: messages lie within the input and their limit, a part of one is
 * never taken for a whole, and nobody gets through SCRAM without knowing the password. */
#include <assert.h>
#include <string.h>

#include "prober/kinds/postgres_auth.h"
#include "prober/kinds/postgres_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_inside(struct str view, struct str whole)
{
    assert(view.len == 0 ||
           (view.ptr >= whole.ptr && view.ptr + view.len <= whole.ptr + whole.len));
}

static void check_message(const struct postgres_message *message, struct str input, size_t used)
{
    struct postgres_message part;
    size_t part_used;

    assert(used >= 5 && used <= input.len);
    assert(message->body.len == used - 5);
    assert(message->body.len <= POSTGRES_MESSAGE_BYTES_MAX);
    assert_inside(message->body, input);
    for (size_t len = used > 16 ? used - 16 : 0; len < used; len++)
        assert(postgres_message_read(str_sub(input, 0, len), &part, &part_used) ==
               POSTGRES_NEED_MORE);
}

static void check_body(struct str body)
{
    struct postgres_error error = postgres_error_read(body);
    struct str value;

    if (error.text.len > 0)
        assert_inside(error.text, body);
    if (error.sqlstate.len > 0)
        assert_inside(error.sqlstate, body);
    if (postgres_row_first(body, &value) == POSTGRES_FIRST_VALUE)
        assert_inside(value, body);
}

/* False when the login is over. */
static bool check_login(struct postgres_auth *auth, struct scram_keys *keys, struct str body,
                        struct buf *out)
{
    static const struct postgres_user user = {
        .name = "user", .password = "pencil", .is_tls = true, .certificate_digest = {"digest", 6}};

    switch (postgres_auth_read(auth, &user, body, out)) {
    case POSTGRES_AUTH_GO_ON:
        return true;
    case POSTGRES_AUTH_DERIVE:
        return postgres_auth_derive(auth, keys, 64, out);
    case POSTGRES_AUTH_DONE:
        assert(!auth->method || !strstr(auth->method, "SCRAM"));
        return true;
    case POSTGRES_AUTH_DENIED:
    case POSTGRES_AUTH_BROKEN:
    case POSTGRES_AUTH_LACKING:
        break;
    }
    assert(auth->why);
    return false;
}

/* The client's nonce is random: an input names it by ten N's. */
static void put_nonce(char *text, size_t len, const struct postgres_auth *auth)
{
    char *at = memmem(text, len, "NNNNNNNNNN", 10);
    size_t room = at ? len - (size_t)(at - text) : 0;

    if (room >= auth->scram.nonce.len && auth->scram.nonce.len > 0)
        memcpy(at, auth->scram.nonce.data, auth->scram.nonce.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear_p) struct buf copy = {0};
    CLEANUP(buf_clear_p) struct buf out = {0};
    struct postgres_auth auth = {0};
    struct scram_keys keys = {0};
    struct postgres_message message;
    struct str input;
    size_t used = 0;

    buf_append(&copy, data, size);
    input = buf_str(&copy);
    while (postgres_message_read(input, &message, &used) == POSTGRES_MESSAGE) {
        check_message(&message, input, used);
        check_body(message.body);
        if (auth.state == POSTGRES_AUTH_SCRAM_FIRST)
            put_nonce((char *)message.body.ptr, message.body.len, &auth);
        if (message.type == 'R' && !check_login(&auth, &keys, message.body, &out))
            break;
        input = str_sub(input, used, input.len);
    }
    postgres_auth_clear(&auth);
    return 0;
}
