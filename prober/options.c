/* The one table of em-prober's options and commands. */
#include "prober/options.h"

#define AT(member) offsetof(struct prober_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {"data",        OPTION_TEXT,    AT(data),        "DIR",   NULL,   .help = "Data directory of the control on this machine; its bus is DIR/bus.sock, and the prober's id is kept there"},
    {"bus",         OPTION_TEXT,    AT(bus),         "URL",   NULL,   .help = "Bus of control (ipc://PATH or tcp://HOST:PORT) when it is not in --data"},
    {"checks",      OPTION_TEXT,    AT(checks),      "FILE",  NULL,   .help = "once, run: the checks, one JSON object per line (default: standard input)"},
    {"duration",    OPTION_INTEGER, AT(duration_s),  "S",     "0",    .min = 0, .max = 31536000, .help = "run: end after this many seconds (0: at SIGTERM)"},
    {"flood",       OPTION_INTEGER, AT(flood),       "N",     "0",    .min = 0, .max = 100000, .help = "run: keep N probes in flight, whatever the schedules say"},
    {"summary",     OPTION_FLAG,    AT(summary),     NULL,    NULL,   .help = "run: print one summary at the end and no results"},
    {"explain",     OPTION_FLAG,    AT(explain),     NULL,    NULL,   .help = "once: print the steps of each probe, too"},
    {"scripts",     OPTION_TEXT,    AT(scripts),     "DIR",   NULL,   .help = "Directory of the scripts that may be run (without it none may)"},
    {"scripts-user", OPTION_TEXT,   AT(scripts_user), "NAME", NULL,   .help = "Whom scripts run as when root starts this program (default: nobody); they gain no privileges"},
    {"loops",       OPTION_INTEGER, AT(loops),       "N",     "0",    .min = 0, .max = 64, .help = "Event loops (0: one per core)"},
    {"in-flight",   OPTION_INTEGER, AT(in_flight),   "N",     "0",    .min = 0, .max = 1000000, .help = "Probes at once in each loop (0: 4096, within the limit of open files)"},
    {"connecting",  OPTION_INTEGER, AT(connecting),  "N",     "2048", .min = 1, .max = 1000000, .help = "Of these, before their connection stands"},
    {"per-host",    OPTION_INTEGER, AT(per_host),    "N",     "20",   .min = 1, .max = 1000000, .help = "Probes at once to one host, shared out to the loops, one each at least; this machine itself is not capped"},
    {"dns-servers", OPTION_TEXT,    AT(dns_servers), "LIST",  NULL,   .help = "DNS servers (ADDRESS[:PORT],…) in place of those in resolv.conf"},
    {"log-level",   OPTION_TEXT,    AT(log_level),   "LEVEL", "info", .help = "error, warning, info or debug"},
    {"log-format",  OPTION_TEXT,    AT(log_format),  "FORMAT", "text", .help = "text, or json: each line of the log one JSON object"},
    {0},
};

static const struct option_command commands[] = {
    {"once", "Probe each check once, print one result per line, and end with status 0 when all are ok, 1 when not, 2 when a line is bad"},
    {"run",  "Keep the checks' schedules without any control"},
    {0},
};
/* clang-format on */

const struct option_program prober_program = {
    .name = "em-prober",
    .summary =
        "Probes targets without blocking. Without a command it works for a control over its bus.",
    .rows = rows,
    .commands = commands,
};
