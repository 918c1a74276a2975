/* The name under which an answer is kept, and the key it is sealed with, are two HMACs of the
 * Idempotency-Key; with the caller's id and organisation, so that nobody gets the answer of another. */
#include "control/api/write.h"

#include <string.h>

#include "shared/mem.h"

#include "control/api/api.sql.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/request_read.h"
#include "control/store/tx.h"

static bool key_is_valid(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] < '!' || key.ptr[i] > '~')
            return false;
    }
    return key.len > 0 && key.len <= IDEMPOTENCY_KEY_BYTES_MAX;
}

static void derive(const struct request *request, struct str key, const char *purpose,
                   uint8_t ret_code[SHA256_BYTES])
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    const struct principal *principal = &request->principal;
    char id[UUID_TEXT_BYTES];

    buf_printf(&text, "idempotency %s %s", purpose, uuid_format(&principal->id, id));
    if (!uuid_is_nil(&principal->organisation_id))
        buf_printf(&text, " %s", uuid_format(&principal->organisation_id, id));
    hmac_sha256(key, buf_str(&text), ret_code);
}

static void hash_request(const struct request *request, struct str query, struct str body,
                         uint8_t ret_digest[SHA256_BYTES])
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    buf_printf(&text, STR_FMT "?" STR_FMT "\n", STR_ARG(request->path), STR_ARG(query));
    buf_append_str(&text, body);
    sha256(buf_str(&text), ret_digest);
}

static enum err read_reason(struct request *request)
{
    struct str field = request_header(request, "X-EM-Reason");

    if (!field.ptr)
        return OK;
    request->reason = reason_decode(field);
    if (!request->reason)
        return fail(ERR_INVALID, "reason_invalid",
                    "X-EM-Reason has to be percent-encoded UTF-8 (%%25 for a per cent sign): one "
                    "line that is not blank, of at most %d characters.",
                    REASON_CHARACTERS_MAX);
    return OK;
}

enum err write_prepare(struct request *request, struct str query, struct str body,
                       struct write_once *once)
{
    struct str key = request_header(request, "Idempotency-Key");

    request->once = NULL;
    request->committed = false;
    TRY(read_reason(request));
    if (!key.ptr || request->method != METHOD_POST || write_is_dry_run(request))
        return OK;
    if (!key_is_valid(key))
        return fail(ERR_INVALID, "idempotency_key_invalid",
                    "An Idempotency-Key has 1 to %d visible ASCII characters.",
                    IDEMPOTENCY_KEY_BYTES_MAX);
    *once = (struct write_once){0};
    derive(request, key, "name", once->key_hash);
    derive(request, key, "answer", once->secret);
    hash_request(request, query, body, once->request_hash);
    request->once = once;
    return OK;
}

bool write_is_dry_run(const struct request *request)
{
    return request_flag(request, "dry_run");
}

static struct str bytes_of(const uint8_t digest[SHA256_BYTES])
{
    return str_n((const char *)digest, SHA256_BYTES);
}

/* The header lines, a zero byte, the body. */
static enum err take_answer(struct write_once *once, const struct rows *rows, struct reply *reply)
{
    CLEANUP(buf_clear_p) struct buf plain = {0};
    struct str body;
    struct str headers;

    if (!str_equal(row_bytes(rows, 0, 1), bytes_of(once->request_hash)))
        return fail(
            ERR_INVALID, "idempotency_reused",
            "This Idempotency-Key has come with another request before. A new request takes "
            "a new key.");
    if (!unseal(once->secret, row_bytes(rows, 0, 3), &plain))
        return fail(ERR_BUG, "idempotency_answer_broken", "an answer that was kept is damaged");
    body = buf_str(&plain);
    headers = str_cut(&body, '\0');
    reply_reset(reply);
    reply->status = (uint16_t)row_int(rows, 0, 2);
    buf_append_str(&reply->headers, headers);
    reply_header(reply, "Idempotent-Replayed", "true");
    buf_append_str(&reply->body, body);
    once->answered = true;
    return fail(ERR_CONFLICT, "idempotency_answered", "The earlier answer goes out again.");
}

static enum err find_answer(struct tx *tx, const struct request *request, struct reply *reply)
{
    AUTO(rows_free) struct rows *rows = NULL;
    int64_t lock;

    memcpy(&lock, request->once->key_hash, sizeof lock);
    TRY(tx_query_one(tx, &sql_idempotency_find,
                     PARAMS(p_int(lock), p_uuid(&request->principal.id),
                            p_bytes(bytes_of(request->once->key_hash))),
                     &rows));
    if (!row_bool(rows, 0, 0)) {
        reply->retry_after_s = 1;
        return fail(ERR_CONFLICT, "idempotency_busy",
                    "A request with this Idempotency-Key is under way.");
    }
    return row_is_null(rows, 0, 1) ? OK : take_answer(request->once, rows, reply);
}

enum err write_begin(struct request *request, struct reply *reply, struct tx **ret_tx)
{
    AUTO(tx_rollback) struct tx *tx = NULL;

    TRY(tx_begin(request->db, &tx));
    if (request->once)
        TRY(find_answer(tx, request, reply));
    *ret_tx = TAKE(tx);
    return OK;
}

static enum err keep_answer(struct tx *tx, const struct request *request, const struct reply *reply)
{
    CLEANUP(buf_clear_p) struct buf plain = {0};
    CLEANUP(buf_clear_p) struct buf sealed = {0};
    const struct write_once *once = request->once;
    uint64_t kept;

    buf_append_str(&plain, buf_str(&reply->headers));
    buf_append_char(&plain, '\0');
    buf_append_str(&plain, buf_str(&reply->body));
    seal(once->secret, buf_str(&plain), &sealed);
    wipe(plain.data, plain.len);
    TRY(tx_execute(tx, &sql_idempotency_keep,
                   PARAMS(p_uuid(&request->principal.id), p_bytes(bytes_of(once->key_hash)),
                          p_bytes(bytes_of(once->request_hash)),
                          p_int(reply->status ? reply->status : request->route->status),
                          p_bytes(buf_str(&sealed)), p_uuid(&request->principal.organisation_id)),
                   &kept));
    if (kept == 0)
        return fail(ERR_CONFLICT, "idempotency_busy",
                    "A request with this Idempotency-Key has just been carried out.");
    return OK;
}

static enum err commit(const struct request *request, const struct reply *reply, struct tx *taken)
{
    AUTO(tx_rollback) struct tx *tx = taken;

    if (request->once)
        TRY(keep_answer(tx, request, reply));
    return tx_commit(TAKE(tx));
}

enum err write_commit(struct request *request, struct reply *reply, struct tx *tx)
{
    enum err err = OK;

    if (write_is_dry_run(request)) {
        tx_rollback(tx);
        reply->changes.len = 0;
        reply_header(reply, "X-EM-Dry-Run", "true");
    } else {
        err = commit(request, reply, tx);
    }
    if (err != OK)
        reply_reset(reply); /* what it says is not so */
    request->committed = err == OK;
    return err;
}
