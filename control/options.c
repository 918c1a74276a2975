/* The table of em-control's options, and the checks that need more than one of them. */
#include "control/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/addr.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/redis.h"
#include "shared/str.h"

#include "control/store/db.h"

#define MEMBER(name) offsetof(struct control_options, name)

/* clang-format off */
static const struct option_row rows[] = {
    /* name             type            member                 value           default                                       help */
    { "data",          OPTION_TEXT,    MEMBER(data),          "DIR",          .help = "where the instance lives; /var/lib/environment-manager for root, else $XDG_DATA_HOME/environment-manager" },
    { "user",          OPTION_TEXT,    MEMBER(user),          "NAME",         "environment-manager", .help = "system user to run as when root starts it" },
    { "listen",        OPTION_TEXT,    MEMBER(listen),        "ADDRESS:PORT", "127.0.0.1:8080",      .help = "where API and console are served; not loopback: needs TLS" },
    { "database",      OPTION_TEXT,    MEMBER(database),      "URL",          .help = "your PostgreSQL, as postgresql://user:password@host/name; without it one is started below DIR" },
    { "database-owner", OPTION_TEXT,   MEMBER(database_owner), "URL",         .help = "the same database as the owner of its tables, who migrates, backs up and restores; then --database needs no right of its own" },
    { "redis",         OPTION_TEXT,    MEMBER(redis),         "URL",          .help = "your Redis, as redis://user:password@host:port/0; without it one is started below DIR" },
    { "bus",           OPTION_TEXT,    MEMBER(bus),           "ADDRESS",      .help = "where probers connect, as ipc:///path or tcp://address:port; ipc://DIR/bus.sock without it" },
    { "tls-cert",      OPTION_TEXT,    MEMBER(tls_cert),      "FILE",         .help = "certificate chain (PEM) for HTTPS" },
    { "tls-key",       OPTION_TEXT,    MEMBER(tls_key),       "FILE",         .help = "its key (PEM)" },
    { "tls-min-version", OPTION_TEXT,  MEMBER(tls_min_version), "VERSION",    "1.3", .help = "the oldest TLS that clients may speak: 1.2 or 1.3" },
    { "trusted-proxies", OPTION_TEXT,  MEMBER(trusted_proxies), "NETWORKS",   .help = "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, as 10.0.0.0/8,::1" },
    { "webhook-networks", OPTION_TEXT, MEMBER(webhook_networks), "NETWORKS",  .help = "loopback and private networks that webhooks may reach, as 10.0.0.0/8,127.0.0.1; all without it" },
    { "insecure-http", OPTION_FLAG,    MEMBER(insecure_http),                 .help = "allow plain HTTP on an address that is not loopback: behind a proxy that speaks TLS" },
    { "console",       OPTION_TEXT,    MEMBER(console),       "DIR",          .help = "folder with the built console; the one beside the program without it" },
    { "workers",       OPTION_INTEGER, MEMBER(workers),       "N",            "4", .min = 1, .max = 64, .help = "threads that write, each with a database connection" },
    { "session-idle-s", OPTION_INTEGER, MEMBER(session_idle_s), "SECONDS",      "28800", .min = 120, .max = 2592000, .help = "a session ends when it was not used for so long" },
    { "session-max-s", OPTION_INTEGER, MEMBER(session_max_s), "SECONDS",      "43200", .min = 1, .max = 2592000, .help = "a session ends at this age, used or not" },
    { "log-level",     OPTION_TEXT,    MEMBER(log_level),     "LEVEL",        "info", .reloadable = true, .help = "error, warning, info or debug" },
    { "log-format",    OPTION_TEXT,    MEMBER(log_format),    "FORMAT",       "text",              .help = "text, or json: each line of the log one JSON object" },
    { "config",        OPTION_TEXT,    MEMBER(config),        "FILE",         .help = "file with lines `name = value`" },
    { "file",          OPTION_TEXT,    MEMBER(file),          "FILE",         .help = "what backup writes and restore reads; may stand after the command as it is" },
    { "check-config",  OPTION_FLAG,    MEMBER(check_config),                  .help = "say whether options and files are right, and end" },
    { "openapi",       OPTION_FLAG,    MEMBER(openapi),                       .help = "print the OpenAPI document of the API, and end" },
    { "test-socketio-echo", OPTION_FLAG, MEMBER(test_socketio_echo),          .help = "serve the echo that the official test suites of Engine.IO and Socket.IO expect, on loopback only" },
    { 0 },
};

static const struct option_command commands[] = {
    { "backup",       "write everything into FILE, or a new file in DIR/backups; also while it runs" },
    { "restore",      "replace everything by what is in FILE; not while it runs" },
    { "sign-in-link", "print a one-time link that signs an administrator in, valid for an hour" },
    { 0 },
};
/* clang-format on */

