/*
 * nanomsg 1.1.5. The request's identity, which REQ makes and REP keeps, lies in the SP header that
 * a raw socket hands over as control data (NN_SP_HDR); it goes back with the reply as it came.
 */
#include "shared/bus.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"

#define RECONNECT_MS_FIRST 50
#define RECONNECT_MS_MOST  1000

struct bus_requester {
    int socket;
    int fd;
};

struct bus_replier {
    int socket;
    int fd;
    uint64_t lost;
};

static void set_option(int socket, int level, int option, int value)
{
    if (nn_setsockopt(socket, level, option, &value, sizeof value) != 0)
        log_warning("bus.option_refused", "option=%d error=%s", option, nn_strerror(nn_errno()));
}

/* The descriptor that is readable while a message waits; -1 when there is none. */
static int receive_fd(int socket)
{
    int fd = -1;
    size_t size = sizeof fd;

    if (nn_getsockopt(socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &size) != 0)
        return -1;
    return fd;
}

/* Opens a REQ or raw REP socket with our limits. */
static enum err open_socket(int domain, int protocol, int *ret_socket, int *ret_fd)
{
    int socket = nn_socket(domain, protocol);
    int fd;

    if (socket < 0)
        return fail(ERR_UNAVAILABLE, "bus_failed", "No socket for the bus: %s.",
                    nn_strerror(nn_errno()));
    /* nanomsg counts its own header, too, and hangs up on who sends more. */
    set_option(socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, BUS_FRAME_BYTES_MAX + BUS_RETURN_BYTES_MAX);
    set_option(socket, NN_SOL_SOCKET, NN_SNDBUF, 4 * BUS_FRAME_BYTES_MAX);
    set_option(socket, NN_SOL_SOCKET, NN_RCVBUF, 4 * BUS_FRAME_BYTES_MAX);
    set_option(socket, NN_SOL_SOCKET, NN_RECONNECT_IVL, RECONNECT_MS_FIRST);
    set_option(socket, NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, RECONNECT_MS_MOST);
    fd = receive_fd(socket);
    if (fd < 0) {
        nn_close(socket);
        return fail(ERR_UNAVAILABLE, "bus_failed", "No descriptor for the bus: %s.",
                    nn_strerror(nn_errno()));
    }
    *ret_socket = socket;
    *ret_fd = fd;
    return OK;
}

static enum err address_failure(const char *url)
{
    int error = nn_errno();

    if (error == EADDRINUSE)
        return fail(ERR_CONFLICT, "bus_in_use", "The bus address %s is in use.", url);
    return fail(ERR_INVALID, "bus_url", "The bus address %s cannot be used: %s.", url,
                nn_strerror(error));
}

enum err bus_requester_new(const char *url, struct bus_requester **ret_requester)
{
    int socket;
    int fd;
    struct bus_requester *requester;

    TRY(open_socket(AF_SP, NN_REQ, &socket, &fd));
    set_option(socket, NN_REQ, NN_REQ_RESEND_IVL, BUS_RESEND_MS);
    if (nn_connect(socket, url) < 0) {
        enum err err = address_failure(url);

        nn_close(socket);
        return err;
    }
    requester = NEW(struct bus_requester);
    *requester = (struct bus_requester){.socket = socket, .fd = fd};
    *ret_requester = requester;
    return OK;
}

void bus_requester_free(struct bus_requester *requester)
{
    if (!requester)
        return;
    nn_close(requester->socket);
    free(requester);
}

int bus_requester_fd(const struct bus_requester *requester)
{
    return requester->fd;
}

enum err bus_request(struct bus_requester *requester, struct str frame)
{
    if (nn_send(requester->socket, frame.ptr, frame.len, NN_DONTWAIT) < 0)
        return fail(ERR_UNAVAILABLE, "bus_failed", "The request cannot be sent: %s.",
                    nn_strerror(nn_errno()));
    return OK;
}

