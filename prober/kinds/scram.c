/* Both sides sign one transcript: the client's first message, the server's, and the client's last
 * without its proof. */
#include "prober/kinds/scram.h"

#include <assert.h>

#include "shared/attrs.h"
#include "shared/mem.h"

static struct str view(const uint8_t *bytes, size_t len)
{
    return str_n((const char *)bytes, len);
}

void scram_begin(struct scram *scram, struct str password, const struct scram_options *options,
                 struct buf *message)
{
    bool is_bound = options->binding == SCRAM_BOUND;

    scram_clear(scram);
    scram->password = password;
    scram->nonce_len = options->nonce.len;
    buf_append_str(&scram->nonce, options->nonce);
    buf_printf(&scram->binding, "%c%s,,", (char)options->binding,
               is_bound ? "=tls-server-end-point" : "");
    buf_printf(&scram->transcript, "n=%s,r=" STR_FMT, options->user, STR_ARG(options->nonce));
    buf_append_str(message, buf_str(&scram->binding));
    buf_append_str(message, buf_str(&scram->transcript));
    if (is_bound)
        buf_append_str(&scram->binding, options->certificate_digest);
}

/* The value of the attribute that `rest` begins with; NULL when it begins with another. */
static struct str cut_attribute(struct str *rest, char name)
{
    struct str attribute = str_cut(rest, ',');

    if (attribute.len < 2 || attribute.ptr[0] != name || attribute.ptr[1] != '=')
        return (struct str){0};
    return str_sub(attribute, 2, attribute.len);
}

const char *scram_read_first(struct scram *scram, struct str message)
{
    struct str rest = message;
    struct str nonce = cut_attribute(&rest, 'r');
    struct str salt = cut_attribute(&rest, 's');
    struct str rounds = cut_attribute(&rest, 'i');
    uint64_t number;

    if (nonce.len <= scram->nonce_len || !str_starts_with(nonce, buf_str(&scram->nonce)))
        return "sends a nonce that does not go on from ours";
    if (!str_from_base64(salt, scram->salt, sizeof scram->salt, &scram->salt_len) ||
        scram->salt_len == 0)
        return "sends a salt that is not 1 to 128 bytes in base64";
    if (!str_to_u64(rounds, UINT64_MAX, &number) || number == 0)
        return "sends no number of rounds";
    if (number > SCRAM_ROUNDS_MAX)
        return "asks for more than 1000000 rounds";
    scram->rounds = (uint32_t)number;
    buf_reset(&scram->nonce);
    buf_append_str(&scram->nonce, nonce);
    buf_printf(&scram->transcript, "," STR_FMT, STR_ARG(message));
    return NULL;
}

static bool keys_fit(const struct scram *scram, const struct scram_keys *keys)
{
    return keys->rounds == scram->rounds &&
           str_equal(view(keys->salt, keys->salt_len), view(scram->salt, scram->salt_len));
}

bool scram_derive(struct scram *scram, struct scram_keys *keys, uint32_t rounds_max)
{
    struct str salted;

    if (keys_fit(scram, keys))
        return true;
    if (!scram->pbkdf2.mac)
        pbkdf2_begin(&scram->pbkdf2, scram->password, view(scram->salt, scram->salt_len),
                     scram->rounds);
    if (!pbkdf2_run(&scram->pbkdf2, rounds_max))
        return false;

    salted = view(scram->pbkdf2.key, SHA256_BYTES);
    hmac_sha256(salted, STR("Client Key"), keys->client_key);
    hmac_sha256(salted, STR("Server Key"), keys->server_key);
    pbkdf2_clear(&scram->pbkdf2);
    keys->rounds = scram->rounds;
    keys->salt_len = scram->salt_len;
    memcpy(keys->salt, scram->salt, scram->salt_len);
    return true;
}

void scram_finish(struct scram *scram, const struct scram_keys *keys, struct buf *message)
{
    CLEANUP(buf_clear_p) struct buf last = {0};
    uint8_t stored_key[SHA256_BYTES];
    uint8_t proof[SHA256_BYTES];

    assert(keys_fit(scram, keys));
    buf_append_text(&last, "c=");
    buf_append_base64(&last, buf_str(&scram->binding));
    buf_append_text(&last, ",r=");
    buf_append_str(&last, buf_str(&scram->nonce));
    buf_append_char(&scram->transcript, ',');
    buf_append_str(&scram->transcript, buf_str(&last));

    sha256(view(keys->client_key, SHA256_BYTES), stored_key);
    hmac_sha256(view(stored_key, SHA256_BYTES), buf_str(&scram->transcript), proof);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        proof[i] ^= keys->client_key[i];
    hmac_sha256(view(keys->server_key, SHA256_BYTES), buf_str(&scram->transcript),
                scram->server_signature);

    buf_append_text(&last, ",p=");
    buf_append_base64(&last, view(proof, sizeof proof));
    buf_append_str(message, buf_str(&last));
}

const char *scram_check_server(struct scram *scram, struct str message)
{
    struct str verifier = cut_attribute(&message, 'v');
    uint8_t signature[SHA256_BYTES];
    size_t len;

    if (!str_from_base64(verifier, signature, sizeof signature, &len) || len != sizeof signature)
        return "sends no proof that it knows the password";
    if (!secret_equal(signature, scram->server_signature, sizeof signature))
        return "does not know the password: its proof is wrong";
    return NULL;
}

void scram_clear(struct scram *scram)
{
    buf_clear(&scram->nonce);
    buf_clear(&scram->binding);
    buf_clear(&scram->transcript);
    pbkdf2_clear(&scram->pbkdf2);
    wipe(scram, sizeof *scram);
}
