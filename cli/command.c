/* The table and what follows from it. */
#include "cli/command.h"

#include <string.h>

#include "shared/str.h"

/* clang-format off */
const struct command commands[] = {
    { "audit export", NULL,     NULL,            audit_export,     { "organisation", "to" },            "write the journal with its chains, for keeping and verifying" },
    { "audit verify", "[FILE]", NULL,            audit_verify,     { "organisation", "heads", "head" }, "check that no record was altered, removed, moved or added: on an export, or on the control plane's journal" },
    { "audit heads",  NULL,     NULL,            audit_heads,      { "organisation" },                  "show where the chains end; kept elsewhere, that shows later whether they were cut off" },
    { "profile list", NULL,     NULL,            profile_list,     { NULL },                            "show the profiles, without their keys" },
    { "completion",   "SHELL",  "bash zsh fish", completion_print, { NULL },                            "print the completions for a shell: bash, zsh or fish" },
    { 0 },
};

/* clang-format on */

bool command_takes(const struct command *command, const char *option)
{
    for (size_t i = 0; i < COMMON_OPTIONS; i++) {
        if (strcmp(cli_option_rows[i].name, option) == 0)
            return true;
    }
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i]; i++) {
        if (strcmp(command->options[i], option) == 0)
            return true;
    }
    return false;
}

static void append_command(const struct command *command, struct buf *out)
{
    CLEANUP(buf_clear_p) struct buf left = {0};

    buf_append_text(&left, command->words);
    if (command->operand)
        buf_printf(&left, " %s", command->operand);
    buf_printf(out, "  %-28s %s\n", left.data, command->help);
}

static void append_option(const struct option_row *row, struct buf *out)
{
    CLEANUP(buf_clear_p) struct buf left = {0};

    buf_printf(&left, "--%s %s", row->name, row->value);
    buf_printf(out, "  %-28s %s", left.data, row->help);
    if (row->otherwise)
        buf_printf(out, " (default: %s)", row->otherwise);
    buf_append_char(out, '\n');
}

static void append_users(const struct option_row *row, struct buf *out)
{
    const char *comma = "";

    buf_append_text(out, "                               with: ");
    for (const struct command *command = commands; command->words; command++) {
        if (!command_takes(command, row->name))
            continue;
        buf_printf(out, "%s%s", comma, command->words);
        comma = ", ";
    }
    buf_append_char(out, '\n');
}

void command_help(struct buf *out)
{
    buf_append_text(out, "emctl: Environment Manager's command line\n\n"
                         "Usage: emctl COMMAND [operand] [options]\n\nCommands:\n");
    for (const struct command *command = commands; command->words; command++)
        append_command(command, out);
    buf_append_text(out, "\nOptions:\n");
    for (size_t i = 0; cli_option_rows[i].name; i++) {
        append_option(&cli_option_rows[i], out);
        if (i >= COMMON_OPTIONS)
            append_users(&cli_option_rows[i], out);
    }
    buf_append_text(out, "  --help                       Show this text\n"
                         "  --version                    Show the version\n"
                         "\nEach option can also stand in the environment: --key-file is "
                         "EMCTL_KEY_FILE. The command line wins.\n\nExit status:\n");
#define EXIT_ROW(name, status, what) buf_printf(out, "  %d  %s\n", status, what);
    EXIT_TABLE(EXIT_ROW)
}
