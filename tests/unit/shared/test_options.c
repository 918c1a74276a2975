/* Options from the four places they may stand in, which one wins, and what is said of mistakes. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/options.h"

struct values {
    char *config;
    char *listen;
    int64_t workers;
    bool insecure;
    char *log_level;
};

static const struct option_row rows[] = {
    {"config", OPTION_TEXT, offsetof(struct values, config), "FILE",
     .help = "read options from it"},
    {"listen", OPTION_TEXT, offsetof(struct values, listen), "ADDRESS:PORT", "127.0.0.1:8080",
     .help = "where to listen"},
    {"workers", OPTION_INTEGER, offsetof(struct values, workers), "N", "4", 1, 64,
     .reloadable = true, .help = "threads"},
    {"insecure-http", OPTION_FLAG, offsetof(struct values, insecure), .help = "allow plain HTTP"},
    {"log-level", OPTION_TEXT, offsetof(struct values, log_level), "LEVEL", "info",
     .reloadable = true, .help = "how much to log"},
    {0},
};

static const struct option_command commands[] = {{"serve", "serve it"}, {0}};

static const struct option_program program = {"em-test", "a program", rows, commands};

static char path[] = "/tmp/test_options.XXXXXX";

static void write_config(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define ARGUMENTS(...) ((char *[]){"em-test", ##__VA_ARGS__, NULL})

static int count(char **arguments)
{
    int n = 0;

    while (arguments[n])
        n++;
    return n;
}

static enum err load(char **arguments, struct values *values, const char **command)
{
    return options_load(&program, count(arguments), arguments, values, command);
}

static void test_later_places_win(void **state)
{
    struct values values = {0};
    const char *command;
    char option[64];

    (void)state;
    snprintf(option, sizeof option, "--config=%s", path);
    write_config("# a comment\nlisten = file:1\r\n workers=5\n\ninsecure-http = true\n");
    setenv("EM_WORKERS", "6", 1);
    setenv("EM_LOG_LEVEL", "debug", 1);
    setenv("EM_LISTEN", "", 1); /* as if it were not there */
    assert_int_equal(load(ARGUMENTS(option, "--log-level", "error", "serve"), &values, &command),
                     OK);
    assert_string_equal(values.listen, "file:1");
    assert_int_equal(values.workers, 6);
    assert_true(values.insecure);
    assert_string_equal(values.log_level, "error");
    assert_string_equal(command, "serve");
    options_clear(&program, &values);
    unsetenv("EM_WORKERS");
    unsetenv("EM_LOG_LEVEL");
    unsetenv("EM_LISTEN");
}

static void test_defaults_stand_alone(void **state)
{
    struct values values = {0};
    const char *command = "?";

    (void)state;
    assert_int_equal(load(ARGUMENTS("--no-insecure-http"), &values, &command), OK);
    assert_string_equal(values.listen, "127.0.0.1:8080");
    assert_int_equal(values.workers, 4);
    assert_false(values.insecure);
    assert_null(command);
    options_clear(&program, &values);
}

static void test_mistakes_are_named(void **state)
{
    static const struct {
        char *argument;
        const char *detail;
    } cases[] = {
        {"--bogus=1", "There is no option --bogus; see em-test --help"},
        {"--workers=65", "command line: workers has to be a number from 1 to 64, not \"65\""},
        {"--workers=x", "command line: workers has to be a number from 1 to 64, not \"x\""},
        {"--insecure-http=maybe",
         "command line: insecure-http has to be true or false, not \"maybe\""},
        {"--no-listen", "There is no option --no-listen; see em-test --help"},
        {"--listen", "--listen needs a value: --listen ADDRESS:PORT"},
        {"--listen=", "--listen needs a value: --listen ADDRESS:PORT"},
        {"dance", "\"dance\" is not understood; see em-test --help"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct values values = {0};
        const char *command;

        assert_int_equal(load(ARGUMENTS(cases[i].argument), &values, &command), ERR_INVALID);
        assert_string_equal(failure_last()->detail, cases[i].detail);
        options_clear(&program, &values);
    }
}

static void test_mistakes_in_the_file_have_a_line(void **state)
{
    struct values values = {0};
    const char *command;
    char option[64];
    char detail[128];

    (void)state;
    snprintf(option, sizeof option, "--config=%s", path);
    write_config("workers = 3\nworker = 4\n");
    assert_int_equal(load(ARGUMENTS(option), &values, &command), ERR_INVALID);
    snprintf(detail, sizeof detail, "%s:2: there is no option \"worker\"", path);
    assert_string_equal(failure_last()->detail, detail);
    options_clear(&program, &values);
}

static void test_reload_takes_what_may_change(void **state)
{
    struct values values = {0};
    const char *command;
    char option[64];
    char **arguments;

    (void)state;
    snprintf(option, sizeof option, "--config=%s", path);
    arguments = ARGUMENTS(option);
    write_config("workers = 3\nlisten = a:1\n");
    assert_int_equal(load(arguments, &values, &command), OK);
    write_config("workers = 9\nlisten = b:2\nlog-level = debug\n");
    assert_int_equal(options_reload(&program, count(arguments), arguments, &values), OK);
    assert_int_equal(values.workers, 9);
    assert_string_equal(values.listen, "a:1");
    assert_string_equal(values.log_level, "debug");
    write_config("workers = 900\n");
    assert_int_equal(options_reload(&program, count(arguments), arguments, &values), ERR_INVALID);
    assert_int_equal(values.workers, 9);
    options_clear(&program, &values);
}

static void test_help_and_reference_come_from_the_table(void **state)
{
    struct buf out = {0};

    (void)state;
    options_help(&program, &out);
    assert_non_null(strstr(out.data, "  --listen ADDRESS:PORT        where to listen (default: "
                                     "127.0.0.1:8080)\n"));
    assert_non_null(strstr(out.data, "  serve                        serve it\n"));
    buf_reset(&out);
    options_reference(&program, &out);
    assert_non_null(strstr(out.data, "| `--workers N` | `EM_WORKERS` | `4` | yes | threads |\n"));
    buf_clear(&out);
    assert_true(options_wants(2, ARGUMENTS("--help"), "--help"));
    assert_false(options_wants(1, ARGUMENTS(), "--help"));
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    return fd < 0 || close(fd) < 0;
}

static int remove_file(void **state)
{
    (void)state;
    failure_clear();
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_places_win),
        cmocka_unit_test(test_defaults_stand_alone),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_mistakes_in_the_file_have_a_line),
        cmocka_unit_test(test_reload_takes_what_may_change),
        cmocka_unit_test(test_help_and_reference_come_from_the_table),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
