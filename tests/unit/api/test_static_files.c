/* The console's files over the real server: mapping, encodings, policies, and what is never
 * served. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/static_files.h"
#include "tests/unit/api/api_client.h"

static char folder[] = "/tmp/test_static_files.XXXXXX";

static const char manifest[] =
    "{\"version\":1,\"files\":{"
    "\"/index.html\":{\"type\":\"text/html; charset=utf-8\",\"bytes\":9,\"etag\":\"\\\"e1\\\"\","
    "\"immutable\":false,\"scripts\":[\"sha256-AAAA+/=\",\"sha256-BBBB\"],\"br\":2,\"gz\":3},"
    "\"/health/index.html\":{\"type\":\"text/html; charset=utf-8\",\"etag\":\"\\\"e2\\\"\","
    "\"scripts\":[]},"
    "\"/developers/index.html\":{\"type\":\"text/html; charset=utf-8\",\"etag\":\"\\\"e5\\\"\"},"
    "\"/404.html\":{\"type\":\"text/html; charset=utf-8\",\"etag\":\"\\\"e3\\\"\"},"
    "\"/health/index.txt\":{\"type\":\"text/plain; charset=utf-8\",\"etag\":\"\\\"e6\\\"\"},"
    "\"/_next/static/a.js\":{\"type\":\"text/javascript; charset=utf-8\",\"etag\":\"\\\"e4\\\"\","
    "\"immutable\":true}}}";

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void use_console(struct server_config *config)
{
    config->console = folder;
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    make_folder("health");
    make_folder("developers");
    make_folder("_next");
    make_folder("_next/static");
    write_file("manifest.em.json", manifest);
    write_file("index.html", "the start");
    write_file("index.html.br", "br");
    write_file("index.html.gz", "gzi");
    write_file("health/index.html", "health");
    write_file("health/index.txt", "data");
    write_file("developers/index.html", "play");
    write_file("404.html", "not here");
    write_file("_next/static/a.js", "script");
    write_file("secret.txt", "not in the manifest");
    server = api_server_start(use_console);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static char *fetch(const char *method, const char *target, const char *headers)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(api_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct buf text = {0};
    ssize_t len;

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    buf_printf(&text, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method, target,
               headers);
    assert_int_equal(send(fd, text.data, text.len, 0), text.len);
    buf_reset(&text);
    while ((len = recv(fd, buf_reserve(&text, 4096), 4096, 0)) > 0)
        text.len += (size_t)len;
    text.data[text.len] = '\0';
    close(fd);
    return buf_take_text(&text);
}

struct expectation {
    const char *method;
    const char *target;
    const char *headers;
    const char *status;
    const char *has;  /* NULL: anything */
    const char *body; /* NULL: anything */
};

#define POLICY_END                                                                                 \
    "; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "        \
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "                \
    "frame-ancestors 'none'\r\n"

