/*
 * One entry per path of the manifest, each with up to three codings of its bytes. The headers of
 * an entry never change, so they are written once. Pages have a content security policy with the
 * hashes of their own inline scripts.
 */
#include "control/api/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/deflate.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/map.h"

#include "control/api/answer.h"
#include "control/api/request_read.h"
#include "control/api/server_private.h"

#define MANIFEST     "manifest.em.json"
#define SCRIPTS_MAX  32
#define PLAIN_PREFIX "/_next/static/" /* what is missing below it is never answered with a page */
#define PLAYGROUND   "/developers/"
/* The policy of what has nothing to show. */
#define NO_CONTENT "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"

static const struct {
    const char *suffix;
    const char *size_field; /* in the manifest; NULL: always there */
    const char *header;
} codings[CODING_COUNT] = {
    [CODING_IDENTITY] = {"", NULL, ""},
    [CODING_BROTLI] = {".br", "br", "Content-Encoding: br\r\n"},
    [CODING_GZIP] = {".gz", "gz", "Content-Encoding: gzip\r\n"},
};

struct file {
    char *path; /* "/inventory/index.html" */
    char *type;
    char *etag; /* with its quotes */
    struct buf bodies[CODING_COUNT];
    unsigned codings;                 /* bits 1 << coding that it has */
    struct buf headers[CODING_COUNT]; /* ETag, Cache-Control, Vary, policy, Content-Encoding */
    UT_hash_handle hh;
};

struct static_files {
    struct file *files;
    size_t bytes;
};

/* Loading ------------------------------------------------------------------------------------- */

static enum err read_whole(const char *path, size_t bytes_max, struct buf *out)
{
    struct stat status;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return fail(ERR_INVALID, "console_invalid", "%s cannot be opened: %s", path,
                    strerrordesc_np(errno));
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || (size_t)status.st_size > bytes_max) {
        close(fd);
        return fail(ERR_INVALID, "console_invalid", "%s is no file, or too large", path);
    }
    buf_reserve(out, (size_t)status.st_size);
    while (got < (size_t)status.st_size) {
        ssize_t len = read(fd, out->data + got, (size_t)status.st_size - got);

        if (len <= 0)
            break;
        got += (size_t)len;
    }
    close(fd);
    out->len = got;
    out->data[got] = '\0';
    if (got != (size_t)status.st_size)
        return fail(ERR_INVALID, "console_invalid", "%s cannot be read", path);
    return OK;
}

static bool is_page(const struct file *file)
{
    return strncmp(file->type, "text/html", 9) == 0;
}

/* A hash as a browser writes it: nothing in it can end the policy. */
static bool is_script_hash(const char *hash)
{
    return strncmp(hash, "sha256-", 7) == 0 &&
           strspn(hash, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-") ==
               strlen(hash);
}

static enum err write_policy(struct buf *headers, const struct file *file, const json_t *record)
{
    const json_t *scripts = json_object_get(record, "scripts");

    if (!is_page(file)) {
        buf_append_text(headers, "Content-Security-Policy: default-src 'none'; script-src 'self'; "
                                 "connect-src 'self'; frame-ancestors 'none'\r\n");
        return OK;
    }
    buf_append_text(headers, "Content-Security-Policy: default-src 'none'; script-src 'self'");
    for (size_t i = 0; i < json_array_size(scripts); i++) {
        const char *hash = json_string_value(json_array_get(scripts, i));

        if (i == SCRIPTS_MAX || !hash || !is_script_hash(hash))
            return fail(ERR_INVALID, "console_invalid", "%s has too many or odd script hashes",
                        file->path);
        buf_printf(headers, " '%s'", hash);
    }
    buf_append_text(headers,
                    "; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
                    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
                    "form-action 'self'; frame-ancestors 'none'\r\n");
    return OK;
}

static enum err write_headers(struct file *file, const json_t *record)
{
    bool immutable = json_is_true(json_object_get(record, "immutable"));
    bool varies = file->codings != 1U << CODING_IDENTITY;

    for (int coding = 0; coding < CODING_COUNT; coding++) {
        struct buf *headers = &file->headers[coding];

        if (!(file->codings >> coding & 1))
            continue;
        buf_printf(headers, "ETag: %s\r\nCache-Control: %s\r\n%s%s", file->etag,
                   immutable ? "public, max-age=31536000, immutable" : "no-cache",
                   varies ? "Vary: Accept-Encoding\r\n" : "", codings[coding].header);
        TRY(write_policy(headers, file, record));
    }
    return OK;
}

static enum err load_bodies(struct static_files *files, struct file *file, const char *folder,
                            const json_t *record)
{
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        const char *size_field = codings[coding].size_field;
        AUTO(xfree) char *path = NULL;

        if (size_field && !json_is_integer(json_object_get(record, size_field)))
            continue;
        path = xasprintf("%s%s%s", folder, file->path, codings[coding].suffix);
        TRY(read_whole(path, STATIC_BYTES_MAX - files->bytes, &file->bodies[coding]));
        files->bytes += file->bodies[coding].len;
        file->codings |= 1U << coding;
    }
    return OK;
}

static bool is_header_safe(const char *text)
{
    return text && *text && strlen(text) < 200 && !strpbrk(text, "\r\n");
}