bool bus_take_reply(struct bus_requester *requester, struct buf *frame)
{
    void *message = NULL;
    int len = nn_recv(requester->socket, &message, NN_MSG, NN_DONTWAIT);

    if (len < 0)
        return false;
    buf_reset(frame);
    buf_append(frame, message, (size_t)len);
    nn_freemsg(message);
    return true;
}

enum err bus_replier_new(const char *url, struct bus_replier **ret_replier)
{
    int socket;
    int fd;
    struct bus_replier *replier;

    TRY(open_socket(AF_SP_RAW, NN_REP, &socket, &fd));
    if (nn_bind(socket, url) < 0) {
        enum err err = address_failure(url);

        nn_close(socket);
        return err;
    }
    replier = NEW(struct bus_replier);
    *replier = (struct bus_replier){.socket = socket, .fd = fd};
    *ret_replier = replier;
    return OK;
}

void bus_replier_free(struct bus_replier *replier)
{
    if (!replier)
        return;
    nn_close(replier->socket);
    free(replier);
}

bool bus_address_is_there(const char *url)
{
    struct str path = str_of(url);

    if (!str_starts_with(path, STR("ipc://")))
        return true;
    return access(str_sub(path, strlen("ipc://"), path.len).ptr, F_OK) == 0;
}

int bus_replier_fd(const struct bus_replier *replier)
{
    return replier->fd;
}

/* Copies the SP header out of the control data; false when it is missing or too long to keep. */
static bool take_return(struct nn_msghdr *header, struct bus_return *ret_return)
{
    for (struct nn_cmsghdr *item = NN_CMSG_FIRSTHDR(header); item;
         item = NN_CMSG_NXTHDR(header, item)) {
        size_t len;

        if (item->cmsg_level != PROTO_SP || item->cmsg_type != SP_HDR)
            continue;
        len = item->cmsg_len - NN_CMSG_LEN(0);
        if (len > BUS_RETURN_BYTES_MAX)
            return false;
        memcpy(ret_return->bytes, NN_CMSG_DATA(item), len);
        ret_return->len = len;
        return true;
    }
    return false;
}

bool bus_take_request(struct bus_replier *replier, struct buf *frame, struct bus_return *ret_return)
{
    for (;;) {
        void *message = NULL;
        void *control = NULL;
        struct nn_iovec part = {.iov_base = &message, .iov_len = NN_MSG};
        struct nn_msghdr header = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = NN_MSG};
        int len = nn_recvmsg(replier->socket, &header, NN_DONTWAIT);
        bool known;

        if (len < 0)
            return false;
        known = take_return(&header, ret_return);
        buf_reset(frame);
        buf_append(frame, message, (size_t)len);
        nn_freemsg(message);
        nn_freemsg(control);
        if (known)
            return true;
    }
}

void bus_reply(struct bus_replier *replier, const struct bus_return *way_back, struct str frame)
{
    char control[NN_CMSG_SPACE(BUS_RETURN_BYTES_MAX)] = {0};
    struct nn_iovec part = {.iov_base = (void *)frame.ptr, .iov_len = frame.len};
    struct nn_msghdr header = {.msg_iov = &part,
                               .msg_iovlen = 1,
                               .msg_control = control,
                               .msg_controllen = NN_CMSG_SPACE(way_back->len)};
    struct nn_cmsghdr *item = NN_CMSG_FIRSTHDR(&header);

    item->cmsg_level = PROTO_SP;
    item->cmsg_type = SP_HDR;
    item->cmsg_len = NN_CMSG_LEN(way_back->len);
    memcpy(NN_CMSG_DATA(item), way_back->bytes, way_back->len);
    if (nn_sendmsg(replier->socket, &header, NN_DONTWAIT) < 0)
        replier->lost++;
}

uint64_t bus_replies_lost(const struct bus_replier *replier)
{
    return replier->lost;
}
