/* Each request has the states it may come in; everything else breaks the rules. */
#include "prober/kinds/postgres_auth.h"

#include "shared/mem.h"

#include "prober/kinds/postgres_message.h"

#define MD5_SALT_BYTES 4
#define PLAIN_SCRAM    "SCRAM-SHA-256"
#define BOUND_SCRAM    "SCRAM-SHA-256-PLUS"

enum request {
    REQUEST_NOTHING = 0,
    REQUEST_CLEARTEXT = 3,
    REQUEST_MD5 = 5,
    REQUEST_SASL = 10,
    REQUEST_SASL_CONTINUE = 11,
    REQUEST_SASL_FINAL = 12,
};

static enum postgres_auth_status give_up(struct postgres_auth *auth,
                                         enum postgres_auth_status status, const char *why)
{
    auth->why = why;
    return status;
}

static enum postgres_auth_status say(struct postgres_auth *auth, struct buf *out, const char *text)
{
    size_t begun = postgres_message_begin(out, 'p');

    postgres_append_text(out, text);
    postgres_message_end(out, begun);
    auth->state = POSTGRES_AUTH_SAID;
    return POSTGRES_AUTH_GO_ON;
}

static enum postgres_auth_status say_cleartext(struct postgres_auth *auth,
                                               const struct postgres_user *user, struct buf *out)
{
    auth->method = "password in clear text";
    if (!user->is_tls && !user->may_say_password)
        return give_up(auth, POSTGRES_AUTH_DENIED,
                       "asks for the password in clear text on a connection that is not encrypted "
                       "(allow_cleartext would let it)");
    return say(auth, out, user->password);
}

