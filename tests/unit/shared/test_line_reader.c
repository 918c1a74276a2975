/* Lines of files: across parts, without a last line feed, and longer than may be. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <unistd.h>

#include "shared/attrs.h"
#include "shared/line_reader.h"

#define LINE_BYTES_MAX ((size_t)16 << 20)

static char path[] = "/tmp/test_line_reader.XXXXXX";

struct seen {
    size_t lines;
    size_t bytes;
    size_t longest;
};

static enum err count(void *context, struct str line)
{
    struct seen *seen = context;

    seen->lines++;
    seen->bytes += line.len;
    seen->longest = MAX(seen->longest, line.len);
    return OK;
}

static enum err refuse(void *context, struct str line)
{
    (void)context;
    (void)line;
    return fail(ERR_DENIED, "enough", "enough");
}

static void write_lines(size_t count_of_lines, size_t bytes, const char *end)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < count_of_lines; i++)
        fprintf(file, "%0*d%s", (int)bytes, 0, i + 1 < count_of_lines ? "\n" : end);
    fclose(file);
}

static enum err read_lines(const char *file, enum err (*take)(void *, struct str), void *context)
{
    return lines_read(file, &(struct line_taker){take, context, LINE_BYTES_MAX});
}

static void test_every_line_is_seen(void **state)
{
    struct seen seen = {0};

    (void)state;
    write_lines(5000, 997, "");
    assert_int_equal(read_lines(path, count, &seen), OK);
    assert_int_equal(seen.lines, 5000);
    assert_int_equal(seen.bytes, 5000 * 997);
    assert_int_equal(read_lines(path, refuse, NULL), ERR_DENIED);
}

static void test_overlong_line_is_one_line_cut_off(void **state)
{
    struct seen seen = {0};

    (void)state;
    write_lines(2, LINE_BYTES_MAX * 2, "\n");
    assert_int_equal(read_lines(path, count, &seen), OK);
    assert_int_equal(seen.lines, 2);
    assert_true(seen.longest > LINE_BYTES_MAX);
    assert_true(seen.longest < LINE_BYTES_MAX + (1 << 20));
}

static void test_missing_file_is_named(void **state)
{
    (void)state;
    assert_int_equal(read_lines("/none", count, NULL), ERR_INVALID);
    assert_non_null(strstr(failure_last()->detail, "/none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_seen),
        cmocka_unit_test(test_overlong_line_is_one_line_cut_off),
        cmocka_unit_test(test_missing_file_is_named),
    };
    int fd = mkstemp(path);
    int failed;

    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
