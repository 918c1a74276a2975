/* The table; commands.c says which of them a command takes. */
#include "cli/cli_options.h"

#define MEMBER(name) offsetof(struct cli_options, name)

/* clang-format off */
const struct option_row cli_option_rows[] = {
    { "url",          OPTION_TEXT,    MEMBER(url),          "URL",    .help = "the control plane, as https://em.example.com; else that of the profile, else http://127.0.0.1:8080" },
    { "key-file",     OPTION_TEXT,    MEMBER(key_file),     "FILE",   .help = "file with the API key; else the key in EMCTL_KEY, else that of the profile" },
    { "ca",           OPTION_TEXT,    MEMBER(ca),           "FILE",   .help = "certificate authorities to trust instead of the system's (PEM)" },
    { "profile",      OPTION_TEXT,    MEMBER(profile),      "NAME",   .help = "the profile to use; else the file's `default`" },
    { "profiles",     OPTION_TEXT,    MEMBER(profiles),     "FILE",   .help = "the file with the profiles; else $XDG_CONFIG_HOME/emctl/config.json" },
    { "output",       OPTION_TEXT,    MEMBER(output),       "FORMAT", "table", .help = "table, json or yaml" },
    { "timeout-s",    OPTION_INTEGER, MEMBER(timeout_s),    "SECONDS", "60", .min = 1, .max = 3600, .help = "how long one request may take" },
    { "organisation", OPTION_TEXT,    MEMBER(organisation), "KEY",    .help = "the chain of this organisation only (key or id)" },
    { "to",           OPTION_TEXT,    MEMBER(to),           "FILE",   .help = "where to write; it must not exist yet; else standard output" },
    { "heads",        OPTION_TEXT,    MEMBER(heads),        "FILE",   .help = "an earlier export, what `audit heads --output json` printed, or messages of the webhook event journal.head, one a line: the chains must go on from there" },
    { "head",         OPTION_TEXT,    MEMBER(head),         "HASH",   .help = "the hash of one head that was kept: it must be there still" },
    { 0 },
};
/* clang-format on */
