/* emctl: finds the command among the words, reads the options, runs it, and says by its exit status how
 * it went. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/str.h"

#include "cli/command.h"

static const struct option_program program = {
    .name = "emctl",
    .summary = "Environment Manager's command line",
    .rows = cli_option_rows,
    .variables = "EMCTL",
};

/* The command line, apart. */
struct words {
    char **options; /* the program's name and all options, as options_load() takes them */
    int option_count;
    const char **words;
    int word_count;
};

static void words_clear(struct words *words)
{
    free(words->options);
    free(words->words);
}

/* The value of an option is no word of ours. All our options have one. */
static void split(int argc, char **argv, struct words *ret_words)
{
    *ret_words = (struct words){
        .options = xcalloc((size_t)argc + 1, sizeof *ret_words->options),
        .words = xcalloc((size_t)argc + 1, sizeof *ret_words->words),
    };
    ret_words->options[ret_words->option_count++] = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            ret_words->words[ret_words->word_count++] = argv[i];
            continue;
        }
        ret_words->options[ret_words->option_count++] = argv[i];
        if (!strchr(argv[i], '=') && i + 1 < argc)
            ret_words->options[ret_words->option_count++] = argv[++i];
    }
}

/* How many of the words are the command's; 0 when it is another one. */
static int match(const struct command *command, const struct words *words)
{
    struct str rest = str_of(command->words);
    int count = 0;

    while (rest.ptr) {
        struct str word = str_cut(&rest, ' ');

        if (count == words->word_count || !str_equal(word, str_of(words->words[count])))
            return 0;
        count++;
    }
    return count;
}

static enum err find_command(const struct words *words, const struct command **ret_command,
                             const char **ret_operand)
{
    for (const struct command *command = commands; command->words; command++) {
        int count = match(command, words);

        if (count == 0)
            continue;
        if (words->word_count > count + (command->operand != NULL))
            return fail(ERR_INVALID, "command_unknown", "\"%s\" is one word too many",
                        words->words[words->word_count - 1]);
        if (words->word_count == count && command->operand && command->operand[0] != '[')
            return fail(ERR_INVALID, "command_unknown", "emctl %s needs %s", command->words,
                        command->operand);
        *ret_command = command;
        *ret_operand = words->word_count > count ? words->words[count] : NULL;
        return OK;
    }
    return fail(ERR_INVALID, "command_unknown", "there is no such command; see emctl --help");
}

/* Only what the command line says: in the environment an option may wait for another command. */
static enum err check_options(const struct command *command, const struct words *words)
{
    for (int i = 1; i < words->option_count; i++) {
        struct str rest = str_sub(str_of(words->options[i]), 2, SIZE_MAX);
        AUTO(xfree) char *name = str_dup(str_cut(&rest, '='));

        if (!command_takes(command, name))
            return fail(ERR_INVALID, "option_invalid", "emctl %s has no option --%s",
                        command->words, name);
        i += rest.ptr == NULL;
    }
    return OK;
}

static enum err run(const struct words *words, struct invocation *invocation,
                    struct cli_options *options)
{
    const struct command *command;
    const char *none;

    TRY(find_command(words, &command, &invocation->operand));
    TRY(options_load(&program, words->option_count, words->options, options, &none));
    TRY(check_options(command, words));
    TRY(output_format_read(options->output, &invocation->format));
    invocation->options = options;
    return command->run(invocation);
}

static enum exit_status status_of(enum err err)
{
    switch (err) {
    case OK:
        return EXIT_FINE;
    case ERR_INVALID:
        return EXIT_USAGE;
    case ERR_UNAUTHENTICATED:
    case ERR_DENIED:
        return EXIT_REFUSED;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE:
        return EXIT_UNREACHABLE;
    case ERR_CONFLICT:
    case ERR_LIMITED:
    case ERR_BUG:
        break;
    }
    return EXIT_FAILED;
}

static enum exit_status run_words(const struct words *words)
{
    struct cli_options options = {0};
    struct invocation invocation = {0};
    enum err err = run(words, &invocation, &options);

    options_clear(&program, &options);
    if (err != OK)
        fprintf(stderr, "emctl: %s\n", failure_last()->detail);
    else if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return err == OK && invocation.has_finding ? EXIT_FINDING : status_of(err);
}

static enum exit_status print_help(void)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    command_help(&text);
    fputs(text.data, stdout);
    return EXIT_FINE;
}

int main(int argc, char **argv)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    CLEANUP(words_clear) struct words words = {0};
    enum exit_status status;

    log_set_program("emctl");
    sigaction(SIGPIPE, &ignore, NULL);
    if (options_wants(argc, argv, "--help"))
        return print_help();
    if (options_wants(argc, argv, "--version")) {
        puts("emctl " EM_VERSION);
        return EXIT_FINE;
    }
    split(argc, argv, &words);
    status = run_words(&words);
    failure_clear();
    return status;
}