static const struct expectation cases[] = {
    {"GET", "/", "", "200", "ETag: \"e1\"\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n",
     "the start"},
    {"GET", "/", "", "200",
     "Content-Security-Policy: default-src 'none'; script-src 'self' 'sha256-AAAA+/=' "
     "'sha256-BBBB'" POLICY_END,
     "the start"},
    {"GET", "/index.html", "", "200", "Content-Type: text/html; charset=utf-8\r\n", "the start"},
    {"GET", "/?x=1", "", "200", NULL, "the start"},
    {"HEAD", "/", "", "200", "Content-Length: 9\r\n", ""},
    {"GET", "/", "Accept-Encoding: gzip, br\r\n", "200", "Content-Encoding: br\r\n", "br"},
    {"GET", "/", "Accept-Encoding: gzip\r\n", "200", "Content-Encoding: gzip\r\n", "gzi"},
    {"GET", "/", "Accept-Encoding: br;q=0, gzip;q=0.5\r\n", "200", "Content-Encoding: gzip\r\n",
     "gzi"},
    {"GET", "/", "Accept-Encoding: identity\r\n", "200", NULL, "the start"},
    {"GET", "/", "If-None-Match: \"e0\", W/\"e1\"\r\n", "304", "ETag: \"e1\"\r\n", ""},
    {"GET", "/", "If-None-Match: \"e0\"\r\n", "200", NULL, "the start"},
    {"GET", "/health/", "", "200", "script-src 'self'" POLICY_END, "health"},
    {"GET", "/health", "", "308", "Location: /health/\r\n", ""},
    {"GET", "/health?a=b&c", "", "308", "Location: /health/?a=b&c\r\n", ""},
    {"GET", "/health/index.txt?_rsc=1", "", "200", "Content-Type: text/plain; charset=utf-8\r\n",
     "data"},
    {"GET", "/docs", "", "308", "Location: /developers/\r\n", ""},
    {"GET", "/_next/static/a.js", "", "200",
     "Cache-Control: public, max-age=31536000, immutable\r\n", "script"},
    {"GET", "/_next/static/b.js", "", "404", "Content-Type: text/plain; charset=utf-8\r\n",
     "Not found\n"},
    {"GET", "/nowhere/", "", "404", "Content-Type: text/html; charset=utf-8\r\n", "not here"},
    {"GET", "/api/nowhere", "", "404", "application/problem+json", NULL},
    {"GET", "/hooks/x", "", "404", "application/problem+json", NULL},
    {"GET", "/socket.io/x", "", "404", "application/problem+json", NULL},
    /* what is there, but not for everybody */
    {"GET", "/manifest.em.json", "", "404", NULL, "not here"},
    {"GET", "/index.html.br", "", "404", NULL, "not here"},
    {"GET", "/index.html.gz", "", "404", NULL, "not here"},
    {"GET", "/secret.txt", "", "404", NULL, "not here"},
    {"GET", "/../../etc/passwd", "", "404", NULL, "not here"},
    {"GET", "/%2e%2e/%2e%2e/etc/passwd", "", "404", NULL, "not here"},
    {"GET", "/health/../secret.txt", "", "404", NULL, "not here"},
    {"GET", "/index.html%00.txt", "", "404", NULL, "not here"},
    {"GET", "/%", "", "404", NULL, "not here"},
    {"GET", "//health", "", "404", NULL, "not here"},
    {"POST", "/", "", "405", "Allow: GET, HEAD, OPTIONS\r\n", NULL},
    {"GET", "/", "Content-Length: 1\r\n", "400", NULL, NULL},
};

static void test_files_are_served_by_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct expectation *wanted = &cases[i];
        char *answer = fetch(wanted->method, wanted->target, wanted->headers);
        const char *body = strstr(answer, "\r\n\r\n");

        if (strncmp(answer + 9, wanted->status, 3) != 0 || !body ||
            (wanted->has && !strstr(answer, wanted->has)) ||
            (wanted->body && strcmp(body + 4, wanted->body) != 0))
            print_error("%s %s %s\n%s\n", wanted->method, wanted->target, wanted->headers, answer);
        assert_memory_equal(answer + 9, wanted->status, 3);
        if (wanted->has)
            assert_non_null(strstr(answer, wanted->has));
        if (wanted->body)
            assert_string_equal(body + 4, wanted->body);
        assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
        free(answer);
    }
}

static void test_a_broken_folder_is_refused_at_start(void **state)
{
    static const char *const manifests[] = {
        "{",
        "{}",
        "{\"files\":{\"/missing.html\":{\"type\":\"text/html\",\"etag\":\"\\\"e\\\"\"}}}",
        "{\"files\":{\"index.html\":{\"type\":\"text/html\",\"etag\":\"\\\"e\\\"\"}}}",
        "{\"files\":{\"/index.html\":{\"type\":\"text/html\\r\\nX: y\",\"etag\":\"\\\"e\\\"\"}}}",
        "{\"files\":{\"/index.html\":{\"type\":\"text/html\",\"etag\":\"e\"}}}",
        "{\"files\":{\"/index.html\":{\"type\":\"text/html\",\"etag\":\"\\\"e\\\"\","
        "\"scripts\":[\"sha256-a'; script-src *\"]}}}",
    };
    struct static_files *files;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        write_file("manifest.em.json", manifests[i]);
        assert_int_equal(static_files_load(folder, &files), ERR_INVALID);
    }
    assert_int_equal(static_files_load("/nowhere", &files), ERR_INVALID);
    failure_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_served_by_the_contract),
        cmocka_unit_test(test_a_broken_folder_is_refused_at_start),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
