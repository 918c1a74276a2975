/*
 * A program's options, written down once as a table: from it come the command line, the config
 * file, the environment variables, --help and the reference. What is said later wins: default,
 * config file, environment, command line.
 *
 *   static const struct option_row rows[] = {
 *       { "listen", OPTION_TEXT, offsetof(struct options, listen), "ADDRESS:PORT", "127.0.0.1:8080", .help = "…" },
 *       { 0 },
 *   };
 *
 * `--listen X` or `--listen=X`; a flag is `--insecure-http` or `--no-insecure-http`. Environment:
 * EM_LISTEN. Config file, where there is an option of that name (`--config FILE`): lines `listen = X`,
 * `#` begins a comment.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"

enum option_type {
    OPTION_TEXT,    /* char *, owned by the struct */
    OPTION_INTEGER, /* int64_t between min and max */
    OPTION_FLAG,    /* bool */
};

struct option_row {
    const char *name; /* words joined by "-" */
    enum option_type type;
    size_t offset;         /* of the member in the program's struct */
    const char *value;     /* placeholder for --help: "FILE" */
    const char *otherwise; /* default, as text; NULL: NULL, 0, false */
    int64_t min;           /* of an integer */
    int64_t max;
    bool reloadable; /* SIGHUP takes a new value from the config file */
    const char *help;
};

struct option_command {
    const char *name; /* first word on the command line; NULL ends the list */
    const char *help;
};

struct option_program {
    const char *name;
    const char *summary;
    const struct option_row *rows;
    const struct option_command *commands; /* or NULL when the program has none */
    const char *variables;                 /* what environment variables begin with; NULL: "EM" */
};

/*
 * Fills in the struct at `ret_values` (zeroed by the caller). `ret_command` is the command's name
 * or NULL; a word that is no command is refused. --help and --version are the caller's to look for
 * with options_wants().
 * @return ERR_INVALID with a sentence that names the option, where it stood and what would be
 * right.
 */
MUST_USE enum err options_load(const struct option_program *program, int argc, char **argv,
                               void *ret_values, const char **ret_command);

/* Takes new values of the reloadable options from the config file; others that differ are named in
 * the log. Environment and command line still win. */
MUST_USE enum err options_reload(const struct option_program *program, int argc, char **argv,
                                 void *values);

/* Releases the texts. */
void options_clear(const struct option_program *program, void *values);

/* Whether an argument such as "--help" is on the command line. */
bool options_wants(int argc, char **argv, const char *argument);

/* What --help prints, and the same as a Markdown table for the reference. */
void options_help(const struct option_program *program, struct buf *out);
void options_reference(const struct option_program *program, struct buf *out);
