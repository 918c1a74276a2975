/* Lines of the log as they come out of a pipe: whatever a value holds, it stays one value of one
 * line. */
#include "tests/unit/unit_test.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/str.h"

static int pipe_end; /* of what standard error is made to be */
static int real_stderr;
static char line[LOG_LINE_BYTES + 2];

static int catch_stderr(void **state)
{
    int ends[2];

    (void)state;
    /* Packets: each read() gives what one write() wrote. */
    if (pipe2(ends, O_CLOEXEC | O_DIRECT | O_NONBLOCK) < 0)
        return -1;
    pipe_end = ends[0];
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return 0;
}

static int release_stderr(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_end);
    return 0;
}

/* Reads what the last write() has written: one line, and nothing else. */
static void read_line(void)
{
    ssize_t len = read(pipe_end, line, sizeof line - 1);

    assert_true(len > 0 && len <= LOG_LINE_BYTES);
    line[len] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    line[len - 1] = '\0';
    assert_true(str_is_utf8(str_of(line)));
    assert_true(read(pipe_end, line + len, 1) < 0); /* nothing more was written */
}

/* The line without what comes before the event. */
static const char *written(void)
{
    const char *event;

    read_line();
    event = strstr(line, " info ");
    assert_non_null(event);
    return event + strlen(" info ");
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t integer_at(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The line as an object, without what comes before the pairs; yours to release. */
static json_t *written_object(void)
{
    static const char *const head[] = {"time", "level", "program", "pid", "event"};
    json_t *object;
    void *at;

    read_line();
    object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(object));
    at = json_object_iter(object);
    for (size_t i = 0; i < ARRAY_LEN(head); i++, at = json_object_iter_next(object, at))
        assert_string_equal(json_object_iter_key(at), head[i]);
    assert_int_equal(strlen(text_at(object, "time")), strlen("2026-01-01T00:00:00.000Z"));
    assert_string_equal(text_at(object, "level"), "info");
    assert_string_equal(text_at(object, "program"), "environment-manager");
    assert_int_equal(integer_at(object, "pid"), getpid());
    assert_true(strncmp(text_at(object, "event"), "test.", strlen("test.")) == 0);
    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        json_object_del(object, head[i]);
    return object;
}

/* Held against what jansson makes of the line, in the order that it has. */
static void assert_written_object(const char *wanted)
{
    json_t *object = written_object();
    char *text = json_dumps(object, JSON_COMPACT);

    assert_string_equal(text, wanted);
    free(text);
    json_decref(object);
}

static int write_json(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    return 0;
}

static int write_text(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_TEXT);
    return 0;
}

static void test_values_stand_as_they_are(void **state)
{
    struct str nothing = STR("");

    (void)state;
    log_info("test.done",
             "text=%s part=%.*s int=%d unsigned=%u size=%zu long=%lld most=%llu tls=no",
             "plain/text:1=2", 3, "abcdef", -7, 7U, (size_t)8, (long long)INT64_MIN, ~0ULL);
    assert_string_equal(written(),
                        "test.done text=plain/text:1=2 part=abc int=-7 unsigned=7 size=8 "
                        "long=-9223372036854775808 most=18446744073709551615 tls=no");
    log_info("test.done", "nothing=%s none=" STR_FMT " name=\"%s\" one=\"%s\" why=\"so it is\"", "",
             STR_ARG(nothing), "two words", "word");
    assert_string_equal(
        written(), "test.done nothing= none= name=\"two words\" one=\"word\" why=\"so it is\"");
}

