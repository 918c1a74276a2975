/*
 * Inside of the spawner: the packets between its two halves, which are one program, so structs
 * travel as they are; and what its process consists of. spawner.c is the owner's half,
 * spawner_run.c a run that blocks; spawner_process.c is the process, spawner_reap.c the ends of its
 * children, spawner_table.c the table of them, spawner_child.c one start, spawner_log.c a child's
 * log file.
 *
 * Thread: each process has one; in the owner's process, one for each handle.
 */
#pragma once

#include "shared/buf.h"
#include "shared/list.h"
#include "shared/map.h"
#include "shared/spawner.h"

/* The owner asks ------------------------------------------------------------------------------ */

enum spawn_packet_type { SPAWN_LAUNCH, SPAWN_STOP, SPAWN_SIGNAL, SPAWN_BECOME, SPAWN_OPEN };

#define SPAWN_PACKET_FDS_MAX 2

/* After it, of SPAWN_LAUNCH: the texts, each with its zero byte: arguments, environment, folder,
 * log path. With it: the descriptors, standard input before the third; of SPAWN_OPEN the new
 * socket. */
struct spawn_packet {
    enum spawn_packet_type type;
    uint64_t id;
    int signal_number; /* of SPAWN_SIGNAL; of SPAWN_LAUNCH the stop signal, 0 for the default */
    uid_t user;
    gid_t group;
    bool set_user;
    bool no_new_privileges;
    bool has_log;
    bool has_input;
    bool has_third;
    mode_t umask;
    int nice;
    uint32_t argument_count;
    uint32_t environment_count;
    struct spawn_limits limits;
    uint32_t bytes_max[2]; /* of the two captured streams; [0] of the log */
    uint64_t flood_bytes_max;
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

/* One start ----------------------------------------------------------------------------------- */

/* What every child takes over from the spawner, read once. */
struct child_defaults {
    int null_fd; /* has a number of CHILD_FDS or more */
    pid_t spawner;
    uint64_t files;      /* the soft limit of open files that the spawner was started with */
    uint64_t maximum[5]; /* hard limits, in the order of struct spawn_limits */
};

/* Places in the spawner's table of descriptors. */
enum {
    FD_OWNER = 3, /* the first handle */
    FD_INPUT,     /* of the child that is being started */
    FD_OUTPUT,
    FD_ERROR,
    FD_THIRD,
    CHILD_FDS, /* all others have higher numbers */
};

/* Takes those places. */
void child_defaults_read(struct child_defaults *defaults, int null_fd);

/* What a child is started with; the texts point into the packet. */
struct child_start {
    const struct child_defaults *defaults;
    const struct spawn_packet *packet;
    char **arguments;
    char **environment;
    const char *folder;
    int input_fd; /* -1: /dev/null */
    int third_fd; /* -1: none */
    int output_fds[2];
    volatile int *error_number; /* in shared memory: set when the program could not be run */
};

/* Starts the program; -1 with errno when there is no process to be had. All signals have to be
 * blocked and their handling the default. */
pid_t child_start(struct child_start *start);

/* Logs --------------------------------------------------------------------------------------- */

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

enum child_state {
    CHILD_FREE,
    CHILD_RUNNING,  /* until it is reaped */
    CHILD_DRAINING, /* what is left in its pipes is read */
    CHILD_DONE,     /* its report waits for room in the owner's socket */
};

/* What a child was stopped for. */
enum child_fault { CHILD_SOUND, CHILD_LATE, CHILD_FLOODING };

struct child {
    enum child_state state;
    struct list link;  /* free_children; live_children; or done of its owner */
    UT_hash_handle hh; /* by pid, while it runs */
    struct owner *owner;
    uint64_t id;
    pid_t pid;
    int stop_signal;
    int nice;
    enum child_fault fault;
    int64_t grace_us;
    int64_t started_us;
    int64_t watch_at_us;
    int64_t stop_at_us; /* the timeout */
    int64_t kill_at_us; /* the end of the grace; SPAWN_FOREVER: it was not told to stop */
    int64_t give_up_at_us;
    int64_t drained_at_us;
    int fds[2]; /* -1: closed */
    struct buf captured[2];
    uint32_t bytes_max[2];
    uint64_t flood_bytes_left;
    bool truncated[2];
    struct child_log log; /* path NULL: captured */
    enum spawn_end end;
    int status;
    int64_t wall_us;
    int64_t cpu_us;
};

/* The other end of a handle. */
struct owner {
    int fd; /* -1: nobody */
    bool is_full;
    struct list done; /* children whose report did not go out yet */
};

extern struct child children[SPAWN_IN_FLIGHT_MAX];
extern struct list live_children; /* running and draining ones, the oldest first */

void children_init(void);

/* A free place at the end of live_children; NULL when there is none. */
struct child *child_new(void);

/* From now on child_of_pid() knows it; until child_forget_pid(). */
void child_know_pid(struct child *child, pid_t pid);
void child_forget_pid(struct child *child);

/* The running child of that pid or id; NULL when there is none. */
struct child *child_of_pid(pid_t pid);
struct child *child_of_id(const struct owner *owner, uint64_t id);

/* Releases what the child holds and makes its place free. */
void child_clear(struct child *child);

/* The index in `children`. */
static inline size_t child_index(const struct child *child)
{
    return (size_t)(child - children);
}

/* Its earliest deadline. */
int64_t child_due_us(const struct child *child);

/* The ends of children ------------------------------------------------------------------------ */

void reap_init(int poller, volatile int *error_numbers);

/* From here on it is no short run: its pipes are watched, and it steps back by its nice value. */
void child_watch(struct child *child);

/* Reads what is there, within limits, and ends what floods. */
void child_read(struct child *child, int stream);

/* Sends the stop signal; SIGKILL follows after the grace. Harmless when it was told before. */
void child_stop(struct child *child);

/* The child never ran. */
void child_fail(struct child *child, int error_number);

/* Does what is due for the child at `now_us`. */
void child_keep_deadlines(struct child *child, int64_t now_us);

/* Takes all ends that there are, in portions; true when there may be more. */
bool reap(void);

/* When orphans are to be looked for; SPAWN_FOREVER. */
int64_t sweep_due_us(void);

/* Kills those of our children that nobody asked for and that are in no living child's group. */
void sweep(void);

/* The process --------------------------------------------------------------------------------- */

/* Serves requests on `socket` until all handles are closed and all children have ended. */
NORETURN void spawner_process_run(int socket, const char *name);

/* Sends the report of a child that is done and frees its place; later when there is no room. */
void child_report(struct child *child);

/* Some child has a deadline then. */
void children_note_due(int64_t due_us);
