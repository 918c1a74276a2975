/*
 * What is added is there as a whole or not at all; only a text may be cut, and is closed then. The
 * bytes that close a text and those of the line's end have their room from the beginning, so a line
 * is valid at whatever place it becomes full.
 */
#include "shared/log_line.h"

#include <assert.h>
#include <stdio.h>

#define LINE_END_BYTES   (4 + 24 + 11 + 2) /* `..."`, suppressed=N, cut=true, what ends the line */
#define JSON_INTEGER_MAX 9007199254740991ULL /* RFC 8259 section 6: beyond it readers disagree */

/* All of it or nothing, and then nothing more. */
static void add(struct log_line *line, struct str text)
{
    line->is_full = line->is_full || line->len + text.len > line->len_max;
    if (line->is_full)
        return;
    memcpy(line->text + line->len, text.ptr, text.len);
    line->len += text.len;
}

/* Whether a character of valid UTF-8 may stand in a line: no control character of ASCII or Latin-1,
 * and nothing that ends a line or turns its direction (U+2028 to 202E, U+2066 to 2069). */
static bool is_shown(struct str character)
{
    const unsigned char *c = (const unsigned char *)character.ptr;

    if (character.len == 1)
        return c[0] >= 0x20 && c[0] != 0x7f;
    if (c[0] == 0xc2)
        return c[1] >= 0xa0;
    return !(c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
                              (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)));
}

/* Adds the first character, or a byte that belongs to none; returns how many bytes that was. */
static size_t add_character(struct log_line *line, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)text.ptr[0];
    char shown[] = {'\\', '\\', 'x', hex[byte >> 4], hex[byte & 15]};
    size_t len = str_utf8_len(text);

    if (byte == '"' || byte == '\\') {
        add(line, str_n((char[]){'\\', (char)byte}, 2));
        return 1;
    }
    if (len == 0 || !is_shown(str_n(text.ptr, len))) {
        add(line, str_sub(str_n(shown, sizeof shown), line->format == LOG_FORMAT_JSON ? 0 : 1,
                          sizeof shown));
        return 1;
    }
    add(line, str_n(text.ptr, len));
    return len;
}

/* Whether it can stand without quotes. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '"' || text.ptr[i] == '\\')
            return false;
    }
    return true;
}

/* Adds what stands before a value. */
static void add_key(struct log_line *line, struct str key)
{
    bool is_json = line->format == LOG_FORMAT_JSON;

    add(line, is_json ? STR(",\"") : STR(" "));
    add(line, key);
    add(line, is_json ? STR("\":") : STR("="));
}

/* Adds the key and a value that cannot be cut. */
static void add_whole(struct log_line *line, struct str key, struct str value)
{
    size_t before = line->len;

    add_key(line, key);
    add(line, value);
    if (line->is_full)
        line->len = before;
}

/* Closes a text; the room for that is there. */
static void close_text(struct log_line *line, bool is_quoted, bool is_cut)
{
    struct str end = str_sub(STR("...\""), is_cut ? 0 : 3, (is_cut ? 3 : 0) + (is_quoted ? 1 : 0));

    assert(line->len + end.len <= sizeof line->text);
    memcpy(line->text + line->len, end.ptr, end.len);
    line->len += end.len;
}

void log_line_add_text(struct log_line *line, struct str key, struct str text, bool is_quoted)
{
    bool has_quotes = is_quoted || line->format == LOG_FORMAT_JSON || !is_plain(text);
    size_t before = line->len;
    size_t at = 0;

    add_key(line, key);
    if (has_quotes)
        add(line, STR("\""));
    if (line->is_full) {
        line->len = before;
        return;
    }

    while (at < text.len && at < LOG_VALUE_BYTES && !line->is_full)
        at += add_character(line, str_sub(text, at, text.len));
    close_text(line, has_quotes, line->is_full || at < text.len);
}

void log_line_add_number(struct log_line *line, struct str key, bool is_negative,
                         unsigned long long magnitude)
{
    bool is_text = line->format == LOG_FORMAT_JSON && magnitude > JSON_INTEGER_MAX;
    const char *quote = is_text ? "\"" : "";
    char digits[32];

    snprintf(digits, sizeof digits, "%s%s%llu%s", quote, is_negative ? "-" : "", magnitude, quote);
    add_whole(line, key, str_of(digits));
}

static void add_time(struct log_line *line, const struct timespec *now)
{
    struct tm utc;

    gmtime_r(&now->tv_sec, &utc);
    line->len +=
        (size_t)snprintf(line->text + line->len, line->len_max - line->len,
                         "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now->tv_nsec / 1000000);
}

static void begin_text(struct log_line *line, const struct log_head *head)
{
    char pid[16];

    snprintf(pid, sizeof pid, "[%d] ", head->pid);
    add_time(line, &head->time);
    add(line, STR(" "));
    add(line, str_of(head->program));
    add(line, str_of(pid));
    add(line, str_of(head->level));
    add(line, STR(" "));
    add(line, str_of(head->event));
}

static void begin_json(struct log_line *line, const struct log_head *head)
{
    add(line, STR("{\"time\":\""));
    add_time(line, &head->time);
    add(line, STR("\""));
    log_line_add_text(line, STR("level"), str_of(head->level), true);
    log_line_add_text(line, STR("program"), str_of(head->program), true);
    log_line_add_number(line, STR("pid"), false, (unsigned)head->pid);
    log_line_add_text(line, STR("event"), str_of(head->event), true);
}

void log_line_begin(struct log_line *line, enum log_format format, const struct log_head *head)
{
    line->format = format;
    line->len = 0;
    line->len_max = sizeof line->text - LINE_END_BYTES;
    line->is_full = false;
    if (format == LOG_FORMAT_JSON)
        begin_json(line, head);
    else
        begin_text(line, head);
}

void log_line_end(struct log_line *line, unsigned left_out)
{
    bool is_cut = line->is_full;

    line->len_max = sizeof line->text;
    line->is_full = false;
    if (left_out > 0)
        log_line_add_number(line, STR("suppressed"), false, left_out);
    if (is_cut)
        add_whole(line, STR("cut"), STR("true"));
    add(line, line->format == LOG_FORMAT_JSON ? STR("}\n") : STR("\n"));
    assert(!line->is_full);
}