/* What tries to be more than a value, and what is made of it. */
static const struct {
    const char *value;
    const char *shown; /* in quotes */
} hostile[] = {
    {"a\r\n2026-01-01T00:00:00.000Z em[1] error forged x=1",
     "a\\x0d\\x0a2026-01-01T00:00:00.000Z em[1] error forged x=1"},
    {"\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"},
    {"a\x7f\x08", "a\\x7f\\x08"},
    {"a\tb", "a\\x09b"},
    {"\xc2\x9b"
     "2J",
     "\\xc2\\x9b2J"},
    {"\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
    {"\x9b"
     "2J",
     "\\x9b2J"},
    {"\xff\xc0\xaf\xed\xa0\x80", "\\xff\\xc0\\xaf\\xed\\xa0\\x80"},
    {"cut \xe2\x98", "cut \\xe2\\x98"},
    {"line\xe2\x80\xa8second", "line\\xe2\\x80\\xa8second"},
    {"txt.\xe2\x80\xaegpj \xe2\x81\xa6", "txt.\\xe2\\x80\\xaegpj \\xe2\\x81\\xa6"},
    {"x\" status=200 y=\"", "x\\\" status=200 y=\\\""},
    {"\\\" user=root", "\\\\\\\" user=root"},
    {"ends with \\", "ends with \\\\"},
    {"Stra\xc3\x9f"
     "e \xe2\x98\x83 \xf0\x9f\x9a\x80",
     "Stra\xc3\x9f"
     "e \xe2\x98\x83 \xf0\x9f\x9a\x80"},
};

static void test_a_value_cannot_forge_anything(void **state)
{
    char wanted[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        snprintf(wanted, sizeof wanted, "test.done error=\"%s\" next=1", hostile[i].shown);
        log_info("test.done", "error=\"%s\" next=%d", hostile[i].value, 1);
        assert_string_equal(written(), wanted);
        log_info("test.done", "error=%s next=%d", hostile[i].value, 1);
        assert_string_equal(written(), wanted);
        log_info("test.done", "error=" STR_FMT " next=%d", STR_ARG(str_of(hostile[i].value)), 1);
        assert_string_equal(written(), wanted);
    }
}

static void test_a_long_value_is_cut_and_others_are_not(void **state)
{
    static char value[10240 + 1];
    const char *text;

    (void)state;
    memset(value, 'x', sizeof value - 1);
    log_info("test.done", "body=%s next=%d", value, 1);
    text = written();
    assert_int_equal(strlen(text), strlen("test.done body=... next=1") + LOG_VALUE_BYTES);
    assert_non_null(strstr(text, "x... next=1"));

    memset(value, '\x1b', sizeof value - 1); /* each four bytes long: more than a line has */
    log_info("test.done", "first=%d body=\"%s\" next=%d", 1, value, 1);
    text = written();
    assert_true(strncmp(text, "test.done first=1 body=\"\\x1b\\x1b", 31) == 0);
    assert_null(strstr(text, "next"));
    assert_string_equal(line + strlen(line) - strlen("\\x1b...\" cut=true"), "\\x1b...\" cut=true");
    assert_true(strlen(line) > LOG_LINE_BYTES - 64);
}

/* What a format asks for that log.h does not name is no way to read memory. */
static void log_unknown_conversion(void)
{
    static const char *const format = "first=%d second=%x third=%s";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    log_info("test.done", format, 1, 2U, "three");
#pragma GCC diagnostic pop
}

static void test_an_unknown_conversion_ends_the_values(void **state)
{
    (void)state;
    log_unknown_conversion();
    assert_string_equal(written(), "test.done first=1 format=\"second=%x third=%s\"");
}

static void test_a_flood_is_counted(void **state)
{
    struct log_site site;
    size_t lines;

    (void)state;
    do {
        site = (struct log_site){0};
        lines = 0;
        for (size_t i = 0; i < LOG_BURST + 20; i++) {
            log_write(&site, LOG_LEVEL_INFO, "test.flood", "number=%zu", i);
            lines += read(pipe_end, line, sizeof line) > 0;
        }
    } while (site.lines != LOG_BURST + 20); /* the turn of a second begins to count anew */
    assert_int_equal(lines, LOG_BURST);
    site.second--; /* as if that was a second ago */
    log_write(&site, LOG_LEVEL_INFO, "test.flood", "number=%d", 1);
    assert_string_equal(written(), "test.flood number=1 suppressed=20");
}

static void test_json_has_each_value_as_what_it_is(void **state)
{
    struct str nothing = STR("");

    (void)state;
    log_info("test.done", "text=%s part=%.*s int=%d unsigned=%u size=%zu tls=no why=\"so it is\"",
             "plain/text:1=2", 3, "abcdef", -7, 7U, (size_t)8);
    assert_written_object("{\"text\":\"plain/text:1=2\",\"part\":\"abc\",\"int\":-7,\"unsigned\":7,"
                          "\"size\":8,\"tls\":\"no\",\"why\":\"so it is\"}");
    log_info("test.done", "nothing=%s none=" STR_FMT " name=\"%s\" number=%s", "", STR_ARG(nothing),
             "two words", "7");
    assert_written_object(
        "{\"nothing\":\"\",\"none\":\"\",\"name\":\"two words\",\"number\":\"7\"}");
}

static void test_json_has_no_number_that_readers_would_round(void **state)
{
    (void)state;
    log_info("test.done", "a=%lld b=%lld c=%lld d=%lld", 9007199254740991LL, 9007199254740992LL,
             -9007199254740991LL, -9007199254740992LL);
    assert_written_object("{\"a\":9007199254740991,\"b\":\"9007199254740992\","
                          "\"c\":-9007199254740991,\"d\":\"-9007199254740992\"}");
    log_info("test.done", "least=%lld most=%llu", (long long)INT64_MIN, ~0ULL);
    assert_written_object("{\"least\":\"-9223372036854775808\",\"most\":\"18446744073709551615\"}");
}

/* What a reader of JSON has: quotes and backslashes are themselves again. */
static void write_parsed(const char *shown, char *parsed)
{
    for (; *shown; shown++) {
        if (shown[0] == '\\' && (shown[1] == '"' || shown[1] == '\\'))
            shown++;
        *parsed++ = *shown;
    }
    *parsed = '\0';
}

static void test_in_json_a_value_cannot_forge_anything(void **state)
{
    char wanted[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        json_t *object;

        write_parsed(hostile[i].shown, wanted);
        log_info("test.done", "error=\"%s\" bare=%s part=" STR_FMT " next=%d", hostile[i].value,
                 hostile[i].value, STR_ARG(str_of(hostile[i].value)), 1);
        object = written_object();
        assert_int_equal(json_object_size(object), 4);
        assert_string_equal(text_at(object, "error"), wanted);
        assert_string_equal(text_at(object, "bare"), wanted);
        assert_string_equal(text_at(object, "part"), wanted);
        assert_int_equal(integer_at(object, "next"), 1);
        json_decref(object);
    }
}

static void test_in_json_a_long_value_is_cut_and_others_are_not(void **state)
{
    static char value[10240 + 1];
    json_t *object;

    (void)state;
    memset(value, 'x', sizeof value - 1);
    log_info("test.done", "body=%s next=%d", value, 1);
    object = written_object();
    assert_int_equal(strlen(text_at(object, "body")), LOG_VALUE_BYTES + strlen("..."));
    assert_string_equal(text_at(object, "body") + LOG_VALUE_BYTES, "...");
    assert_int_equal(integer_at(object, "next"), 1);
    assert_null(json_object_get(object, "cut"));
    json_decref(object);

    memset(value, '\x1b', sizeof value - 1);
    log_info("test.done", "first=%d body=\"%s\" next=%d", 1, value, 1);
    object = written_object();
    assert_int_equal(json_object_size(object), 3);
    assert_int_equal(integer_at(object, "first"), 1);
    assert_true(strncmp(text_at(object, "body"), "\\x1b\\x1b", 8) == 0);
    assert_true(json_is_true(json_object_get(object, "cut")));
    assert_true(strlen(line) > LOG_LINE_BYTES - 64);
    json_decref(object);
}

/* Three long values, a last one of `size` such bytes, and two numbers; 20 lines were left out. */
static void log_about_a_line(char byte, size_t size)
{
    struct log_site site = {.lines = LOG_BURST + 20}; /* long ago */
    char filler[LOG_VALUE_BYTES];
    char value[LOG_VALUE_BYTES];

    memset(filler, 'x', sizeof filler);
    memset(value, byte, sizeof value);
    log_write(&site, LOG_LEVEL_INFO, "test.full", "a=%.*s b=%.*s c=%.*s d=%.*s number=%llu last=%d",
              1000, filler, 1000, filler, 1000, filler, (int)size, value, ~0ULL, 1);
}

static void test_a_line_is_whole_wherever_it_becomes_full(void **state)
{
    static const char bytes[] = {'x', '"', '\x1b'};
    bool was_cut[] = {false, false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bytes) * (LOG_VALUE_BYTES + 1); i++) {
        const char *end;
        bool is_cut;

        log_about_a_line(bytes[i % ARRAY_LEN(bytes)], i / ARRAY_LEN(bytes));
        end = strstr(written(), " suppressed=20");
        assert_non_null(end);
        is_cut = strcmp(end, " suppressed=20 cut=true") == 0;
        assert_true(is_cut || strcmp(end, " suppressed=20") == 0);
        assert_int_equal(is_cut, strstr(line, " last=1 ") == NULL);
        was_cut[is_cut] = true;
    }
    assert_true(was_cut[false] && was_cut[true]);
}

