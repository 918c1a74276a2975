/*
 * One row at a time: each source (default, config file, environment, command line) sets the values
 * it has by the same function, in that order, so what is said later wins and every mistake is
 * described alike.
 */
#include "shared/options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/str.h"

#define CONFIG_BYTES_MAX (256 * 1024)
#define NAME_BYTES_MAX   64

static const struct option_row *find_row(const struct option_program *program, struct str name)
{
    for (const struct option_row *row = program->rows; row->name; row++) {
        if (str_equal(str_of(row->name), name))
            return row;
    }
    return NULL;
}

static bool parse_flag(struct str text, bool *ret_flag)
{
    if (str_equal(text, STR("true")) || str_equal(text, STR("yes")) || str_equal(text, STR("1")))
        *ret_flag = true;
    else if (str_equal(text, STR("false")) || str_equal(text, STR("no")) ||
             str_equal(text, STR("0")))
        *ret_flag = false;
    else
        return false;
    return true;
}

static bool parse_integer(const struct option_row *row, struct str text, int64_t *ret_integer)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t magnitude;
    int64_t integer;

    if (!str_to_u64(str_sub(text, negative ? 1 : 0, text.len), INT64_MAX, &magnitude))
        return false;
    integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (integer < row->min || integer > row->max)
        return false;
    *ret_integer = integer;
    return true;
}

/* Sets the member of the row; `origin` says where the text stood. */
static enum err set_value(const struct option_row *row, void *values, struct str text,
                          const char *origin)
{
    void *member = (char *)values + row->offset;

    switch (row->type) {
    case OPTION_TEXT: {
        char **owned = member;

        free(*owned);
        *owned = str_dup(text);
        return OK;
    }
    case OPTION_INTEGER:
        if (parse_integer(row, text, member))
            return OK;
        return fail(ERR_INVALID, "option_invalid",
                    "%s: %s has to be a number from %lld to %lld, not \"" STR_FMT "\"", origin,
                    row->name, (long long)row->min, (long long)row->max, STR_ARG(text));
    case OPTION_FLAG:
        if (parse_flag(text, member))
            return OK;
        return fail(ERR_INVALID, "option_invalid",
                    "%s: %s has to be true or false, not \"" STR_FMT "\"", origin, row->name,
                    STR_ARG(text));
    }
    return OK;
}

static enum err set_defaults(const struct option_program *program, void *values)
{
    for (const struct option_row *row = program->rows; row->name; row++) {
        if (row->otherwise)
            TRY(set_value(row, values, str_of(row->otherwise), "default"));
    }
    return OK;
}

/* EM_TLS_CERT for "tls-cert". */
static void write_variable(const struct option_program *program, const struct option_row *row,
                           char name[NAME_BYTES_MAX])
{
    size_t len = (size_t)snprintf(name, NAME_BYTES_MAX, "%s_%s",
                                  program->variables ? program->variables : "EM", row->name);

    for (size_t i = 0; i < len && i < NAME_BYTES_MAX - 1; i++) {
        if (name[i] == '-')
            name[i] = '_';
        else if (name[i] >= 'a' && name[i] <= 'z')
            name[i] = (char)(name[i] - 'a' + 'A');
    }
}

static enum err set_from_environment(const struct option_program *program, void *values)
{
    for (const struct option_row *row = program->rows; row->name; row++) {
        char name[NAME_BYTES_MAX];
        const char *text;

        write_variable(program, row, name);
        text = getenv(name);
        if (text && text[0]) /* an empty variable is one that is not set */
            TRY(set_value(row, values, str_of(text), name));
    }
    return OK;
}

static enum err read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    size_t got;

    if (!file)
        return fail(ERR_INVALID, "config_unreadable", "The config file %s cannot be read: %s", path,
                    strerrordesc_np(errno));
    got = fread(buf_reserve(out, CONFIG_BYTES_MAX + 1), 1, CONFIG_BYTES_MAX + 1, file);
    fclose(file);
    out->len = got;
    if (got > CONFIG_BYTES_MAX)
        return fail(ERR_INVALID, "config_too_large", "The config file %s is larger than %d bytes",
                    path, CONFIG_BYTES_MAX);
    return OK;
}

