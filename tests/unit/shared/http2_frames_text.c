#include "tests/unit/shared/http2_frames_text.h"

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The number at `at`, which ends at the first other byte. */
static unsigned number_at(const char **at, unsigned base)
{
    unsigned number = 0;

    while ((**at >= '0' && **at <= '9') || (base == 16 && **at >= 'a' && **at <= 'f'))
        number = number * base + hex_digit(*(*at)++);
    return number;
}

/* A payload is of hexadecimal digits and of text in quotes; "^N" repeats the byte before it. */
static void append_payload(struct buf *out, const char **at)
{
    while (**at != '\0' && **at != ';' && **at != '*') {
        char c = *(*at)++;

        if (c == '\'') {
            const char *end = strchr(*at, '\'');

            buf_append(out, *at, (size_t)(end - *at));
            *at = end + 1;
        } else if (c == '^') {
            for (unsigned count = number_at(at, 10); count > 1; count--)
                buf_append_char(out, out->data[out->len - 1]);
        } else if (c != ' ') {
            buf_append_char(out, (char)(hex_digit(c) << 4 | hex_digit(*(*at)++)));
        }
    }
}

/* One frame: "type.flags.stream:payload", or "raw:bytes"; "*N" after it repeats it. */
static void append_frame(struct buf *out, const char **at)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    unsigned times = 1;

    if (strncmp(*at, "raw:", 4) == 0) {
        *at += 4;
        append_payload(&frame, at);
    } else {
        unsigned parts[3] = {0};

        for (int i = 0; i < 3; i++) {
            parts[i] = number_at(at, 16);
            *at += **at == '.' || **at == ':';
        }
        buf_append(&frame, "\0\0\0\0\0\0\0\0", 9);
        append_payload(&frame, at);
        frame.data[1] = (char)((frame.len - 9) >> 8);
        frame.data[2] = (char)(frame.len - 9);
        frame.data[3] = (char)parts[0];
        frame.data[4] = (char)parts[1];
        frame.data[8] = (char)parts[2];
    }
    if (**at == '*') {
        (*at)++;
        times = number_at(at, 10);
    }
    while (times-- > 0)
        buf_append_str(out, buf_str(&frame));
}

void http2_append_frames(struct buf *out, const char *text)
{
    while (*text != '\0') {
        text += strspn(text, "; ");
        append_frame(out, &text);
    }
}
