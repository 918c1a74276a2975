/*
 * Two processes: a keeper, which keeps compiled programs and otherwise waits, and its child, the
 * worker, which takes requests, evaluates and answers. Whatever libjq does to the worker - run
 * without end, use all memory, crash - the keeper answers in its place and forks another, which has
 * all programs from the start (compiling one takes 40 ms with libjq 1.6). A worker that had to
 * compile something new ends when it has answered, so that the keeper learns the program, too: it
 * compiles nothing that has not been shown to compile.
 */
#include "shared/jq_helper.h"

#include <errno.h>
#include <jq.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/jq_private.h"
#include "shared/json.h"
#include "shared/list.h"
#include "shared/map.h"
#include "shared/mem.h"

#define PROGRAMS_MAX 256 /* compiled ones that are kept */
#define DOCUMENT_FD  (JQ_SOCKET_FD + 1)

/* Compiled programs, the last used first ------------------------------------------------------- */

struct program {
    char *text;
    jq_state *jq;
    struct list link;
    UT_hash_handle hh;
};

static struct program *programs;
static struct list by_use = {&by_use, &by_use};

static struct program *program_find(struct str text)
{
    struct program *program;

    HASH_FIND(hh, programs, text.ptr, text.len, program);
    if (program) {
        list_remove(&program->link);
        list_prepend(&by_use, &program->link);
    }
    return program;
}

static void program_forget(struct program *program)
{
    HASH_DEL(programs, program);
    list_remove(&program->link);
    jq_teardown(&program->jq);
    free(program->text);
    free(program);
}

static void program_keep(struct str text, jq_state *jq_take)
{
    struct program *program = NEW(struct program);

    if (HASH_COUNT(programs) >= PROGRAMS_MAX)
        program_forget(container_of(by_use.previous, struct program, link));
    program->text = str_dup(text);
    program->jq = jq_take;
    HASH_ADD_KEYPTR(hh, programs, program->text, text.len, program);
    list_prepend(&by_use, &program->link);
}

/* Answers -------------------------------------------------------------------------------------- */

struct answer {
    enum json_answer answer;
    char reason[JQ_REASON_BYTES_MAX];
};

static struct answer answer_of(enum json_answer answer, const char *what, const char *detail)
{
    struct answer given = {.answer = answer};

    snprintf(given.reason, sizeof given.reason, "%s%s", what, detail);
    return given;
}

/* What libjq says in its own words, without what only makes sense in a shell. */
static void copy_words(char *to, size_t size, const char *words)
{
    static const char prefix[] = "jq: error: ";
    static const char *const ends[] = {" (Unix shell quoting issues?)", " at <top-level>",
                                       " (while parsing '", "\n"};
    size_t len;

    if (strncmp(words, prefix, sizeof prefix - 1) == 0)
        words += sizeof prefix - 1;
    len = strlen(words);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *end = strstr(words, ends[i]);

        if (end && (size_t)(end - words) < len)
            len = (size_t)(end - words);
    }
    snprintf(to, size, "%.*s", (int)len, words);
}

/* What the two share -------------------------------------------------------------------------- */

struct shared {
    bool is_busy; /* the worker has a request that nobody has answered */
    uint32_t limit_ms;
    bool has_learnt; /* the worker has compiled this program */
    size_t program_len;
    char program[JSON_ASSERT_BYTES_MAX + 1];
};

static struct shared *shared;
static bool is_worker;

