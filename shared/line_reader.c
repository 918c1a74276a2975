/* A window over the file: what is behind its last line feed stays for the next part. */
#include "shared/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shared/buf.h"

#define PART_BYTES (256 * 1024)

struct reader {
    const struct line_taker *taker;
    struct buf window;
    bool overlong; /* the rest of the line is thrown away */
};

static enum err take_line(struct reader *reader, struct str line)
{
    bool is_rest = reader->overlong;

    reader->overlong = false;
    return is_rest ? OK : reader->taker->take(reader->taker->context, line);
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
    if (window->len > reader->taker->bytes_max) {
        TRY(take_line(reader, buf_str(window)));
        reader->overlong = true;
        buf_reset(window);
    }
    return OK;
}

static enum err read_all(struct reader *reader, int fd)
{
    ssize_t got;

    do {
        got = read(fd, buf_reserve(&reader->window, PART_BYTES), PART_BYTES);
        if (got > 0) {
            reader->window.len += (size_t)got;
            TRY(take_window(reader));
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        return fail(ERR_INVALID, "file_unreadable", "the file cannot be read to its end: %s",
                    strerrordesc_np(errno));
    return reader->window.len > 0 ? take_line(reader, buf_str(&reader->window)) : OK;
}

enum err lines_read_file(int fd, const struct line_taker *taker)
{
    struct reader reader = {.taker = taker};
    enum err err = read_all(&reader, fd);

    buf_clear(&reader.window);
    return err;
}

enum err lines_read(const char *path, const struct line_taker *taker)
{
    enum err err;
    int fd;

    if (strcmp(path, "-") == 0)
        return lines_read_file(STDIN_FILENO, taker);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(ERR_INVALID, "file_unreadable", "%s cannot be read: %s", path,
                    strerrordesc_np(errno));
    err = lines_read_file(fd, taker);
    close(fd);
    return err;
}