static enum err set_from_line(const struct option_program *program, void *values, struct str line,
                              const char *origin)
{
    struct str name;
    const struct option_row *row;

    line = str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return OK;
    name = str_trim(str_cut(&line, '='));
    row = find_row(program, name);
    if (!row)
        return fail(ERR_INVALID, "option_unknown", "%s: there is no option \"" STR_FMT "\"", origin,
                    STR_ARG(name));
    line = str_trim(line);
    if (line.len == 0)
        return fail(ERR_INVALID, "option_invalid", "%s: write it as \"%s = value\"", origin,
                    row->name);
    return set_value(row, values, line, origin);
}

static enum err set_from_file(const struct option_program *program, void *values, const char *path)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct str rest;
    int number = 1;

    TRY(read_file(path, &text));
    rest = buf_str(&text);
    for (; rest.ptr; number++) {
        struct str line = str_cut(&rest, '\n');
        char origin[512];

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        snprintf(origin, sizeof origin, "%s:%d", path, number);
        TRY(set_from_line(program, values, line, origin));
    }
    return OK;
}

/* One argument that begins with "--"; moves `at` over the value when that is the next argument. */
static enum err set_from_argument(const struct option_program *program, void *values, int argc,
                                  char **argv, int *at)
{
    struct str text = str_of(argv[*at] + 2);
    struct str name = str_cut(&text, '=');
    const struct option_row *row = find_row(program, name);
    bool negated = !row && str_starts_with(name, STR("no-"));

    if (negated)
        row = find_row(program, str_sub(name, 3, name.len));
    if (!row || (negated && row->type != OPTION_FLAG))
        return fail(ERR_INVALID, "option_unknown",
                    "There is no option --" STR_FMT "; see %s --help", STR_ARG(name),
                    program->name);
    if (row->type == OPTION_FLAG) {
        if (negated && text.ptr)
            return fail(ERR_INVALID, "option_invalid", "--no-%s takes no value", row->name);
        if (!text.ptr)
            text = negated ? STR("false") : STR("true");
    } else {
        if (!text.ptr && *at + 1 < argc)
            text = str_of(argv[++*at]);
        if (text.len == 0)
            return fail(ERR_INVALID, "option_invalid", "--%s needs a value: --%s %s", row->name,
                        row->name, row->value ? row->value : "VALUE");
    }
    return set_value(row, values, text, "command line");
}

static enum err set_command(const struct option_program *program, const char *word,
                            const char **ret_command)
{
    for (const struct option_command *command = program->commands; command && command->name;
         command++) {
        if (strcmp(command->name, word) == 0) {
            *ret_command = command->name;
            return OK;
        }
    }
    return fail(ERR_INVALID, "command_unknown", "\"%s\" is not understood; see %s --help", word,
                program->name);
}

static enum err set_from_command_line(const struct option_program *program, int argc, char **argv,
                                      void *values, const char **ret_command)
{
    const char *command = NULL;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0)
            TRY(set_from_argument(program, values, argc, argv, &i));
        else if (!command)
            TRY(set_command(program, argv[i], &command));
        else
            return fail(ERR_INVALID, "command_unknown", "\"%s\" is one word too many", argv[i]);
    }
    *ret_command = command;
    return OK;
}

/* The config file that command line or environment name; NULL for none, and for a program that
 * has no such option. */
static const char *config_path(const struct option_program *program, int argc, char **argv)
{
    const struct option_row *row = find_row(program, STR("config"));
    char name[NAME_BYTES_MAX];
    const char *path;

    if (!row)
        return NULL;
    write_variable(program, row, name);
    path = getenv(name);

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0)
            path = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            path = argv[i + 1];
    }
    return path;
}

enum err options_load(const struct option_program *program, int argc, char **argv, void *ret_values,
                      const char **ret_command)
{
    const char *config = config_path(program, argc, argv);

    TRY(set_defaults(program, ret_values));
    if (config)
        TRY(set_from_file(program, ret_values, config));
    TRY(set_from_environment(program, ret_values));
    return set_from_command_line(program, argc, argv, ret_values, ret_command);
}