/* The digest of both texts, in hex. */
static bool md5_hex(struct str one, struct str other, char ret_text[2 * MD5_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    CLEANUP(buf_clear_p) struct buf both = {0};
    uint8_t digest[MD5_BYTES];
    bool known;

    buf_append_str(&both, one);
    buf_append_str(&both, other);
    known = md5(buf_str(&both), digest);
    wipe(both.data, both.len);
    for (size_t i = 0; known && i < sizeof digest; i++) {
        ret_text[2 * i] = digits[digest[i] >> 4];
        ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_text[2 * MD5_BYTES] = '\0';
    return known;
}

static enum postgres_auth_status say_md5(struct postgres_auth *auth,
                                         const struct postgres_user *user, struct str salt,
                                         struct buf *out)
{
    char text[3 + 2 * MD5_BYTES + 1] = "md5";
    char *digest = text + 3;

    auth->method = "MD5";
    if (salt.len != MD5_SALT_BYTES)
        return give_up(auth, POSTGRES_AUTH_BROKEN, "asks for MD5 without a salt of four bytes");
    if (!md5_hex(str_of(user->password), str_of(user->name), digest) ||
        !md5_hex(str_of(digest), salt, digest))
        return give_up(auth, POSTGRES_AUTH_LACKING, "has no MD5, which the server asks for");
    return say(auth, out, text);
}

/* Whether the list, of texts that end with a zero byte, names `mechanism`. */
static bool offers(struct str list, const char *mechanism)
{
    struct str name;

    while (postgres_take_text(&list, &name) && name.len > 0) {
        if (str_equal(name, str_of(mechanism)))
            return true;
    }
    return false;
}

static enum postgres_auth_status begin_scram(struct postgres_auth *auth,
                                             const struct postgres_user *user, struct str offered,
                                             struct buf *out)
{
    bool can_bind = user->certificate_digest.len > 0;
    bool is_bound = can_bind && offers(offered, BOUND_SCRAM);
    CLEANUP(buf_clear_p) struct buf nonce = {0};
    CLEANUP(buf_clear_p) struct buf first = {0};
    uint8_t bytes[SCRAM_NONCE_BYTES];
    struct scram_options options = {
        .user = "", /* PostgreSQL goes by the start-up message */
        .binding = is_bound   ? SCRAM_BOUND
                   : can_bind ? SCRAM_NOT_OFFERED
                              : SCRAM_NO_BINDING,
        .certificate_digest = user->certificate_digest,
    };
    size_t begun;

    auth->method = is_bound ? BOUND_SCRAM : PLAIN_SCRAM;
    if (!is_bound && !offers(offered, PLAIN_SCRAM))
        return give_up(auth, POSTGRES_AUTH_DENIED,
                       "offers no way to log in that is known here (SCRAM-SHA-256 is)");
    random_bytes(bytes, sizeof bytes);
    buf_append_base64(&nonce, str_n((const char *)bytes, sizeof bytes));
    options.nonce = buf_str(&nonce);
    scram_begin(&auth->scram, str_of(user->password), &options, &first);

    begun = postgres_message_begin(out, 'p');
    postgres_append_text(out, auth->method);
    postgres_append_int32(out, (uint32_t)first.len);
    buf_append_str(out, buf_str(&first));
    postgres_message_end(out, begun);
    auth->state = POSTGRES_AUTH_SCRAM_FIRST;
    return POSTGRES_AUTH_GO_ON;
}

bool postgres_auth_derive(struct postgres_auth *auth, struct scram_keys *keys, uint32_t rounds_max,
                          struct buf *out)
{
    size_t begun;

    if (!scram_derive(&auth->scram, keys, rounds_max))
        return false;
    begun = postgres_message_begin(out, 'p');
    scram_finish(&auth->scram, keys, out);
    postgres_message_end(out, begun);
    auth->state = POSTGRES_AUTH_SCRAM_LAST;
    return true;
}

static enum postgres_auth_status on_scram_first(struct postgres_auth *auth, struct str message)
{
    auth->why = scram_read_first(&auth->scram, message);
    return auth->why ? POSTGRES_AUTH_BROKEN : POSTGRES_AUTH_DERIVE;
}

static enum postgres_auth_status on_scram_last(struct postgres_auth *auth, struct str message)
{
    auth->why = scram_check_server(&auth->scram, message);
    if (auth->why)
        return POSTGRES_AUTH_BROKEN;
    auth->state = POSTGRES_AUTH_SAID;
    return POSTGRES_AUTH_GO_ON;
}

static enum postgres_auth_status on_let_in(struct postgres_auth *auth)
{
    if (auth->state != POSTGRES_AUTH_FRESH && auth->state != POSTGRES_AUTH_SAID)
        return give_up(auth, POSTGRES_AUTH_BROKEN,
                       "lets us in without a proof that it knows the password");
    auth->state = POSTGRES_AUTH_IN;
    return POSTGRES_AUTH_DONE;
}

static enum postgres_auth_status on_first_request(struct postgres_auth *auth,
                                                  const struct postgres_user *user,
                                                  uint32_t request, struct str data,
                                                  struct buf *out)
{
    bool is_password =
        request == REQUEST_CLEARTEXT || request == REQUEST_MD5 || request == REQUEST_SASL;

    if (!is_password)
        return give_up(auth, POSTGRES_AUTH_DENIED,
                       "asks for a way to log in that is not known here (such as GSSAPI)");
    if (!user->password)
        return give_up(auth, POSTGRES_AUTH_DENIED, "asks for a password, and the check has none");
    if (request == REQUEST_CLEARTEXT)
        return say_cleartext(auth, user, out);
    return request == REQUEST_MD5 ? say_md5(auth, user, data, out)
                                  : begin_scram(auth, user, data, out);
}

enum postgres_auth_status postgres_auth_read(struct postgres_auth *auth,
                                             const struct postgres_user *user, struct str body,
                                             struct buf *out)
{
    uint32_t request;

    if (!postgres_take_int32(&body, &request))
        return give_up(auth, POSTGRES_AUTH_BROKEN, "asks for nothing at the login");
    if (request == REQUEST_NOTHING)
        return on_let_in(auth);
    switch (auth->state) {
    case POSTGRES_AUTH_FRESH:
        if (request == REQUEST_SASL_CONTINUE || request == REQUEST_SASL_FINAL)
            break;
        return on_first_request(auth, user, request, body, out);
    case POSTGRES_AUTH_SCRAM_FIRST:
        if (request != REQUEST_SASL_CONTINUE)
            break;
        return on_scram_first(auth, body);
    case POSTGRES_AUTH_SCRAM_LAST:
        if (request != REQUEST_SASL_FINAL)
            break;
        return on_scram_last(auth, body);
    case POSTGRES_AUTH_SAID:
    case POSTGRES_AUTH_IN:
        break;
    }
    return give_up(auth, POSTGRES_AUTH_BROKEN,
                   "asks for the wrong thing at this point of the login");
}

void postgres_auth_clear(struct postgres_auth *auth)
{
    scram_clear(&auth->scram);
    *auth = (struct postgres_auth){0};
}
