/*
 * One write() per line, so that lines of several threads and processes never mix. The words of a
 * format are ours and stand as they are; its values are escaped one by one, because text from targets
 * and clients must not be able to forge a line, nor a value in one.
 */
#include "shared/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/str.h"

#define TAIL_BYTES 32 /* for suppressed=N and the end of the line */

/* A line in the making. */
struct line {
    size_t len;
    bool is_full;   /* the rest is left out */
    bool in_quotes; /* of the format */
    char text[LOG_LINE_BYTES];
};

static _Atomic int current_level = LOG_LEVEL_INFO;
static const char *program = "environment-manager";

static const char *const level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
    current_level = (int)level;
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

int log_level_from_word(const char *word, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_words); i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 1;
        }
    }
    return 0;
}

void log_set_program(const char *name)
{
    program = name;
}

/* All of it or nothing, and then nothing more. */
static void add(struct line *line, struct str text)
{
    line->is_full = line->is_full || text.len > sizeof line->text - TAIL_BYTES - line->len;
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
static size_t add_character(struct line *line, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)text.ptr[0];
    char escaped[] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    size_t len = str_utf8_len(text);

    if (byte == '"' || byte == '\\') {
        add(line, str_n((char[]){'\\', (char)byte}, 2));
        return 1;
    }
    if (len == 0 || !is_shown(str_n(text.ptr, len))) {
        add(line, str_n(escaped, sizeof escaped));
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

static void add_text(struct line *line, struct str text)
{
    bool quoted = !line->in_quotes && !is_plain(text);
    size_t at = 0;

    if (quoted)
        add(line, STR("\""));
    while (at < text.len && at < LOG_VALUE_BYTES)
        at += add_character(line, str_sub(text, at, text.len));
    if (at < text.len)
        add(line, STR("..."));
    if (quoted)
        add(line, STR("\""));
}

static void add_number(struct line *line, bool is_negative, unsigned long long number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%s%llu", is_negative ? "-" : "", number);

    add(line, str_n(digits, (size_t)len));
}

static void add_signed(struct line *line, long long number)
{
    add_number(line, number < 0,
               number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number);
}

/* What a format may ask for; see log.h. */
enum conversion {
    TEXT,
    PART_OF_TEXT,
    INT,
    UNSIGNED,
    SIZE,
    LONG_LONG,
    UNSIGNED_LONG_LONG,
    CONVERSION_COUNT
};

static const char *const conversions[CONVERSION_COUNT] = {
    [TEXT] = "%s",
    [PART_OF_TEXT] = "%.*s",
    [INT] = "%d",
    [UNSIGNED] = "%u",
    [SIZE] = "%zu",
    [LONG_LONG] = "%lld",
    [UNSIGNED_LONG_LONG] = "%llu",
};

static enum conversion conversion_of(const char *format)
{
    int found = 0;

    while (found < CONVERSION_COUNT &&
           strncmp(format, conversions[found], strlen(conversions[found])) != 0)
        found++;
    return (enum conversion)found;
}

static void add_part(struct line *line, int len, const char *text)
{
    if (text)
        add_text(line, str_n(text, strnlen(text, (size_t)len)));
}

static void add_value(struct line *line, enum conversion conversion, va_list *values)
{
    const char *text;
    int len;

    switch (conversion) {
    case TEXT:
        text = va_arg(*values, const char *);
        add_text(line, str_of(text ? text : "(null)"));
        break;
    case PART_OF_TEXT:
        len = va_arg(*values, int);
        add_part(line, len, va_arg(*values, const char *));
        break;
    case INT:
        add_signed(line, va_arg(*values, int));
        break;
    case UNSIGNED:
        add_number(line, false, va_arg(*values, unsigned));
        break;
    case SIZE:
        add_number(line, false, va_arg(*values, size_t));
        break;
    case LONG_LONG:
        add_signed(line, va_arg(*values, long long));
        break;
    case UNSIGNED_LONG_LONG:
        add_number(line, false, va_arg(*values, unsigned long long));
        break;
    case CONVERSION_COUNT:
        break;
    }
}

/* Adds words of the format. */
static void add_words(struct line *line, struct str words)
{
    for (size_t i = 0; i < words.len; i++)
        line->in_quotes ^= words.ptr[i] == '"';
    add(line, words);
}

static void add_values(struct line *line, const char *format, va_list *values)
{
    while (*format) {
        size_t words = strcspn(format, "%");
        enum conversion conversion = conversion_of(format + words);

        add_words(line, str_n(format, words));
        format += words;
        if (conversion == CONVERSION_COUNT) { /* the end, or what nobody knows how to read */
            add_words(line, str_of(format));
            return;
        }
        add_value(line, conversion, values);
        format += strlen(conversions[conversion]);
    }
}

/* False when this site has used up its lines of this second; `ret_left_out` is what the last second
 * left out. Two threads at the turn of a second may both begin to count anew: a line more or less
 * does no harm. */
static bool site_may_write(struct log_site *site, long second, unsigned *ret_left_out)
{
    unsigned lines;

    *ret_left_out = 0;
    if (atomic_load_explicit(&site->second, memory_order_relaxed) != second) {
        lines = atomic_exchange_explicit(&site->lines, 0, memory_order_relaxed);
        *ret_left_out = lines > LOG_BURST ? lines - LOG_BURST : 0;
        atomic_store_explicit(&site->second, second, memory_order_relaxed);
    }
    return atomic_fetch_add_explicit(&site->lines, 1, memory_order_relaxed) < LOG_BURST;
}

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...)
{
    struct line line = {0};
    struct timespec now;
    struct tm utc;
    unsigned left_out;
    va_list values;

    clock_gettime(CLOCK_REALTIME, &now);
    if (!site_may_write(site, now.tv_sec, &left_out))
        return;

    gmtime_r(&now.tv_sec, &utc);
    line.len =
        (size_t)snprintf(line.text, sizeof line.text - TAIL_BYTES,
                         "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s[%d] %s %s ", utc.tm_year + 1900,
                         utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                         now.tv_nsec / 1000000, program, (int)getpid(), level_words[level], event);
    va_start(values, format);
    add_values(&line, format, &values);
    va_end(values);
    if (left_out > 0)
        line.len +=
            (size_t)snprintf(line.text + line.len, TAIL_BYTES - 1, " suppressed=%u", left_out);
    line.text[line.len++] = '\n';

    if (write(STDERR_FILENO, line.text, line.len) < 0)
        return; /* nowhere is left to say so */
}
