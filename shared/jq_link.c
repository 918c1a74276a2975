/* The helper is this program itself, as the kernel has it: the file may have been replaced since. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/jq_helper.h"
#include "shared/jq_private.h"

#define THIS_PROGRAM "/proc/self/exe"
#define NICE         5 /* the loops come first */
#define FILES        16
#define ERROR_BYTES  1000

/* Sanitizers reserve address space without end. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MEMORY_BYTES 0
#else
#define MEMORY_BYTES (256 * 1024 * 1024)
#endif

static enum err launch(struct jq_link *link, int its_socket, spawn_done_fn done, void *argument)
{
    static const char *const argv[] = {THIS_PROGRAM, JQ_HELPER_ARGUMENT, NULL};
    const struct spawn_request request = {
        .argv = argv,
        .set_user = link->run_as->set_user,
        .user = link->run_as->user,
        .group = link->run_as->group,
        .no_new_privileges = true,
        .nice = NICE,
        .limits = {.memory_bytes = MEMORY_BYTES, .files = FILES, .no_core_file = true},
        .third_fd = its_socket,
        .error_bytes_max = ERROR_BYTES,
        .stop_signal = SIGKILL,
    };

    return spawner_launch(link->spawner, &request, done, argument, &link->child);
}

enum err jq_link_open(struct jq_link *link, spawn_done_fn done, void *argument)
{
    int ends[2];
    enum err err;

    if (link->socket >= 0)
        return OK;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(ERR_UNAVAILABLE, "jq_link", "no socket for jq: %s", strerrordesc_np(errno));
    err = launch(link, ends[1], done, argument);
    close(ends[1]);
    if (err != OK) {
        close(ends[0]);
        return err;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    link->socket = ends[0];
    return OK;
}

void jq_link_close(struct jq_link *link)
{
    if (link->socket < 0)
        return;
    close(link->socket);
    link->socket = -1;
    spawner_stop(link->spawner, link->child);
    link->child = 0;
}

/* A file in memory at its beginning; -1 with errno. */
static int file_of(struct str document)
{
    int fd = memfd_create("em-jq-document", MFD_CLOEXEC);

    for (size_t at = 0; fd >= 0 && at < document.len;) {
        ssize_t len = pwrite(fd, document.ptr + at, document.len - at, (off_t)at);

        if (len <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)len;
    }
    return fd;
}

static void attach(struct msghdr *message, char *control, int fd)
{
    struct cmsghdr *header;

    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof fd);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

enum err jq_link_send(const struct jq_link *link, struct str program, const struct str *document,
                      uint32_t limit_ms)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct jq_request_packet packet = {.limit_ms = limit_ms};
    struct iovec parts[2] = {{&packet, sizeof packet}, {(void *)program.ptr, program.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    int fd = document ? file_of(*document) : -1;
    ssize_t sent = -1;

    if (fd >= 0)
        attach(&message, control, fd);
    if (fd >= 0 || !document)
        sent = sendmsg(link->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        fail(ERR_UNAVAILABLE, "jq_link", "jq cannot be asked: %s", strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    return sent < 0 ? ERR_UNAVAILABLE : OK;
}

enum err jq_link_receive(const struct jq_link *link, enum json_answer *ret_answer,
                         struct buf *ret_reason)
{
    char data[sizeof(struct jq_answer_packet) + JQ_REASON_BYTES_MAX];
    struct jq_answer_packet packet;
    ssize_t len = recv(link->socket, data, sizeof data, MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return fail(ERR_TIMEOUT, "jq_link", "jq has not answered yet");
    if (len < (ssize_t)sizeof packet)
        return fail(ERR_UNAVAILABLE, "jq_link", "the process that runs jq is gone");
    memcpy(&packet, data, sizeof packet);
    *ret_answer = packet.answer;
    buf_append_escaped(ret_reason, str_n(data + sizeof packet, (size_t)len - sizeof packet),
                       JQ_REASON_BYTES_MAX);
    return OK;
}