const struct option_program control_program = {
    .name = "em-control",
    .summary =
        "the control plane of Environment Manager: API, console, health and the probers' bus",
    .rows = rows,
    .commands = commands,
};

static bool takes_file(const char *word)
{
    return strcmp(word, "backup") == 0 || strcmp(word, "restore") == 0;
}

/* "backup FILE" is "backup --file=FILE". */
static char *operand_as_option(int argc, char **argv, int *ret_at)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (takes_file(argv[i]) && argv[i + 1][0] != '-') {
            *ret_at = i + 1;
            return xasprintf("--file=%s", argv[i + 1]);
        }
    }
    return NULL;
}

enum err control_options_load(int argc, char **argv, struct control_options *ret_options,
                              const char **ret_command)
{
    int at = 0;
    char *option = operand_as_option(argc, argv, &at);
    char *operand = option ? argv[at] : NULL;
    enum err err;

    if (option)
        argv[at] = option;
    ret_options->argc = argc;
    ret_options->argv = argv;
    err = options_load(&control_program, argc, argv, ret_options, ret_command);
    if (option)
        argv[at] = operand;
    free(option);
    return err;
}

void control_options_apply(const struct control_options *options)
{
    enum log_level level;
    enum log_format format;

    if (log_level_from_word(options->log_level, &level))
        log_set_level(level);
    if (log_format_from_word(options->log_format, &format))
        log_set_format(format);
}

enum err control_options_reload(struct control_options *options)
{
    TRY(options_reload(&control_program, options->argc, options->argv, options));
    TRY(control_options_check(options));
    control_options_apply(options);
    return OK;
}

static enum err check_readable(const char *option, const char *path)
{
    if (!path || access(path, R_OK) == 0)
        return OK;
    return fail(ERR_INVALID, "option_invalid", "--%s: the file %s cannot be read: %s", option, path,
                strerrordesc_np(errno));
}

static enum err check_networks(const char *option, const char *text)
{
    struct addr_networks networks;

    if (addr_networks_read(text, &networks) == OK)
        return OK;
    return fail(ERR_INVALID, "option_invalid", "--%s: %s", option, failure_last()->detail);
}

enum err control_options_check(const struct control_options *options)
{
    enum log_level level;
    enum log_format format;

    if (!log_level_from_word(options->log_level, &level))
        return fail(ERR_INVALID, "option_invalid",
                    "--log-level has to be error, warning, info or debug, not \"%s\"",
                    options->log_level);
    if (!log_format_from_word(options->log_format, &format))
        return fail(ERR_INVALID, "option_invalid",
                    "--log-format has to be text or json, not \"%s\"", options->log_format);
    if (!options->tls_cert != !options->tls_key)
        return fail(ERR_INVALID, "option_invalid", "--tls-cert and --tls-key belong together");
    TRY(check_readable("tls-cert", options->tls_cert));
    TRY(check_networks("webhook-networks", options->webhook_networks));
    TRY(check_readable("tls-key", options->tls_key));
    if (options->database)
        TRY(db_check_url(options->database));
    if (options->database_owner && !options->database)
        return fail(ERR_INVALID, "option_invalid",
                    "--database-owner belongs to --database, which is not given");
    if (options->database_owner)
        TRY(db_check_url(options->database_owner));
    if (options->redis)
        TRY(redis_check_url(options->redis));
    if (options->bus && strncmp(options->bus, "ipc://", 6) != 0 &&
        strncmp(options->bus, "tcp://", 6) != 0)
        return fail(ERR_INVALID, "option_invalid",
                    "--bus has to be ipc:///path or tcp://address:port, not \"%s\"", options->bus);
    return OK;
}

struct listener_options control_listener_options(const struct control_options *options)
{
    return (struct listener_options){
        .listen = options->listen,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
        .tls_min_version = options->tls_min_version,
        .trusted_proxies = options->trusted_proxies,
        .insecure_http = options->insecure_http,
    };
}

/* Who listens on every address is reached on this machine's own, too. */
static void make_reachable(struct addr *address)
{
    if (address->any.sa_family == AF_INET && address->v4.sin_addr.s_addr == htonl(INADDR_ANY))
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        address->v6.sin6_addr = in6addr_loopback;
}

char *control_base_url(const struct control_options *options, uint16_t port)
{
    const char *scheme = options->tls_cert ? "https" : "http";
    char text[ADDR_TEXT_BYTES];
    struct addr address;

    if (!addr_parse(str_of(options->listen), &address))
        return xasprintf("%s://%s", scheme, options->listen);
    if (port)
        addr_set_port(&address, port);
    make_reachable(&address);
    return xasprintf("%s://%s", scheme, addr_format(&address, text));
}

void control_options_clear(struct control_options *options)
{
    options_clear(&control_program, options);
}
