/*
 * What emctl can be told besides its commands' words.
 *
 * Thread: the one.
 */
#pragma once

#include <stdint.h>

#include "shared/options.h"

struct cli_options {
    char *url;
    char *key_file;
    char *ca; /* PEM file of further certificate authorities */
    char *profile;
    char *profiles; /* file */
    char *output;   /* table, json or yaml */
    int64_t timeout_s;
    char *organisation; /* key or id */
    char *to;
    char *heads;
    char *head;
};

extern const struct option_row cli_option_rows[];