static enum err load_file(struct static_files *files, const char *folder, const char *path,
                          const json_t *record)
{
    const char *type = json_string_value(json_object_get(record, "type"));
    const char *etag = json_string_value(json_object_get(record, "etag"));
    struct file *file;

    if (path[0] != '/' || strstr(path, "/../") || !is_header_safe(type) || !is_header_safe(etag) ||
        etag[0] != '"' || etag[strlen(etag) - 1] != '"')
        return fail(ERR_INVALID, "console_invalid", "The entry %s of the manifest is malformed",
                    path);
    file = NEW(struct file);
    file->path = xstrdup(path);
    file->type = xstrdup(type);
    file->etag = xstrdup(etag);
    HASH_ADD_KEYPTR(hh, files->files, file->path, strlen(file->path), file);
    TRY(load_bodies(files, file, folder, record));
    return write_headers(file, record);
}

static enum err load_all(struct static_files *files, const char *folder)
{
    AUTO(xfree) char *path = xasprintf("%s/%s", folder, MANIFEST);
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *manifest = NULL;
    const char *name;
    json_t *record;

    TRY(read_whole(path, STATIC_BYTES_MAX, &text));
    TRY(json_parse(buf_str(&text), &manifest));
    if (json_object_size(json_object_get(manifest, "files")) == 0)
        return fail(ERR_INVALID, "console_invalid", "%s names no files", path);
    json_object_foreach(json_object_get(manifest, "files"), name, record)
        TRY(load_file(files, folder, name, record));
    return OK;
}

enum err static_files_load(const char *folder, struct static_files **ret_files)
{
    struct static_files *files = NEW(struct static_files);
    enum err err = load_all(files, folder);

    if (err != OK) {
        static_files_free(files);
        return err;
    }
    log_info("console.loaded", "folder=%s files=%u bytes=%zu", folder, HASH_COUNT(files->files),
             files->bytes);
    *ret_files = files;
    return OK;
}

void static_files_free(struct static_files *files)
{
    struct file *file;
    struct file *next;

    if (!files)
        return;
    HASH_ITER (hh, files->files, file, next) {
        HASH_DEL(files->files, file);
        for (int coding = 0; coding < CODING_COUNT; coding++) {
            buf_clear(&file->bodies[coding]);
            buf_clear(&file->headers[coding]);
        }
        free(file->path);
        free(file->type);
        free(file->etag);
        free(file);
    }
    free(files);
}

/* Answering ----------------------------------------------------------------------------------- */

static const struct file *find_file(const struct static_files *files, struct str path)
{
    struct file *file = NULL;

    if (files)
        HASH_FIND(hh, files->files, path.ptr, path.len, file);
    return file;
}

/* The file for `path` followed by `more`. */
static const struct file *find_below(const struct static_files *files, struct str path,
                                     const char *more)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    buf_append_str(&text, path);
    buf_append_text(&text, more);
    return find_file(files, buf_str(&text));
}

static bool is_unchanged(const struct file *file, const struct request *request)
{
    struct str tag = str_of(file->etag);

    return entity_tags_have(request_header(request, "if-none-match"), str_sub(tag, 1, tag.len - 2));
}

static void write_answer(struct carrier *carrier, const struct request *request, uint16_t status,
                         const char *type, struct str headers, struct str body)
{
    answer_write(carrier, &(struct answer){
                              .status = status,
                              .without_body = request->method == METHOD_HEAD,
                              .request_id = request->id,
                              .type = type,
                              .headers = headers,
                              .body = body,
                          });
}

static void answer_file(struct carrier *carrier, const struct request *request,
                        const struct file *file, uint16_t status)
{
    enum content_coding coding =
        content_coding_choose(request_header(request, "accept-encoding"), file->codings);
    struct str headers = buf_str(&file->headers[coding]);

    if (status == 200 && is_unchanged(file, request))
        write_answer(carrier, request, 304, NULL, headers, (struct str){0});
    else
        write_answer(carrier, request, status, file->type, headers, buf_str(&file->bodies[coding]));
}

static void answer_redirect(struct carrier *carrier, const struct request *request, struct str path,
                            const char *more, struct str query)
{
    CLEANUP(buf_clear_p) struct buf headers = {0};

    buf_printf(&headers,
               "Cache-Control: no-cache\r\n" NO_CONTENT "Location: " STR_FMT "%s%s" STR_FMT "\r\n",
               STR_ARG(path), more, query.ptr ? "?" : "", STR_ARG(query));
    write_answer(carrier, request, 308, NULL, buf_str(&headers), (struct str){0});
}

static void answer_missing(struct carrier *carrier, const struct request *request, struct str path)
{
    const struct static_files *files = request->server->files;
    const struct file *page = find_file(files, STR("/404.html"));

    if (page && !str_starts_with(path, STR(PLAIN_PREFIX)))
        answer_file(carrier, request, page, 404);
    else
        write_answer(carrier, request, 404, "text/plain; charset=utf-8",
                     STR("Cache-Control: no-store\r\n" NO_CONTENT), STR("Not found\n"));
}

void static_files_answer(struct carrier *carrier, const struct request *request, struct str query)
{
    const struct static_files *files = request->server->files;
    CLEANUP(buf_clear_p) struct buf decoded = {0};
    struct str path = request->path;
    const struct file *file = NULL;

    buf_reserve(&decoded, path.len);
    if (percent_decode(request->path, false, &decoded, &path))
        file = path.ptr[path.len - 1] == '/' ? find_below(files, path, "index.html")
                                             : find_file(files, path);
    if (file)
        answer_file(carrier, request, file, 200);
    else if (str_equal(path, STR("/docs")) || str_equal(path, STR("/docs/")))
        answer_redirect(carrier, request, STR(PLAYGROUND), "", (struct str){0});
    else if (find_below(files, path, "/index.html") && path.ptr == request->path.ptr)
        answer_redirect(carrier, request, path, "/", query);
    else
        answer_missing(carrier, request, path);
}
