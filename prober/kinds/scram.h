/*
 * SCRAM-SHA-256 as client (RFC 5802, RFC 7677): client and server prove to each other that they know
 * the password without saying it. Over TLS the proof may be bound to the server's certificate
 * (SCRAM-SHA-256-PLUS with tls-server-end-point, RFC 5929).
 *
 * The order: scram_begin, scram_read_first, scram_derive until it is done, scram_finish,
 * scram_check_server; scram_clear at any time. Passwords are taken as they are: RFC 4013 changes
 * nothing in ASCII, and others have to come in normal form (NFKC).
 *
 * Thread: any; an exchange belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/crypto.h"
#include "shared/str.h"

#define SCRAM_NONCE_BYTES    24 /* random, sent as 32 letters */
#define SCRAM_SALT_BYTES_MAX 128
#define SCRAM_ROUNDS_MAX     1000000
#define SCRAM_BINDING_MAX    64

/* What password, salt and rounds give. Worth keeping: a server always names the same for a user, so
 * the costly part is done once. Zeroed: nothing is known. */
struct scram_keys {
    uint32_t rounds;
    size_t salt_len;
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    uint8_t client_key[SHA256_BYTES];
    uint8_t server_key[SHA256_BYTES];
};

/* How a channel binding stands; the letter is how it is said. */
enum scram_binding {
    SCRAM_NO_BINDING = 'n',  /* we have none to give */
    SCRAM_NOT_OFFERED = 'y', /* we have one, but the server did not offer to check it */
    SCRAM_BOUND = 'p',
};

struct scram_options {
    const char *user; /* without "," and "="; PostgreSQL wants it empty */
    struct str nonce; /* random printable ASCII without "," */
    enum scram_binding binding;
    struct str certificate_digest; /* with SCRAM_BOUND */
};

/* Zeroed is valid. */
struct scram {
    struct str password; /* borrowed */
    size_t nonce_len;    /* of the client's part */
    struct buf nonce;    /* the client's part, then the whole */
    struct buf binding;
    struct buf transcript; /* what both sides sign */
    uint32_t rounds;
    size_t salt_len;
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    struct pbkdf2 pbkdf2;
    uint8_t server_signature[SHA256_BYTES];
};

/* Appends the client's first message. `password` is borrowed until scram_clear(). */
void scram_begin(struct scram *scram, struct str password, const struct scram_options *options,
                 struct buf *message);

/* Takes the server's first message. NULL when it is right, else what is wrong, as a
 * clause about the server ("sends no number of rounds"). */
const char *scram_read_first(struct scram *scram, struct str message);

/* Does at most `rounds_max` rounds; true once `keys` fit to the server's salt and rounds. */
bool scram_derive(struct scram *scram, struct scram_keys *keys, uint32_t rounds_max);

/* Appends the client's last message. */
void scram_finish(struct scram *scram, const struct scram_keys *keys, struct buf *message);

/* Takes the server's last message. NULL when the server knows the password, else such a
 * clause. */
const char *scram_check_server(struct scram *scram, struct str message);

void scram_clear(struct scram *scram);
