/* libcrypto behind a few functions. */
#include "shared/crypto.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "shared/mem.h"

void random_bytes(void *bytes, size_t len)
{
    if (RAND_bytes(bytes, (int)len) != 1)
        abort(); /* a predictable secret is worse than none */
}

/* SplitMix64 (Steele, Lea, Flood 2014), seeded once. */
uint32_t random_number(void)
{
    static _Thread_local uint64_t state;
    uint64_t mixed;

    if (state == 0)
        random_bytes(&state, sizeof state);
    state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(mixed >> 32);
}

/* Looked up once: EVP_sha256() would be each time it is used. */
static EVP_MD *the_sha256;

static void fetch_sha256(void)
{
    the_sha256 = EVP_MD_fetch(NULL, SN_sha256, NULL);
    if (!the_sha256)
        abort(); /* SHA-256 is always there */
}

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned len = SHA256_BYTES;

    pthread_once(&once, fetch_sha256);
    if (EVP_Digest(data.ptr ? data.ptr : "", data.len, ret_digest, &len, the_sha256, NULL) != 1)
        out_of_memory(0);
}

void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES])
{
    unsigned len = SHA1_BYTES;

    if (EVP_Digest(data.ptr ? data.ptr : "", data.len, ret_digest, &len, EVP_sha1(), NULL) != 1)
        abort(); /* our providers have it */
}

bool md5(struct str data, uint8_t ret_digest[MD5_BYTES])
{
    unsigned len = MD5_BYTES;

    return EVP_Digest(data.ptr ? data.ptr : "", data.len, ret_digest, &len, EVP_md5(), NULL) == 1;
}

void hmac_sha256(struct str key, struct str data, uint8_t ret_code[SHA256_BYTES])
{
    unsigned len = SHA256_BYTES;

    if (!HMAC(EVP_sha256(), key.ptr ? key.ptr : "", (int)key.len,
              (const unsigned char *)(data.ptr ? data.ptr : ""), data.len, ret_code, &len))
        abort(); /* SHA-256 is always there */
}

static EVP_MAC_CTX *hmac_context(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);

    EVP_MAC_free(hmac);
    if (!context)
        out_of_memory(0);
    return context;
}

/* One HMAC over two parts. Without a key the last one is used again, which saves half of the work. */
static void mac_round(EVP_MAC_CTX *mac, const struct str *key, struct str data, struct str more,
                      uint8_t ret_code[SHA256_BYTES])
{
    const OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)SN_sha256, 0),
        OSSL_PARAM_construct_end(),
    };
    const unsigned char *key_bytes = NULL;
    size_t len;

    if (key)
        key_bytes = (const unsigned char *)(key->ptr ? key->ptr : "");
    if (EVP_MAC_init(mac, key_bytes, key ? key->len : 0, key ? digest : NULL) != 1 ||
        EVP_MAC_update(mac, (const unsigned char *)data.ptr, data.len) != 1 ||
        EVP_MAC_update(mac, (const unsigned char *)more.ptr, more.len) != 1 ||
        EVP_MAC_final(mac, ret_code, &len, SHA256_BYTES) != 1)
        abort(); /* SHA-256 is always there */
}

void pbkdf2_begin(struct pbkdf2 *pbkdf2, struct str password, struct str salt, uint32_t rounds)
{
    assert(rounds > 0);
    pbkdf2->mac = hmac_context();
    pbkdf2->rounds_left = rounds - 1;
    mac_round(pbkdf2->mac, &password, salt, STR("\0\0\0\1"), pbkdf2->last);
    memcpy(pbkdf2->key, pbkdf2->last, SHA256_BYTES);
}

bool pbkdf2_run(struct pbkdf2 *pbkdf2, uint32_t rounds_max)
{
    const struct str last = {(const char *)pbkdf2->last, SHA256_BYTES};

    while (pbkdf2->rounds_left > 0 && rounds_max > 0) {
        mac_round(pbkdf2->mac, NULL, last, STR(""), pbkdf2->last);
        for (size_t i = 0; i < SHA256_BYTES; i++)
            pbkdf2->key[i] ^= pbkdf2->last[i];
        pbkdf2->rounds_left--;
        rounds_max--;
    }
    return pbkdf2->rounds_left == 0;
}

void pbkdf2_clear(struct pbkdf2 *pbkdf2)
{
    EVP_MAC_CTX_free(pbkdf2->mac);
    wipe(pbkdf2, sizeof *pbkdf2);
}

/* ---- sealing ---- */

#define NONCE_BYTES 12
#define TAG_BYTES   16

static EVP_CIPHER_CTX *cipher_context(void)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (!context)
        out_of_memory(0);
    return context;
}

void seal(const uint8_t key[SEAL_KEY_BYTES], struct str plain, struct buf *out)
{
    EVP_CIPHER_CTX *context = cipher_context();
    uint8_t nonce[NONCE_BYTES];
    uint8_t *sealed;
    int len = 0;
    int rest = 0;

    assert(plain.len <= INT_MAX - TAG_BYTES - NONCE_BYTES);
    random_bytes(nonce, sizeof nonce);
    buf_append(out, (const char *)nonce, sizeof nonce);
    sealed = (uint8_t *)buf_reserve(out, plain.len + TAG_BYTES);
    if (EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(context, sealed, &len, (const uint8_t *)(plain.ptr ? plain.ptr : ""),
                          (int)plain.len) != 1 ||
        EVP_EncryptFinal_ex(context, sealed + len, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + plain.len) != 1)
        abort(); /* AES is always there */
    out->len += plain.len + TAG_BYTES;
    EVP_CIPHER_CTX_free(context);
}

bool unseal(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct buf *out)
{
    const uint8_t *bytes = (const uint8_t *)sealed.ptr;
    size_t plain_len = sealed.len - NONCE_BYTES - TAG_BYTES;
    EVP_CIPHER_CTX *context;
    uint8_t *plain;
    int len = 0;
    int rest = 0;
    bool good;

    if (sealed.len < NONCE_BYTES + TAG_BYTES || sealed.len > INT_MAX)
        return false;
    context = cipher_context();
    plain = (uint8_t *)buf_reserve(out, plain_len);
    good = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, bytes) == 1 &&
           EVP_DecryptUpdate(context, plain, &len, bytes + NONCE_BYTES, (int)plain_len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                               (void *)(bytes + NONCE_BYTES + plain_len)) == 1 &&
           EVP_DecryptFinal_ex(context, plain + len, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    if (good)
        out->len += plain_len;
    return good;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
