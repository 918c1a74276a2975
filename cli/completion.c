/* Completions from the table of commands. All shells go the same way: the words that are complete
 * say which command it is, and so what may come next. */
#include <stdio.h>
#include <string.h>

#include "shared/mem.h"

#include "cli/command.h"

/* "audit": the first of a command's words. */
static struct str first_word(const struct command *command)
{
    struct str rest = str_of(command->words);

    return str_cut(&rest, ' ');
}

/* "export": the second; a NULL view when there is none. */
static struct str second_word(const struct command *command)
{
    struct str rest = str_of(command->words);

    str_cut(&rest, ' ');
    return rest;
}

static bool is_first_of_its_word(const struct command *command)
{
    for (const struct command *other = commands; other != command; other++) {
        if (str_equal(first_word(other), first_word(command)))
            return false;
    }
    return true;
}

static void append_options(const struct command *command, const char *prefix, struct buf *out)
{
    for (const struct option_row *row = cli_option_rows; row->name; row++) {
        if (command_takes(command, row->name))
            buf_printf(out, " %s%s", prefix, row->name);
    }
}

/* All first words. */
static void append_first_words(struct buf *out)
{
    for (const struct command *command = commands; command->words; command++) {
        if (is_first_of_its_word(command))
            buf_printf(out, " " STR_FMT, STR_ARG(first_word(command)));
    }
}

/* What may follow a first word: second words, or the operand's. */
static void append_second_words(struct str first, struct buf *out)
{
    for (const struct command *command = commands; command->words; command++) {
        if (!str_equal(first_word(command), first))
            continue;
        if (second_word(command).ptr)
            buf_printf(out, " " STR_FMT, STR_ARG(second_word(command)));
        else if (command->operand_words)
            buf_printf(out, " %s", command->operand_words);
    }
}

/* bash: one `case` by the words so far; zsh runs it by its own emulation of bash. */
static void write_bash(struct buf *out)
{
    buf_append_text(out,
                    "_emctl() {\n"
                    "    local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}"
                    " words=\n"
                    "    COMPREPLY=()\n"
                    "    case $before in\n"
                    "        --output) words='table json yaml' ;;\n"
                    "        --key-file|--ca|--profiles|--to|--heads)"
                    " COMPREPLY=($(compgen -f -- \"$now\")); return ;;\n"
                    "        --*) return ;;\n"
                    "    esac\n"
                    "    if [ -z \"$words\" ]; then case \"$COMP_CWORD ${COMP_WORDS[1]}"
                    " ${COMP_WORDS[2]}\" in\n"
                    "        '1 '*) words='");
    append_first_words(out);
    buf_append_text(out, " --help --version' ;;\n");
    for (const struct command *command = commands; command->words; command++) {
        if (!is_first_of_its_word(command))
            continue;
        buf_printf(out, "        '2 " STR_FMT " '*) words='", STR_ARG(first_word(command)));
        append_second_words(first_word(command), out);
        buf_append_text(out, "' ;;\n");
    }
    for (const struct command *command = commands; command->words; command++) {
        buf_printf(out, "        *' %s'%s) words='", command->words,
                   second_word(command).ptr ? "" : "*");
        append_options(command, "--", out);
        buf_append_text(out, "' ;;\n");
    }
    buf_append_text(out, "    esac; fi\n"
                         "    COMPREPLY=($(compgen -W \"$words\" -- \"$now\"))\n"
                         "    if [ \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" = 'audit verify' ]"
                         " && [[ $now != -* ]]; then\n"
                         "        COMPREPLY+=($(compgen -f -- \"$now\"))\n"
                         "    fi\n"
                         "}\n"
                         "complete -F _emctl emctl\n");
}

static void write_zsh(struct buf *out)
{
    buf_append_text(out, "#compdef emctl\nautoload -U +X bashcompinit && bashcompinit\n");
    write_bash(out);
}

static void append_fish_option(const struct command *command, const struct option_row *row,
                               struct buf *out)
{
    struct str second = second_word(command);

    buf_printf(out, "complete -c emctl -n '__fish_seen_subcommand_from " STR_FMT,
               STR_ARG(first_word(command)));
    if (second.ptr)
        buf_printf(out, "; and __fish_seen_subcommand_from " STR_FMT, STR_ARG(second));
    buf_printf(out, "' -l %s -r%s -d \"%s\"\n", row->name,
               strcmp(row->name, "output") == 0 ? " -f -a 'table json yaml'" : "", row->value);
}

static void write_fish(struct buf *out)
{
    buf_append_text(out, "complete -c emctl -f -n __fish_use_subcommand -a '");
    append_first_words(out);
    buf_append_text(out, "'\n");
    for (const struct command *command = commands; command->words; command++) {
        struct str first = first_word(command);

        if (is_first_of_its_word(command)) {
            buf_printf(out,
                       "complete -c emctl -f -n '__fish_seen_subcommand_from " STR_FMT "' -a '",
                       STR_ARG(first));
            append_second_words(first, out);
            buf_append_text(out, "'\n");
        }
        for (const struct option_row *row = cli_option_rows; row->name; row++) {
            if (command_takes(command, row->name))
                append_fish_option(command, row, out);
        }
    }
    buf_append_text(out, "complete -c emctl -F -n '__fish_seen_subcommand_from verify'\n");
}

enum err completion_write(const char *shell, struct buf *out)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *out);
    } shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].write(out);
            return OK;
        }
    }
    return fail(ERR_INVALID, "shell_unknown", "the shell has to be bash, zsh or fish, not \"%s\"",
                shell);
}

enum err completion_print(struct invocation *invocation)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    TRY(completion_write(invocation->operand, &text));
    fputs(text.data, stdout);
    return OK;
}
