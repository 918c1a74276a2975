/* A window over the file: what is behind its last line feed stays for the next part. */
#include "cli/line_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/buf.h"

#include "cli/journal_line.h"

#define PART_BYTES (256 * 1024)

struct reader {
    enum err (*take)(void *context, struct str line);
    void *context;
    struct buf window;
    bool overlong; /* the rest of the line is thrown away */
};

static enum err take_line(struct reader *reader, struct str line)
{
    bool is_rest = reader->overlong;

    reader->overlong = false;
    return is_rest ? OK : reader->take(reader->context, line);
}

static enum err take_window(struct reader *reader)
{
    struct buf *window = &reader->window;
    size_t at = 0;
    char *end;

    while (window->len > at && (end = memchr(window->data + at, '\n', window->len - at))) {
        size_t len = (size_t)(end - window->data) - at;

        TRY(take_line(reader, str_n(window->data + at, len)));
        at += len + 1;
    }
    buf_drop(window, at);
    if (window->len > (size_t)JOURNAL_LINE_BYTES_MAX) {
        TRY(take_line(reader, buf_str(window)));
        reader->overlong = true;
        buf_reset(window);
    }
    return OK;
}

static enum err read_all(struct reader *reader, FILE *file)
{
    size_t got;

    do {
        got = fread(buf_reserve(&reader->window, PART_BYTES), 1, PART_BYTES, file);
        reader->window.len += got;
        TRY(take_window(reader));
    } while (got > 0);
    if (ferror(file))
        return fail(ERR_INVALID, "file_unreadable", "the file cannot be read to its end");
    return reader->window.len > 0 ? take_line(reader, buf_str(&reader->window)) : OK;
}

enum err lines_read(const char *path, enum err (*take)(void *context, struct str line),
                    void *context)
{
    struct reader reader = {.take = take, .context = context};
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    enum err err;

    if (!file)
        return fail(ERR_INVALID, "file_unreadable", "%s cannot be read: %s", path,
                    strerrordesc_np(errno));
    err = read_all(&reader, file);
    buf_clear(&reader.window);
    if (!is_input)
        fclose(file);
    return err;
}
