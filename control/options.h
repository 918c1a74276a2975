/*
 * What em-control can be told: one table, from which the command line, the config file, the
 * environment variables, --help and the reference follow (shared/options.h).
 *
 * Thread: the one that starts the program; read-only afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/options.h"

#include "control/api/listener.h"

struct control_options {
    char *data;           /* DIR; NULL: the default */
    char *user;           /* for root */
    char *listen;         /* "127.0.0.1:8080" */
    char *database;       /* URL; NULL: the embedded PostgreSQL */
    char *database_owner; /* URL; NULL: as `database` */
    char *redis;          /* URL; NULL: the embedded Redis */
    char *bus;            /* nanomsg address of the probers' bus; NULL: ipc://DIR/bus.sock */
    char *tls_cert;
    char *tls_min_version;
    char *trusted_proxies;
    char *webhook_networks;
    char *tls_key;
    bool insecure_http;
    char *console; /* folder; NULL: beside the program, or none */
    char *log_level;
    char *log_format;
    int64_t workers;
    int64_t session_idle_s;
    int64_t session_max_s;
    char *config; /* the config file itself */
    char *file;   /* operand of backup and restore */
    bool check_config;
    bool openapi;
    bool test_socketio_echo;

    int argc; /* the command line, for reading everything once more */
    char **argv;
};

extern const struct option_program control_program;

/* Reads everything there is. A FILE may follow the words backup and restore.
 * @param ret_command the command's name, or NULL to serve. */
MUST_USE enum err control_options_load(int argc, char **argv, struct control_options *ret_options,
                                       const char **ret_command);

/* Takes new values of the reloadable options from the config file, and applies them. */
MUST_USE enum err control_options_reload(struct control_options *options);

/* Applies what works at once and everywhere: level and format of the log. A word that
 * control_options_check() refuses changes nothing. */
void control_options_apply(const struct control_options *options);

/* Checks what the table cannot: values that belong together, and URLs. */
MUST_USE enum err control_options_check(const struct control_options *options);

/* What they say of the address; borrows from them. */
struct listener_options control_listener_options(const struct control_options *options);

/* Where people on this machine reach the service, as far as the options say: "https://host:port".
 * @param port the one that is listened on, for `--listen …:0`; 0: that of the options. Yours to
 * free. */
char *control_base_url(const struct control_options *options, uint16_t port);

void control_options_clear(struct control_options *options);
