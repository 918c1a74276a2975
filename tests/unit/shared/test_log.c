/* Lines of the log as they come out of a pipe: whatever a value holds, it stays one value of one
 * line. */
#include "tests/unit/unit_test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
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

/* What the last write() has written: one line, and nothing else; without what comes before the
 * event. */
static const char *written(void)
{
    ssize_t len = read(pipe_end, line, sizeof line - 1);
    const char *event;

    assert_true(len > 0 && len <= LOG_LINE_BYTES);
    line[len] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    line[len - 1] = '\0';
    assert_true(str_is_utf8(str_of(line)));
    assert_true(read(pipe_end, line + len, 1) < 0); /* nothing more was written */
    event = strstr(line, " info ");
    assert_non_null(event);
    return event + strlen(" info ");
}

static void test_values_stand_as_they_are(void **state)
{
    struct str nothing = STR("");

    (void)state;
    log_info("test.done", "text=%s part=%.*s int=%d unsigned=%u size=%zu long=%lld most=%llu end",
             "plain/text:1=2", 3, "abcdef", -7, 7U, (size_t)8, (long long)INT64_MIN, ~0ULL);
    assert_string_equal(written(),
                        "test.done text=plain/text:1=2 part=abc int=-7 unsigned=7 size=8 "
                        "long=-9223372036854775808 most=18446744073709551615 end");
    log_info("test.done", "nothing=%s none=" STR_FMT " at=%s:%d name=\"%s\" said=\"by %s\"", "",
             STR_ARG(nothing), "a.c", 1, "two words", "us");
    assert_string_equal(written(),
                        "test.done nothing= none= at=a.c:1 name=\"two words\" said=\"by us\"");
}

static void test_a_value_cannot_forge_anything(void **state)
{
    static const struct {
        const char *value;
        const char *shown; /* in quotes */
    } rows[] = {
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

    char wanted[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(wanted, sizeof wanted, "test.done error=\"%s\" next=1", rows[i].shown);
        log_info("test.done", "error=\"%s\" next=%d", rows[i].value, 1);
        assert_string_equal(written(), wanted);
        log_info("test.done", "error=%s next=%d", rows[i].value, 1); /* quotes are not forgotten */
        assert_string_equal(written(), wanted);
        log_info("test.done", "error=" STR_FMT " next=%d", STR_ARG(str_of(rows[i].value)), 1);
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
    assert_true(strlen(line) > LOG_LINE_BYTES - 64);
}

/* What a format asks for that log.h does not name is no way to read memory. */
static void test_an_unknown_conversion_ends_the_values(void **state)
{
    static const char *const format = "first=%d second=%x third=%s";

    (void)state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    log_info("test.done", format, 1, 2U, "three");
#pragma GCC diagnostic pop
    assert_string_equal(written(), "test.done first=1 second=%x third=%s");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stand_as_they_are),
        cmocka_unit_test(test_a_value_cannot_forge_anything),
        cmocka_unit_test(test_a_long_value_is_cut_and_others_are_not),
        cmocka_unit_test(test_an_unknown_conversion_ends_the_values),
        cmocka_unit_test(test_a_flood_is_counted),
    };

    return cmocka_run_group_tests(tests, catch_stderr, release_stderr);
}
