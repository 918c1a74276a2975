/*
 * libcurl with everything switched off that we do not want: other schemes, redirects, signals,
 * proxies from the environment. The policy sits in the socket callback, so it sees the address that
 * is really connected to.
 */
#include "control/notify/outbound.h"

#include <curl/curl.h>

#include "shared/address_policy.h"
#include "shared/mem.h"

struct outbound {
    CURL *curl;
    bool refused; /* by the address policy, in the current request */
};

void outbound_global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct outbound *outbound_new(void)
{
    struct outbound *outbound = NEW(struct outbound);

    outbound->curl = curl_easy_init();
    if (!outbound->curl)
        out_of_memory(0);
    return outbound;
}

void outbound_free(struct outbound *outbound)
{
    if (!outbound)
        return;
    curl_easy_cleanup(outbound->curl);
    free(outbound);
}

/* Receivers inside the company and on this machine are what a webhook is for. */
static const struct address_policy policy = {.allow_loopback = true, .allow_private = true};

static bool is_allowed(const struct sockaddr *address)
{
    struct addr addr;

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return false;
    addr = addr_of(address);
    return address_policy_refusal(&policy, &addr) == NULL;
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct outbound *outbound = data;

    (void)purpose;
    if (!is_allowed(&address->addr)) {
        outbound->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    struct outbound_reply *reply = argument;
    size_t room = OUTBOUND_REPLY_BYTES_MAX - reply->body.len;

    buf_append(&reply->body, data, MIN(size * count, room));
    return size * count;
}

static void set_options(struct outbound *outbound, const struct outbound_request *request,
                        struct curl_slist *headers, struct outbound_reply *reply)
{
    CURL *curl = outbound->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, 16L * 1024 * 1024);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "environment-manager/" EM_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.ptr);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, outbound);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
}

static enum err curl_failure(const struct outbound *outbound, CURLcode code, int64_t timeout_ms)
{
    if (outbound->refused)
        return fail(
            ERR_DENIED, "outbound_policy",
            "The address is link-local, multicast or a metadata service: nothing is sent there.");
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(ERR_TIMEOUT, "outbound_timeout", "No complete reply within %lld ms.",
                    (long long)timeout_ms);
    return fail(ERR_UNAVAILABLE, "outbound_failed", "%s.", curl_easy_strerror(code));
}

enum err outbound_send(struct outbound *outbound, const struct outbound_request *request,
                       struct outbound_reply *ret_reply)
{
    struct outbound_reply reply = {0};
    struct curl_slist *headers = NULL;
    long status = 0;
    curl_off_t retry_after = 0;
    CURLcode code;

    for (const char *const *header = request->headers; *header; header++)
        headers = curl_slist_append(headers, *header);
    outbound->refused = false;
    set_options(outbound, request, headers, &reply);
    code = curl_easy_perform(outbound->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        outbound_reply_clear(&reply);
        return curl_failure(outbound, code, request->timeout_ms);
    }

    curl_easy_getinfo(outbound->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(outbound->curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply.status = (int)status;
    reply.retry_after_s = retry_after;
    *ret_reply = reply;
    return OK;
}

void outbound_reply_clear(struct outbound_reply *reply)
{
    buf_clear(&reply->body);
}
