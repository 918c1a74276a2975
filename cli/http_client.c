/* libcurl, kept to HTTP and its own address: redirects are not followed, so that a key goes nowhere
 * else. */
#include "cli/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/mem.h"

#define CONNECT_TIMEOUT_S 10

struct http_client {
    CURL *curl;
    struct curl_slist *headers;
    char *url; /* without "/" at its end */
    char *ca;
    int64_t timeout_s;
    char error[CURL_ERROR_SIZE];
};

static char *base_of(const char *url)
{
    char *base = xstrdup(url);

    while (base[0] && base[strlen(base) - 1] == '/')
        base[strlen(base) - 1] = '\0';
    return base;
}

enum err http_client_new(const struct http_client_options *options, struct http_client **ret_client)
{
    struct http_client *client;

    if (strncmp(options->url, "http://", 7) != 0 && strncmp(options->url, "https://", 8) != 0)
        return fail(ERR_INVALID, "url_invalid",
                    "the URL has to begin with https:// or http://, not \"%s\"", options->url);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client = NEW(struct http_client);
    client->curl = curl_easy_init();
    if (!client->curl)
        out_of_memory(0);
    client->url = base_of(options->url);
    client->ca = options->ca ? xstrdup(options->ca) : NULL;
    client->timeout_s = options->timeout_s;
    if (options->key) {
        char *header = xasprintf("Authorization: Bearer %s", options->key);

        client->headers = curl_slist_append(NULL, header);
        xfree_secret(header);
    }
    *ret_client = client;
    return OK;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client->url);
    free(client->ca);
    free(client);
}

/* More than the bound ends the transfer. */
static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    struct buf *body = argument;

    if (size * count > (size_t)HTTP_CLIENT_REPLY_BYTES_MAX - body->len)
        return 0;
    buf_append(body, data, size * count);
    return size * count;
}

static void set_options(struct http_client *client, const char *url, struct buf *body)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)client->timeout_s);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "emctl/" EM_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    if (client->ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca);
}

static enum err no_answer(const struct http_client *client, CURLcode code)
{
    const char *why = client->error[0] ? client->error : curl_easy_strerror(code);

    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(ERR_TIMEOUT, "no_answer", "%s: %s", client->url, why);
    if (code == CURLE_URL_MALFORMAT)
        return fail(ERR_INVALID, "url_invalid", "%s is no URL", client->url);
    if (code == CURLE_WRITE_ERROR)
        return fail(ERR_BUG, "answer_too_large", "%s: the answer is larger than %lld bytes",
                    client->url, (long long)HTTP_CLIENT_REPLY_BYTES_MAX);
    return fail(ERR_UNAVAILABLE, "no_answer", "%s: %s", client->url, why);
}

static enum err err_of_status(long status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 429:
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return ERR_BUG;
    }
}

/* What the problem document says, when it is one. */
static enum err bad_answer(const struct http_client *client, long status, const struct buf *body)
{
    JSON_AUTO json_t *problem = NULL;
    const char *detail = NULL;

    if (body->len > 0 && json_parse(buf_str(body), &problem) == OK)
        detail = json_loose_text(problem, "detail", NULL);
    if (detail)
        return fail(err_of_status(status), "answer", "%s answers %ld: %s", client->url, status,
                    detail);
    return fail(err_of_status(status), "answer", "%s answers %ld", client->url, status);
}

static enum err ask(struct http_client *client, const char *url, struct buf *body, long *ret_status)
{
    CURLcode code;

    buf_reset(body);
    client->error[0] = '\0';
    set_options(client, url, body);
    code = curl_easy_perform(client->curl);
    if (code != CURLE_OK)
        return no_answer(client, code);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, ret_status);
    return OK;
}

/* Whether it asked to come again later, within our time, and that is now. */
static bool has_waited(struct http_client *client, long status, int64_t deadline_us)
{
    curl_off_t after_s = 0;

    if (status != 429)
        return false;
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &after_s);
    after_s = MAX(after_s, (curl_off_t)1);
    if (after_s > client->timeout_s ||
        clock_monotonic_us() + after_s * INT64_C(1000000) > deadline_us)
        return false;
    sleep((unsigned)after_s);
    return true;
}

enum err http_client_get(struct http_client *client, const char *path, struct buf *ret_body)
{
    AUTO(xfree) char *url = xasprintf("%s%s", client->url, path);
    int64_t deadline_us = clock_monotonic_us() + client->timeout_s * INT64_C(1000000);
    long status = 0;

    do {
        TRY(ask(client, url, ret_body, &status));
    } while (has_waited(client, status, deadline_us));
    return status == 200 ? OK : bad_answer(client, status, ret_body);
}

enum err http_client_get_json(struct http_client *client, const char *path, json_t **ret_json)
{
    CLEANUP(buf_clear_p) struct buf body = {0};

    TRY(http_client_get(client, path, &body));
    if (json_parse(buf_str(&body), ret_json) != OK)
        return fail(ERR_BUG, "answer", "%s%s answers with no JSON: is it a control plane?",
                    client->url, path);
    return OK;
}
