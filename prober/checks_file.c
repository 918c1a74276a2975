/* Lines are read one at a time into one buffer; an id that comes twice is a mistake of its line. */
#include "prober/checks_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shared/json.h"
#include "shared/map.h"
#include "shared/uuid.h"

#include "prober/check.h"
#include "prober/engine.h"

struct known_label {
    char *label;
    UT_hash_handle hh;
};

struct reader {
    checks_file_fn take;
    void *context;
    struct known_label *labels;
    struct checks_file_counts counts;
};

/* Prints what the failure of this thread says of the line. */
static void report_failure(size_t number)
{
    const struct failure *failure = failure_last();
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *errors = failure->errors ? json_incref(failure->errors) : NULL;

    if (!errors)
        json_add_error(&errors, "", failure->code, "%s", failure->detail);
    failure_clear();
    buf_printf(&text, "{\"line\":%zu,\"errors\":", number);
    json_write(errors, &text);
    buf_append_text(&text, "}\n");
    fwrite(text.data, 1, text.len, stderr);
}

/* A UUID as it is; any other text by two hashes of it. */
static struct uuid id_of(struct str label)
{
    CLEANUP(buf_clear_p) struct buf again = {0};
    struct uuid id;
    uint64_t parts[2];

    if (uuid_parse(label, &id))
        return id;
    buf_append_str(&again, label);
    buf_append_text(&again, "/");
    parts[0] = text_hash(label);
    parts[1] = text_hash(buf_str(&again));
    memcpy(id.bytes, parts, sizeof id.bytes);
    return id;
}

static enum err note_label(struct reader *reader, struct str label)
{
    struct known_label *known;

    HASH_FIND(hh, reader->labels, label.ptr, label.len, known);
    if (known) {
        json_t *errors = NULL;

        json_add_error(&errors, "/id", "id_taken", "An earlier line has this id.");
        return fail_fields(ERR_INVALID, "check_invalid", "The check is not valid.", errors);
    }
    known = NEW(struct known_label);
    known->label = str_dup(label);
    HASH_ADD_KEYPTR(hh, reader->labels, known->label, label.len, known);
    return OK;
}

static enum err take_line(struct reader *reader, struct str line, size_t number)
{
    JSON_AUTO json_t *object = NULL;
    struct engine_check check;
    char label[32];

    TRY(json_parse(line, &object));
    TRY(check_read(object, &check));
    if (!json_boolean_or(object, "enabled", true))
        return OK;
    if (str_is_empty(check.label)) {
        snprintf(label, sizeof label, "line:%zu", number);
        check.label = str_of(label);
    }
    check.id = id_of(check.label);
    TRY(note_label(reader, check.label));
    TRY(reader->take(reader->context, &check));
    reader->counts.taken++;
    return OK;
}

static void read_line(struct reader *reader, struct str line, size_t number, bool is_too_long)
{
    enum err err = OK;

    if (is_too_long)
        err = fail(ERR_LIMITED, "line_too_long", "The line has more than %d bytes.",
                   CHECKS_FILE_LINE_BYTES_MAX);
    else if (!str_is_empty(str_trim(line)))
        err = take_line(reader, line, number);
    if (err == OK)
        return;
    reader->counts.bad++;
    report_failure(number);
}

/* Reads one line; what is beyond the limit is read and dropped. False at the end of the file. */
static bool next_line(FILE *file, char *line, struct str *ret_line, bool *ret_too_long)
{
    size_t len = 0;
    int c;

    *ret_too_long = false;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (len < CHECKS_FILE_LINE_BYTES_MAX)
            line[len++] = (char)c;
        else
            *ret_too_long = true;
    }
    if (len > 0 && line[len - 1] == '\r')
        len--;
    *ret_line = str_n(line, len);
    return c != EOF || len > 0;
}

static void close_file(FILE **file)
{
    if (*file && *file != stdin)
        fclose(*file);
}

enum err checks_file_read(const char *path, checks_file_fn take, void *context,
                          struct checks_file_counts *ret_counts)
{
    CLEANUP(close_file) FILE *file = path ? fopen(path, "re") : stdin;
    AUTO(xfree) char *line = xmalloc(CHECKS_FILE_LINE_BYTES_MAX);
    struct reader reader = {.take = take, .context = context};
    struct known_label *known;
    struct known_label *next;
    bool is_too_long;
    struct str text;

    if (!file)
        return fail(ERR_NOT_FOUND, "checks_file", "The file of checks, %s, cannot be read: %s.",
                    path, strerrordesc_np(errno));
    for (size_t number = 1; next_line(file, line, &text, &is_too_long); number++)
        read_line(&reader, text, number, is_too_long);

    HASH_ITER (hh, reader.labels, known, next) {
        HASH_DEL(reader.labels, known);
        free(known->label);
        free(known);
    }
    if (ferror(file))
        return fail(ERR_NOT_FOUND, "checks_file", "The file of checks, %s, cannot be read: %s.",
                    path ? path : "standard input", strerrordesc_np(errno));
    *ret_counts = reader.counts;
    return OK;
}
