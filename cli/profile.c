/* What is said nearer wins: option, environment, profile, default. */
#include "cli/profile.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/buf.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "cli/command.h"
#include "cli/http_client.h"

#define FILE_BYTES_MAX (256 * 1024)
#define URL_OTHERWISE  "http://127.0.0.1:8080"

/* A small file whole; `ret_mode` is its permissions. */
static enum err read_small(const char *path, struct buf *out, mode_t *ret_mode)
{
    FILE *file = fopen(path, "re");
    struct stat stat;

    if (!file)
        return fail(ERR_INVALID, "file_unreadable", "%s cannot be read: %s", path,
                    strerrordesc_np(errno));
    *ret_mode = fstat(fileno(file), &stat) == 0 ? stat.st_mode : 0;
    out->len = fread(buf_reserve(out, FILE_BYTES_MAX + 1), 1, FILE_BYTES_MAX + 1, file);
    fclose(file);
    if (out->len > FILE_BYTES_MAX)
        return fail(ERR_INVALID, "file_too_large", "%s is larger than %d bytes", path,
                    FILE_BYTES_MAX);
    return OK;
}

static char *default_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && config[0])
        return xasprintf("%s/emctl/config.json", config);
    return xasprintf("%s/.config/emctl/config.json", home ? home : "");
}

static bool has_key(const json_t *profiles)
{
    const char *name;
    json_t *profile;

    json_object_foreach((json_t *)profiles, name, profile)
    {
        if (json_loose_text(profile, "key", NULL))
            return true;
    }
    return false;
}

/* The whole file; `ret_file` stays NULL when nobody asked for one and there is none. */
static enum err load(const struct cli_options *options, json_t **ret_file)
{
    AUTO(xfree) char *path = options->profiles ? xstrdup(options->profiles) : default_path();
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *file = NULL;
    struct stat stat_of;
    mode_t mode;

    if (!options->profiles && !options->profile && stat(path, &stat_of) != 0)
        return OK;
    TRY(read_small(path, &text, &mode));
    if (json_parse(buf_str(&text), &file) != OK ||
        !json_is_object(json_object_get(file, "profiles")))
        return fail(ERR_INVALID, "profiles_invalid",
                    "%s is not JSON with the member \"profiles\": see emctl's README", path);
    if (has_key(json_object_get(file, "profiles")) && (mode & 077) != 0)
        return fail(ERR_INVALID, "profiles_open",
                    "%s holds a key and others can read it: chmod 600 %s", path, path);
    *ret_file = TAKE(file);
    return OK;
}

/* The profile that is asked for; borrowed from the file. NULL: none is. */
static enum err choose(const struct cli_options *options, const json_t *file,
                       const json_t **ret_profile)
{
    const char *name = options->profile ? options->profile : json_loose_text(file, "default", NULL);
    const json_t *profile = name ? json_object_get(json_object_get(file, "profiles"), name) : NULL;

    if (name && !json_is_object(profile))
        return fail(ERR_INVALID, "profile_missing", "there is no profile \"%s\"", name);
    *ret_profile = profile;
    return OK;
}

static enum err read_key(const struct cli_options *options, const json_t *profile, char **ret_key)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    const char *variable = getenv("EMCTL_KEY");
    struct str key = {0};
    mode_t mode;

    if (options->key_file) {
        TRY(read_small(options->key_file, &text, &mode));
        buf_append_char(&text, '\0');
        key = str_trim(str_n(text.data, strcspn(text.data, "\r\n")));
    } else {
        key = str_of(variable && variable[0] ? variable : json_loose_text(profile, "key", NULL));
    }
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return fail(ERR_INVALID, "key_invalid", "that is no API key: it is one word of ASCII");
    }
    *ret_key = key.ptr ? str_dup(key) : NULL;
    if (text.data)
        wipe(text.data, text.len);
    return OK;
}

enum err profile_connect(const struct cli_options *options, struct http_client **ret_client)
{
    JSON_AUTO json_t *file = NULL;
    const json_t *profile = NULL;
    struct http_client_options client = {.timeout_s = options->timeout_s};
    char *key = NULL;
    enum err err;

    TRY(load(options, &file));
    TRY(choose(options, file, &profile));
    TRY(read_key(options, profile, &key));
    client.url = options->url ? options->url : json_loose_text(profile, "url", URL_OTHERWISE);
    client.ca = options->ca ? options->ca : json_loose_text(profile, "ca", NULL);
    client.key = key;
    err = http_client_new(&client, ret_client);
    xfree_secret(key);
    return err;
}

enum err profile_list(struct invocation *invocation)
{
    static const struct output_column columns[] = {
        {"NAME", "name"}, {"URL", "url"}, {"KEY", "key"}, {"DEFAULT", "default"}, {0}};
    JSON_AUTO json_t *file = NULL;
    JSON_AUTO json_t *rows = json_array();
    CLEANUP(buf_clear_p) struct buf text = {0};
    const char *name;
    json_t *profile;

    TRY(load(invocation->options, &file));
    json_object_foreach(json_object_get(file, "profiles"), name, profile)
    {
        bool is_default = strcmp(name, json_loose_text(file, "default", "")) == 0;

        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:b}", "name", name, "url",
                                              json_loose_text(profile, "url", URL_OTHERWISE), "key",
                                              json_loose_text(profile, "key", NULL) ? "yes" : "no",
                                              "default", is_default));
    }
    output_write(invocation->format, rows, rows, columns, &text);
    fputs(text.data ? text.data : "", stdout);
    return OK;
}
