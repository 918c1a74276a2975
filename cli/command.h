/*
 * The one table of commands: from it come dispatch, --help and the completions of shells.
 *
 * Thread: the one.
 */
#pragma once

#include "shared/buf.h"
#include "shared/err.h"

#include "cli/cli_options.h"
#include "cli/output.h"

/* How emctl ends; part of its interface. */
#define EXIT_TABLE(ROW)                                                                            \
    ROW(FINE, 0, "all went well")                                                                  \
    ROW(FINDING, 1, "it was checked, and something is wrong")                                      \
    ROW(USAGE, 2, "a command, option or file is not right")                                        \
    ROW(UNREACHABLE, 3, "the control plane cannot be reached, or did not answer in time")          \
    ROW(REFUSED, 4, "it refuses: no key, a wrong one, or one that may not do this")                \
    ROW(NOT_FOUND, 5, "there is no such thing")                                                    \
    ROW(FAILED, 6, "anything else")

#define EXIT_ENUM(name, status, what) EXIT_##name = (status),

enum exit_status { EXIT_TABLE(EXIT_ENUM) };

/* What a command works with. */
struct invocation {
    const struct cli_options *options;
    const char *operand; /* NULL: none */
    enum output_format format;
    bool has_finding; /* set by the command: ends with EXIT_FINDING */
};

#define COMMAND_OPTIONS_MAX 6

struct command {
    const char *words;         /* "audit verify"; NULL ends the table */
    const char *operand;       /* "FILE", "[FILE]" or NULL */
    const char *operand_words; /* what it may be, separated by spaces; NULL: a file */
    enum err (*run)(struct invocation *invocation);
    const char *options[COMMAND_OPTIONS_MAX]; /* besides those that all take */
    const char *help;
};

extern const struct command commands[];

/* The first options of cli_option_rows: every command takes them. */
#define COMMON_OPTIONS 7

/* Whether a command takes an option. */
bool command_takes(const struct command *command, const char *option);

void command_help(struct buf *out);

/* The completions for "bash", "zsh" or "fish". @return ERR_INVALID for another shell. */
MUST_USE enum err completion_write(const char *shell, struct buf *out);

/* The commands; each one's file says more. */
enum err audit_export(struct invocation *invocation);
enum err audit_verify(struct invocation *invocation);
enum err audit_heads(struct invocation *invocation);
enum err profile_list(struct invocation *invocation);
enum err completion_print(struct invocation *invocation);