/* Whether a text is all of `size` such bytes, or else says that it is not. */
static bool is_whole_or_says_so(const char *text, char byte, size_t size)
{
    size_t len = strlen(text);

    if (len >= 3 && strcmp(text + len - 3, "...") == 0)
        return true;
    return len == size * (byte == '\x1b' ? strlen("\\x1b") : 1);
}

static void test_in_json_a_line_is_whole_wherever_it_becomes_full(void **state)
{
    static const char bytes[] = {'x', '"', '\x1b'};
    bool was_cut[] = {false, false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bytes) * (LOG_VALUE_BYTES + 1); i++) {
        char byte = bytes[i % ARRAY_LEN(bytes)];
        size_t size = i / ARRAY_LEN(bytes);
        json_t *object;
        bool is_cut;

        log_about_a_line(byte, size);
        object = written_object();
        is_cut = json_is_true(json_object_get(object, "cut"));
        assert_int_equal(integer_at(object, "suppressed"), 20);
        assert_int_equal(is_cut, json_object_get(object, "last") == NULL);
        assert_int_equal(strlen(text_at(object, "c")), 1000);
        assert_true(is_whole_or_says_so(text_at(object, "d"), byte, size));
        was_cut[is_cut] = true;
        json_decref(object);
    }
    assert_true(was_cut[false] && was_cut[true]);
}

