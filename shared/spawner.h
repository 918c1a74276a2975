/*
 * Starts other programs. A small process, forked first thing in main() before any library or
 * thread, does it on request: so a start is cheap however big the program is, and nobody else ever
 * forks. It captures output within caps, enforces deadlines, ends what a child leaves behind, and
 * outlives its owner just long enough to stop all children.
 *
 * A child begins with its own process group, without a terminal, with exactly the environment given,
 * no descriptors but 0-2 and what the request hands over, default signal handling. It gets a signal
 * when the spawner itself dies. When it has ended, its process group is killed, and within some 20
 * ms whatever else it started that left the group. While it runs, what leaves both its group and
 * its parent is as good as left behind and may be killed.
 *
 * All children are in one session, that of the spawner: where the kernel shares the processor by
 * sessions (autogroup), all together get as much as their owner, however many they are. A session
 * for each would also make each start a tenth dearer, or a third on a busy machine.
 *
 * Thread: a handle belongs to one thread; spawner_open() makes one for another. From an event loop:
 * watch spawner_fd() for reading and call spawner_on_readable().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

struct spawner;

#define SPAWN_IN_FLIGHT_MAX     1024         /* children at a time, of all handles together */
#define SPAWN_HANDLES_MAX       256          /* the first one and those of spawner_open() */
#define SPAWN_OUTPUT_BYTES_MAX  (64 * 1024)  /* cap of one captured stream */
#define SPAWN_REQUEST_BYTES_MAX (128 * 1024) /* arguments, environment and paths together */
#define SPAWN_THIRD_FD          3

/* What a child may use at most; 0, and more than the spawner itself may: as much as that. */
struct spawn_limits {
    uint64_t cpu_s;        /* then SIGXCPU, and SIGKILL one second later */
    uint64_t memory_bytes; /* address space */
    uint64_t file_bytes;   /* size of one written file */
    uint64_t files;        /* open descriptors */
    uint64_t processes;    /* of the child's user, whoever started them; root has no such limit */
    bool no_core_file;
};

struct spawn_request {
    const char *const *argv;        /* argv[0] is an absolute path; NULL at the end */
    const char *const *environment; /* "NAME=value"; NULL at the end; NULL: an empty one */
    const char *folder;             /* working directory; NULL: "/" */
    bool set_user;                  /* run as user and group, without further groups */
    uid_t user;
    gid_t group;
    bool no_new_privileges; /* it has none, and set-user-id bits and the like give it none */
    mode_t umask;           /* 0: 077 */
    int nice;               /* 0 (as the spawner) to 19 (last of all); once it has run for 20 ms */
    struct spawn_limits limits;

    /* Descriptors that the child is to have, from 3 on, borrowed for the call. 0: standard input
     * is /dev/null, and descriptor 3 is closed. */
    int input_fd;
    int third_fd; /* the child's descriptor SPAWN_THIRD_FD */

    /* Where standard output and error go: into the result, cut at these caps; or both into a log
     * file, which becomes <log_path>.1 when it is full. What a full disk refuses is dropped: a
     * child never waits for its log. */
    uint32_t output_bytes_max; /* at most SPAWN_OUTPUT_BYTES_MAX; 0: dropped */
    uint32_t error_bytes_max;
    const char *log_path; /* NULL: captured */
    uint32_t log_bytes_max;

    /* What is read and dropped of both streams together before the group is killed; 0: no end. */
    uint64_t flood_bytes_max;

    int64_t timeout_ms; /* 0: it may run for ever */
    int64_t grace_ms;   /* from the stop signal to SIGKILL for the whole group */
    int stop_signal;    /* 0: SIGTERM; sent to the whole group */
};

