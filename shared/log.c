/*
 * One write() per line, so that lines of several threads and processes never mix. A format is read
 * as pairs of a key and a value; log_line.c writes each of them, as text or as JSON. The keys are
 * ours; a value may come from anywhere and must not be able to forge a line, nor another value.
 */
#include "shared/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/log_line.h"
#include "shared/str.h"

#define KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int current_format = LOG_FORMAT_TEXT;
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

void log_set_format(enum log_format format)
{
    current_format = (int)format;
}

enum log_format log_format(void)
{
    return (enum log_format)atomic_load_explicit(&current_format, memory_order_relaxed);
}

int log_format_from_word(const char *word, enum log_format *ret_format)
{
    bool is_json = strcmp(word, "json") == 0;

    if (!is_json && strcmp(word, "text") != 0)
        return 0;
    *ret_format = is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    return 1;
}

void log_set_program(const char *name)
{
    program = name;
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

/* One `key=value` of a format. */
struct pair {
    struct str key;
    struct str value; /* without its quotes */
    bool is_quoted;
    enum conversion conversion; /* which the value is; CONVERSION_COUNT: it stands for itself */
};

static enum conversion conversion_of(struct str value)
{
    int found = 0;

    while (found < CONVERSION_COUNT && !str_equal(value, str_of(conversions[found])))
        found++;
    return (enum conversion)found;
}

/* Takes the first pair from the format; false when it begins with none that log.h names. */
static bool take_pair(const char **format, struct pair *ret_pair)
{
    struct pair pair = {.key = str_n(*format, strspn(*format, KEY_CHARACTERS))};
    const char *at = *format + pair.key.len;

    if (pair.key.len == 0 || *at++ != '=')
        return false;
    pair.is_quoted = *at == '"';
    at += pair.is_quoted ? 1 : 0;
    pair.value = str_n(at, strcspn(at, pair.is_quoted ? "\"" : " "));
    pair.conversion = conversion_of(pair.value);
    if (pair.conversion == CONVERSION_COUNT && memchr(at, '%', pair.value.len))
        return false;

    at += pair.value.len;
    if (pair.is_quoted && *at++ != '"')
        return false;
    if (*at != ' ' && *at != '\0')
        return false;
    *format = *at == ' ' ? at + 1 : at;
    *ret_pair = pair;
    return true;
}

static void add_signed(struct log_line *line, struct str key, long long number)
{
    unsigned long long bits = (unsigned long long)number;

    log_line_add_number(line, key, number < 0, number < 0 ? 0 - bits : bits);
}

static struct str part_of(const char *text, int len)
{
    return str_n(text, text ? strnlen(text, (size_t)len) : 0);
}

static void add_pair(struct log_line *line, const struct pair *pair, va_list *values)
{
    const char *text;
    int len;

    switch (pair->conversion) {
    case TEXT:
        text = va_arg(*values, const char *);
        log_line_add_text(line, pair->key, str_of(text ? text : "(null)"), pair->is_quoted);
        break;
    case PART_OF_TEXT:
        len = va_arg(*values, int);
        text = va_arg(*values, const char *);
        log_line_add_text(line, pair->key, part_of(text, len), pair->is_quoted);
        break;
    case INT:
        add_signed(line, pair->key, va_arg(*values, int));
        break;
    case UNSIGNED:
        log_line_add_number(line, pair->key, false, va_arg(*values, unsigned));
        break;
    case SIZE:
        log_line_add_number(line, pair->key, false, va_arg(*values, size_t));
        break;
    case LONG_LONG:
        add_signed(line, pair->key, va_arg(*values, long long));
        break;
    case UNSIGNED_LONG_LONG:
        log_line_add_number(line, pair->key, false, va_arg(*values, unsigned long long));
        break;
    case CONVERSION_COUNT:
        log_line_add_text(line, pair->key, pair->value, pair->is_quoted);
        break;
    }
}

static void add_pairs(struct log_line *line, const char *format, va_list *values)
{
    struct pair pair;

    while (*format && !line->is_full) {
        if (!take_pair(&format, &pair)) { /* nobody knows which values the rest has */
            log_line_add_text(line, STR("format"), str_of(format), true);
            return;
        }
        add_pair(line, &pair, values);
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
    struct log_head head = {
        .level = level_words[level], .program = program, .pid = (int)getpid(), .event = event};
    struct log_line line;
    unsigned left_out;
    va_list values;

    clock_gettime(CLOCK_REALTIME, &head.time);
    if (!site_may_write(site, head.time.tv_sec, &left_out))
        return;

    log_line_begin(&line, log_format(), &head);
    va_start(values, format);
    add_pairs(&line, format, &values);
    va_end(values);
    log_line_end(&line, left_out);

    if (write(STDERR_FILENO, line.text, line.len) < 0)
        return; /* nowhere is left to say so */
}
