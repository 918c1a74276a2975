/*
 * libcurl with everything switched off that we do not want: other schemes, redirects, signals,
 * proxies from the environment. The policy sits in the socket callback, so it sees the address that
 * is really connected to; a connection that is used again was made under the same policy.
 */
#include "control/notify/outbound.h"

#include <curl/curl.h>
#include <stdio.h>

#include "shared/address_policy.h"
#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/vec.h"

#define CONNECTIONS_KEPT 64

struct outbound {
    CURLM *multi;
    const struct addr_networks *networks;
    VEC(CURL *) under_way;
    struct buf reply; /* of the result that was taken last */
};

/* One request on its way. */
struct transfer {
    struct outbound *outbound;
    void *context;
    struct curl_slist *headers;
    int64_t timeout_ms;
    struct buf reply;
    const char *refusal;        /* by the policy; NULL: none */
    char said[CURL_ERROR_SIZE]; /* by the library; "": nothing */
};

void outbound_global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct outbound *outbound_new(const struct addr_networks *networks)
{
    struct outbound *outbound = NEW(struct outbound);

    outbound->networks = networks;
    outbound->multi = curl_multi_init();
    if (!outbound->multi)
        out_of_memory(0);
    curl_multi_setopt(outbound->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return outbound;
}

static void end_transfer(struct outbound *outbound, CURL *easy)
{
    struct transfer *transfer = NULL;

    for (size_t i = 0; i < outbound->under_way.len; i++) {
        if (outbound->under_way.items[i] == easy)
            outbound->under_way.items[i] = outbound->under_way.items[--outbound->under_way.len];
    }
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(outbound->multi, easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(transfer->headers);
    buf_clear(&transfer->reply);
    free(transfer);
}

void outbound_free(struct outbound *outbound)
{
    if (!outbound)
        return;
    while (outbound->under_way.len > 0)
        end_transfer(outbound, outbound->under_way.items[0]);
    vec_clear(&outbound->under_way);
    curl_multi_cleanup(outbound->multi);
    buf_clear(&outbound->reply);
    free(outbound);
}

static const char *refusal_of(const struct outbound *outbound, const struct sockaddr *address)
{
    static const struct address_policy all = {.allow_loopback = true, .allow_private = true};
    static const struct address_policy public = {0};
    const struct address_policy *policy = &all;
    struct addr addr;

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return "is not of IP";
    addr = addr_of(address);
    if (outbound->networks && !addr_networks_have(outbound->networks, &addr))
        policy = &public;
    return address_policy_refusal(policy, &addr);
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = data;

    (void)purpose;
    transfer->refusal = refusal_of(transfer->outbound, &address->addr);
    if (transfer->refusal)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    struct transfer *transfer = argument;
    size_t room = OUTBOUND_REPLY_BYTES_MAX - transfer->reply.len;

    buf_append(&transfer->reply, data, MIN(size * count, room));
    return size * count;
}

static void set_options(CURL *easy, const struct outbound_request *request,
                        struct transfer *transfer)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 16L * 1024 * 1024);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "environment-manager/" EM_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

void outbound_start(struct outbound *outbound, const struct outbound_request *request)
{
    struct transfer *transfer = NEW(struct transfer);
    CURL *easy = curl_easy_init();

    if (!easy)
        out_of_memory(0);
    *transfer = (struct transfer){
        .outbound = outbound, .context = request->context, .timeout_ms = request->timeout_ms};
    for (const char *const *header = request->headers; *header; header++)
        transfer->headers = curl_slist_append(transfer->headers, *header);
    set_options(easy, request, transfer);
    vec_push(&outbound->under_way, easy);
    curl_multi_add_handle(outbound->multi, easy);
}

void outbound_wait(struct outbound *outbound, int64_t timeout_ms)
{
    int running;

    curl_multi_perform(outbound->multi, &running);
    curl_multi_poll(outbound->multi, NULL, 0, (int)timeout_ms, NULL);
    curl_multi_perform(outbound->multi, &running);
}

void outbound_wake(struct outbound *outbound)
{
    curl_multi_wakeup(outbound->multi);
}

static void write_error(const struct transfer *transfer, CURLcode code, char *error, size_t bytes)
{
    if (transfer->refusal)
        snprintf(error, bytes, "The address %s: nothing is sent there.", transfer->refusal);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(error, bytes, "No complete reply within %lld ms.",
                 (long long)transfer->timeout_ms);
    else if (code != CURLE_COULDNT_CONNECT &&
             transfer->said[0]) /* which certificate, which protocol */
        snprintf(error, bytes, "%.*s.", (int)bytes - 2, transfer->said);
    else
        snprintf(error, bytes, "%s.", curl_easy_strerror(code));
}

static void read_result(CURL *easy, CURLcode code, struct outbound *outbound,
                        struct outbound_result *result)
{
    struct transfer *transfer = NULL;
    curl_off_t retry_after = 0;
    curl_off_t total_us = 0;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total_us);
    *result =
        (struct outbound_result){.context = transfer->context, .duration_ms = total_us / 1000};
    if (code != CURLE_OK) {
        write_error(transfer, code, result->error, sizeof result->error);
        return;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    result->status = (int)status;
    result->retry_after_s = retry_after;
    buf_reset(&outbound->reply);
    buf_append_str(&outbound->reply, buf_str(&transfer->reply));
    result->reply = buf_str(&outbound->reply);
}

bool outbound_take(struct outbound *outbound, struct outbound_result *ret_result)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(outbound->multi, &left))) {
        CURL *easy = message->easy_handle;

        if (message->msg != CURLMSG_DONE)
            continue;
        read_result(easy, message->data.result, outbound, ret_result);
        end_transfer(outbound, easy);
        return true;
    }
    return false;
}