enum spawn_end {
    SPAWN_EXITED,    /* status: the exit status */
    SPAWN_SIGNALLED, /* status: the signal */
    SPAWN_TIMED_OUT, /* status: 0; it was stopped at its timeout */
    SPAWN_FLOODED,   /* status: 0; it was killed for more output than flood_bytes_max */
    SPAWN_FAILED,    /* status: the errno for which it never ran */
    SPAWN_LOST,      /* status: 0; the spawner is gone, and with it the child */
};

/* How a child ended. Decided by the end of the child itself, plus at most 250 ms to read what is
 * still in its pipes: a grandchild that holds them open delays nothing. */
struct spawn_result {
    enum spawn_end end;
    int status;
    struct str output; /* valid during the call of spawn_done_fn */
    struct str error;
    bool output_truncated;
    bool error_truncated;
    int64_t wall_us;
    int64_t cpu_us; /* of the child and the children it waited for */
};

typedef void (*spawn_done_fn)(void *argument, const struct spawn_result *result);

/* Forks the spawner. Call it first in main(); `name` is how the process shows in lists.
 * @return ERR_UNAVAILABLE when the process cannot be made. */
MUST_USE enum err spawner_start(const char *name, struct spawner **ret_spawner);

/* A further handle on the same process, for another thread: its children report to it alone, and
 * end with it. To be called on the thread of the first handle.
 * @return ERR_UNAVAILABLE when descriptors or handles are short. */
MUST_USE enum err spawner_open(struct spawner *spawner, struct spawner **ret_spawner);

/* Stops the children of this handle; their callbacks are not called. For the first handle, which
 * has to be the last to go, it also waits until all children have ended or been given up, and the
 * process with them. */
void spawner_free(struct spawner *spawner);

DEFINE_AUTO(struct spawner *, spawner_free);

/* Gives up root for good: the spawner and all children to come run as this user. Waits until it is
 * done.
 * @return ERR_DENIED when it is not root; ERR_UNAVAILABLE when the spawner is gone. */
MUST_USE enum err spawner_become(struct spawner *spawner, uid_t user, gid_t group);

/*
 * Starts a child; `done` is called once, from spawner_on_readable() or spawner_run(), also when it
 * could not be started.
 * @param ret_id for the functions below; never 0.
 * @return ERR_LIMITED "spawner_full" when too many run or the spawner lags; ERR_INVALID
 * "spawn_request" when the request is too large or argv[0] is no absolute path; ERR_UNAVAILABLE
 * "spawner_lost".
 */
MUST_USE enum err spawner_launch(struct spawner *spawner, const struct spawn_request *request,
                                 spawn_done_fn done, void *argument, uint64_t *ret_id);

/* Sends the child's stop signal to its group, and SIGKILL after its grace. Harmless when it has
 * ended. */
void spawner_stop(struct spawner *spawner, uint64_t id);

/* Sends a signal to the child alone. Harmless when it has ended. */
void spawner_signal(struct spawner *spawner, uint64_t id, int signal_number);

/* Stops the child and forgets the callback, so that its argument may be freed. */
void spawner_abandon(struct spawner *spawner, uint64_t id);

/* To be watched for reading. */
int spawner_fd(const struct spawner *spawner);

/* Takes what the spawner reports and calls the callbacks.
 * @return ERR_UNAVAILABLE "spawner_lost" when the spawner is gone: all callbacks were called with
 * SPAWN_LOST. */
MUST_USE enum err spawner_on_readable(struct spawner *spawner);

/* Waits at most `timeout_ms` for a report and takes it: for code without a loop. */
MUST_USE enum err spawner_wait(struct spawner *spawner, int timeout_ms);

/* Runs a child to its end, blocking. A failure says how it ended and the last line of its standard
 * error.
 * @param ret_output what it wrote to standard output, yours to free; or NULL.
 * @return OK when it exited with 0; ERR_UNAVAILABLE "program_failed" otherwise; ERR_TIMEOUT
 * "program_timeout"; ERR_NOT_FOUND "program_missing". */
MUST_USE enum err spawner_run(struct spawner *spawner, const struct spawn_request *request,
                              char **ret_output);