static bool is_same(const struct option_row *row, const void *a, const void *b)
{
    const void *left = (const char *)a + row->offset;
    const void *right = (const char *)b + row->offset;

    switch (row->type) {
    case OPTION_TEXT: {
        const char *left_text = *(char *const *)left;
        const char *right_text = *(char *const *)right;

        if (!left_text || !right_text)
            return left_text == right_text;
        return strcmp(left_text, right_text) == 0;
    }
    case OPTION_INTEGER:
        return *(const int64_t *)left == *(const int64_t *)right;
    case OPTION_FLAG:
        return *(const bool *)left == *(const bool *)right;
    }
    return true;
}

/* Moves the value of one row from the struct `from` to `to`, which gives its own in return. */
static void swap_value(const struct option_row *row, void *to, void *from)
{
    size_t size = row->type == OPTION_FLAG ? sizeof(bool) : sizeof(int64_t);
    char *left = (char *)to + row->offset;
    char *right = (char *)from + row->offset;
    char kept[sizeof(int64_t)];

    static_assert(sizeof(char *) == sizeof(int64_t), "a text is a pointer of 8 bytes");
    memcpy(kept, left, size);
    memcpy(left, right, size);
    memcpy(right, kept, size);
}

static size_t values_size(const struct option_program *program)
{
    size_t size = 0;

    for (const struct option_row *row = program->rows; row->name; row++)
        size = MAX(size, row->offset + sizeof(int64_t));
    return size;
}

enum err options_reload(const struct option_program *program, int argc, char **argv, void *values)
{
    void *fresh = xcalloc(1, values_size(program));
    const char *command;
    enum err err = options_load(program, argc, argv, fresh, &command);

    for (const struct option_row *row = program->rows; err == OK && row->name; row++) {
        if (is_same(row, values, fresh))
            continue;
        if (row->reloadable)
            swap_value(row, values, fresh);
        else
            log_warning("options.needs_restart", "option=%s", row->name);
    }
    options_clear(program, fresh);
    free(fresh);
    return err;
}

void options_clear(const struct option_program *program, void *values)
{
    for (const struct option_row *row = program->rows; row->name; row++) {
        if (row->type == OPTION_TEXT) {
            char **owned = (void *)((char *)values + row->offset);

            free(*owned);
            *owned = NULL;
        }
    }
}

bool options_wants(int argc, char **argv, const char *argument)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], argument) == 0)
            return true;
    }
    return false;
}

static void write_left_column(const struct option_row *row, struct buf *out)
{
    buf_printf(out, "--%s", row->name);
    if (row->type != OPTION_FLAG)
        buf_printf(out, " %s", row->value ? row->value : "N");
}

void options_help(const struct option_program *program, struct buf *out)
{
    buf_printf(out, "%s: %s\n\nUsage: %s %s[options]\n", program->name, program->summary,
               program->name, program->commands ? "[command] " : "");
    if (program->commands)
        buf_append_text(out, "\nCommands:\n");
    for (const struct option_command *command = program->commands; command && command->name;
         command++)
        buf_printf(out, "  %-28s %s\n", command->name, command->help);

    buf_append_text(out, "\nOptions:\n");
    for (const struct option_row *row = program->rows; row->name; row++) {
        CLEANUP(buf_clear_p) struct buf left = {0};

        write_left_column(row, &left);
        buf_printf(out, "  %-28s %s", left.data, row->help);
        if (row->otherwise)
            buf_printf(out, " (default: %s)", row->otherwise);
        buf_append_char(out, '\n');
    }
    buf_printf(out, "  %-28s %s\n  %-28s %s\n", "--help", "Show this text", "--version",
               "Show the version");
    buf_append_text(out, "\nEach option can also stand in the config file (name = value) or in the "
                         "environment (EM_NAME);\nthe command line wins over the environment, and "
                         "that over the config file.\n");
}

void options_reference(const struct option_program *program, struct buf *out)
{
    buf_append_text(out, "| option | environment | default | reloadable | what it is |\n"
                         "|---|---|---|---|---|\n");
    for (const struct option_row *row = program->rows; row->name; row++) {
        CLEANUP(buf_clear_p) struct buf left = {0};
        char variable[NAME_BYTES_MAX];

        write_left_column(row, &left);
        write_variable(program, row, variable);
        buf_printf(out, "| `%s` | `%s` | %s%s%s | %s | %s |\n", left.data, variable,
                   row->otherwise ? "`" : "", row->otherwise ? row->otherwise : "",
                   row->otherwise ? "`" : "", row->reloadable ? "yes" : "no", row->help);
    }
}