static void test_in_json_an_unknown_conversion_ends_the_values(void **state)
{
    (void)state;
    log_unknown_conversion();
    assert_written_object("{\"first\":1,\"format\":\"second=%x third=%s\"}");
}

static void test_the_format_has_two_words(void **state)
{
    enum log_format format = LOG_FORMAT_TEXT;

    (void)state;
    assert_true(log_format_from_word("json", &format));
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_false(log_format_from_word("JSON", &format));
    assert_false(log_format_from_word("", &format));
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_true(log_format_from_word("text", &format));
    assert_int_equal(format, LOG_FORMAT_TEXT);
}

#define IN_JSON(test) cmocka_unit_test_setup_teardown(test, write_json, write_text)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stand_as_they_are),
        cmocka_unit_test(test_a_value_cannot_forge_anything),
        cmocka_unit_test(test_a_long_value_is_cut_and_others_are_not),
        cmocka_unit_test(test_a_line_is_whole_wherever_it_becomes_full),
        cmocka_unit_test(test_an_unknown_conversion_ends_the_values),
        cmocka_unit_test(test_a_flood_is_counted),
        cmocka_unit_test(test_the_format_has_two_words),
        IN_JSON(test_json_has_each_value_as_what_it_is),
        IN_JSON(test_json_has_no_number_that_readers_would_round),
        IN_JSON(test_in_json_a_value_cannot_forge_anything),
        IN_JSON(test_in_json_a_long_value_is_cut_and_others_are_not),
        IN_JSON(test_in_json_a_line_is_whole_wherever_it_becomes_full),
        IN_JSON(test_in_json_an_unknown_conversion_ends_the_values),
    };

    return cmocka_run_group_tests(tests, catch_stderr, release_stderr);
}