static void reply(const struct answer *answer)
{
    struct jq_answer_packet packet = {.answer = answer->answer};
    struct iovec parts[2] = {{&packet, sizeof packet},
                             {(void *)answer->reason, strlen(answer->reason)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    shared->is_busy = false;
    if (sendmsg(JQ_SOCKET_FD, &message, MSG_NOSIGNAL) < 0)
        _exit(1);
}

/* Time and memory ------------------------------------------------------------------------------ */

/* The kernel ends the worker when the time is over; 0: it is not. */
static void set_timer(uint32_t limit_ms)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_no_memory(void *argument)
{
    struct answer answer =
        answer_of(JSON_ANSWER_LIMIT, "jq needs more memory than it may have", "");

    (void)argument;
    set_timer(0);
    reply(&answer);
    _exit(0);
}

/* Compiling ------------------------------------------------------------------------------------ */

struct complaint {
    char words[JQ_REASON_BYTES_MAX / 2];
    int line;
};

/* Only the first complaint is kept: the others follow from it. */
static void on_error(void *argument, jv message)
{
    struct complaint *complaint = argument;
    const char *words = jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : "?";
    const char *line = strstr(words, ", line ");

    if (!complaint->words[0]) {
        copy_words(complaint->words, sizeof complaint->words, words);
        complaint->line = line ? (int)strtol(line + 7, NULL, 10) : 1;
    }
    jv_free(message);
}

/* NULL when it does not compile; then the complaint says why. */
static jq_state *compile(const char *text, struct complaint *complaint)
{
    jq_state *jq = jq_init();

    if (!jq)
        return NULL;
    jq_set_error_cb(jq, on_error, complaint);
    if (is_worker)
        jq_set_nomem_handler(jq, on_no_memory, NULL);
    if (!jq_compile(jq, text))
        jq_teardown(&jq);
    else
        jq_set_error_cb(jq, NULL, NULL);
    return jq;
}

/* The worker ----------------------------------------------------------------------------------- */

static void limit(__rlimit_resource_t resource, rlim_t amount)
{
    const struct rlimit bound = {amount, amount};

    setrlimit(resource, &bound);
}

/* Neither processes nor files: all descriptors that there may be are taken while libjq runs, the
 * last one by the document. A crash is to be seen as one, also where a sanitizer would make an exit
 * of it. */
static void lock_in(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
        sigaction(crashes[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_NOFILE, DOCUMENT_FD + 1);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 0);
}

/* `end` is what came in place of a further value. */
static struct answer end_answer(jv end, int count)
{
    struct answer answer;
    jv message;

    if (!jv_invalid_has_msg(jv_copy(end))) {
        jv_free(end);
        return count > 0 ? answer_of(JSON_ANSWER_TRUE, "", "")
                         : answer_of(JSON_ANSWER_FALSE, "it gives nothing", "");
    }
    message = jv_invalid_get_msg(end);
    if (jv_get_kind(message) != JV_KIND_STRING)
        message = jv_dump_string(message, 0);
    answer = answer_of(JSON_ANSWER_ERROR, "", jv_string_value(message));
    jv_free(message);
    return answer;
}

static struct answer evaluate(jq_state *jq, struct str text)
{
    jv document = jv_parse_sized(text.ptr, (int)text.len);
    int count = 0;

    if (!jv_is_valid(document)) {
        struct answer answer = end_answer(document, 0);
        char words[JQ_REASON_BYTES_MAX / 2];

        copy_words(words, sizeof words, answer.reason);
        return answer_of(JSON_ANSWER_ERROR, "the document is no JSON: ", words);
    }
    jq_start(jq, document, 0);
    for (;; count++) {
        jv value = jq_next(jq);
        jv_kind kind = jv_get_kind(value);

        if (kind == JV_KIND_INVALID)
            return end_answer(value, count);
        jv_free(value);
        if (kind == JV_KIND_NULL || kind == JV_KIND_FALSE)
            return answer_of(JSON_ANSWER_FALSE, "it gives ",
                             kind == JV_KIND_NULL ? "null" : "false");
    }
}

/* @param ret_is_new that it had to be compiled. */
static struct answer ask_libjq(struct str text, struct str document, bool *ret_is_new)
{
    struct program *program = program_find(text);
    struct complaint complaint = {.line = 1};
    struct answer answer = {.answer = JSON_ANSWER_TRUE};
    jq_state *jq = program ? program->jq : compile(text.ptr, &complaint);

    if (!jq) {
        answer = answer_of(JSON_ANSWER_ERROR, complaint.words, "");
        if (complaint.line > 1)
            snprintf(answer.reason, sizeof answer.reason, "line %d: %s", complaint.line,
                     complaint.words);
        return answer;
    }
    *ret_is_new = !program && document.ptr;
    jq_set_nomem_handler(jq, on_no_memory, NULL);
    if (document.ptr) {
        answer = evaluate(jq, document);
        jq_start(jq, jv_null(), 0); /* lets go of the document */
    }
    if (!program)
        jq_teardown(&jq);
    return answer;
}

static struct answer ask_ourselves(const struct json_assert *assertion, struct str document)
{
    CLEANUP(buf_clear_p) struct buf reason = {0};
    struct answer answer = {.answer = JSON_ANSWER_TRUE};

    if (document.ptr) {
        answer.answer = json_assert_holds(assertion, document, &reason);
        snprintf(answer.reason, sizeof answer.reason, STR_FMT, STR_ARG(buf_str(&reason)));
    }
    return answer;
}

/* @param document its pointer is NULL when the program is to be compiled only. */
static struct answer answer_request(struct str text, struct str document, bool *ret_is_new)
{
    AUTO(json_assert_free) struct json_assert *assertion = NULL;

    *ret_is_new = false;
    if (json_assert_new(text, &assertion) != OK)
        return answer_of(JSON_ANSWER_ERROR, failure_last()->detail, "");
    if (json_assert_is_simple(assertion))
        return ask_ourselves(assertion, document);
    if (document.ptr && json_check_size(document) != OK)
        return answer_of(JSON_ANSWER_LIMIT, failure_last()->detail, "");
    return ask_libjq(text, document, ret_is_new);
}

/* A file in memory; nothing for no file. */
static struct str map_document(int fd)
{
    struct stat status;
    void *text;

    if (fd < 0)
        return str_n(NULL, 0);
    if (fstat(fd, &status) < 0 || status.st_size > INT32_MAX)
        on_no_memory(NULL);
    if (status.st_size == 0)
        return STR("");
    text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        on_no_memory(NULL);
    return str_n(text, (size_t)status.st_size);
}

/* One packet; returns the length of the program in it, -1 at the end. */
static ssize_t receive(char *data, size_t size, struct jq_request_packet *packet, int *ret_fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec parts[2] = {{packet, sizeof *packet}, {data, size - 1}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t len = recvmsg(JQ_SOCKET_FD, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = len < 0 ? NULL : CMSG_FIRSTHDR(&message);

    *ret_fd = -1;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
    if (len < (ssize_t)sizeof *packet)
        return -1;
    data[len - (ssize_t)sizeof *packet] = '\0';
    return len - (ssize_t)sizeof *packet;
}

static void serve(const struct jq_request_packet *packet, struct str text, int fd, bool *ret_is_new)
{
    int hold = fd < 0 ? dup(0) : fd; /* so that libjq finds no free descriptor */
    struct str document;
    struct answer answer;

    shared->limit_ms = packet->limit_ms;
    shared->is_busy = true;
    set_timer(packet->limit_ms);
    document = map_document(fd);
    answer = answer_request(text, document, ret_is_new);
    set_timer(0);
    shared->program_len = text.len;
    shared->has_learnt = *ret_is_new;
    reply(&answer);
    if (document.len > 0)
        munmap((void *)document.ptr, document.len);
    close(hold);
}

/* Works until there is nobody to work for, or something was learnt. */
NORETURN static void work(void)
{
    struct jq_request_packet packet;
    bool is_new = false;
    ssize_t len;
    int fd;

    is_worker = true;
    lock_in();
    while (!is_new && (len = receive(shared->program, sizeof shared->program, &packet, &fd)) >= 0)
        serve(&packet, str_n(shared->program, (size_t)len), fd, &is_new);
    _exit(is_new ? 0 : 1);
}

/* The keeper ----------------------------------------------------------------------------------- */

/* In place of a worker that ended in the middle of its work. */
static void answer_for(int status)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const char *name = sigabbrev_np(number);
    struct answer answer = {.answer = JSON_ANSWER_LIMIT};

    if (number == SIGALRM)
        snprintf(answer.reason, sizeof answer.reason, "jq did not come to an end within %u ms",
                 shared->limit_ms);
    else if (number == SIGSEGV || number == SIGBUS)
        answer = answer_of(JSON_ANSWER_LIMIT, "jq needs more stack than it may have", "");
    else if (number == SIGKILL || number == SIGABRT)
        answer = answer_of(JSON_ANSWER_LIMIT, "jq gave up, or was given up", "");
    else
        answer = answer_of(JSON_ANSWER_ERROR, "jq crashed on it: ", name ? name : "no signal");
    reply(&answer);
}

static void learn(void)
{
    struct complaint complaint = {.line = 1};
    struct str text = str_n(shared->program, shared->program_len);
    jq_state *jq = compile(text.ptr, &complaint);

    if (jq)
        program_keep(text, jq);
    shared->has_learnt = false;
}

/* Forks a worker and waits for its end; false when there is nobody to work for. */
static bool employ(void)
{
    pid_t pid = fork();
    bool was_busy;
    int status;

    if (pid == 0)
        work();
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    was_busy = shared->is_busy;
    if (was_busy)
        answer_for(status);
    if (shared->has_learnt)
        learn();
    return was_busy || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool jq_helper_is_wanted(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], JQ_HELPER_ARGUMENT) == 0;
}

void jq_helper_main(void)
{
    prctl(PR_SET_NAME, "em-jq");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        _exit(1);
    while (employ())
        ;
    _exit(0);
}
