/* The options of em-prober. Thread: read-only after start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/options.h"

struct prober_options {
    char *data;
    char *bus;
    char *checks;
    int64_t duration_s;
    int64_t flood;
    bool summary;
    bool explain;
    char *scripts;
    char *scripts_user;
    int64_t loops;
    int64_t in_flight;
    int64_t connecting;
    int64_t per_host;
    char *dns_servers;
    char *log_level;
    char *log_format;
};

extern const struct option_program prober_program;
