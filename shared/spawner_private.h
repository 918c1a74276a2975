/*
 * Inside of the spawner: the packets between its two halves, which are one program, so structs
 * travel as they are; and what its process consists of. spawner.c is the owner's half,
 * spawner_process.c the process, spawner_table.c its children, spawner_child.c one start,
 * spawner_log.c a child's log file.
 *
 * Thread: each process has one.
 */
#pragma once

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/spawner.h"

/* The owner asks ------------------------------------------------------------------------------ */

enum spawn_packet_type { SPAWN_LAUNCH, SPAWN_STOP, SPAWN_SIGNAL, SPAWN_BECOME };

/* After it, of SPAWN_LAUNCH: the texts, each with its zero byte: arguments, environment, folder,
 * log path. */
struct spawn_packet {
    enum spawn_packet_type type;
    uint64_t id;
    int signal_number; /* of SPAWN_SIGNAL; of SPAWN_LAUNCH the stop signal, 0 for the default */
    uid_t user;
    gid_t group;
    bool set_user;
    bool has_log;
    mode_t umask;
    uint32_t argument_count;
    uint32_t environment_count;
    struct spawn_limits limits;
    uint32_t bytes_max[2]; /* of the two captured streams; [0] of the log */
    int64_t timeout_ms;
    int64_t grace_ms;
};

/* The process reports ------------------------------------------------------------------------- */

enum spawn_report_type { SPAWN_DONE, SPAWN_BECAME };

/* After it, of SPAWN_DONE: standard output, then standard error. */
struct spawn_report {
    enum spawn_report_type type;
    uint64_t id;
    enum spawn_end end;
    int status; /* of SPAWN_BECAME: an errno, 0 when it worked */
    uint32_t len[2];
    bool truncated[2];
    int64_t wall_us;
    int64_t cpu_us;
};

/* The process --------------------------------------------------------------------------------- */

/* Serves requests on `socket` until its other end is closed and all children have ended. */
NORETURN void spawner_process_run(int socket, const char *name);

/* What a child is started with; the texts point into the packet. */
struct child_start {
    char **arguments;
    char **environment;
    const char *folder;
    const struct spawn_packet *packet;
    int null_fd;
    int output_fds[2];
    volatile int *error_number; /* in shared memory: set when the program could not be run */
};

/* Starts the program; -1 with errno when there is no process to be had. */
pid_t child_start(const struct child_start *start);

/* A bounded log file: <path>, and <path>.1 with what came before. */
struct child_log {
    char *path;
    int fd; /* -1: could not be opened; tried again with the next write */
    uint64_t len;
    uint64_t len_max;
    uint64_t dropped; /* bytes since the last that could be written */
};

void child_log_open(struct child_log *log, const char *path, uint64_t len_max);
void child_log_write(struct child_log *log, const char *data, size_t len);
void child_log_close(struct child_log *log);

/* The table of children ----------------------------------------------------------------------- */

#define SPAWN_FOREVER INT64_MAX

enum child_state { CHILD_FREE, CHILD_RUNNING, CHILD_DRAINING, CHILD_DONE };

struct child {
    enum child_state state;
    uint64_t id;
    pid_t pid;
    int stop_signal;
    bool timed_out;
    int64_t grace_us;
    int64_t started_us;
    int64_t stop_at_us; /* the timeout */
    int64_t kill_at_us; /* the end of the grace */
    int64_t drained_at_us;
    int fds[2]; /* -1: closed */
    struct buf captured[2];
    uint32_t bytes_max[2];
    bool truncated[2];
    struct child_log log; /* path NULL: captured */
    enum spawn_end end;
    int status;
    int64_t wall_us;
    int64_t cpu_us;
};

extern struct child children[SPAWN_IN_FLIGHT_MAX];

/* The running child of that pid or id; NULL when there is none. */
struct child *child_of_pid(pid_t pid);
struct child *child_of_id(uint64_t id);

/* A free place; the owner counts what is in flight, so there is one. */
struct child *child_new(void);

/* Releases what the child holds and makes its place free. */
void child_clear(struct child *child);

/* When the next deadline of any child is; SPAWN_FOREVER when there is none. */
int64_t children_due_us(void);

/* Whether any child has not ended. */
bool children_any(void);
