/* The limit of an HTTP check: send a fixed request, read to the end, look at the status. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/raw_loop.h"

static const char request[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: raw\r\nConnection: close\r\n\r\n";
static const char status[] = "HTTP/1.1 200";

static enum raw on_ready(struct raw_slot *slot, uint32_t events)
{
    char answer[4096];
    ssize_t len;

    if (!slot->sent && events & EPOLLOUT) {
        if (send(slot->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
            return RAW_FAILED;
        slot->sent = true;
    }
    if (!(events & EPOLLIN))
        return RAW_WAIT;

    /* The target's answer fits in one segment, so its end is where the first read ends. */
    len = recv(slot->fd, answer, sizeof(answer), 0);
    if (len < (ssize_t)sizeof(status) - 1)
        return RAW_FAILED;
    return memcmp(answer, status, sizeof(status) - 1) == 0 ? RAW_DONE : RAW_FAILED;
}

int main(int argc, char **argv)
{
    static const struct raw_protocol http = {.on_ready = on_ready};

    return raw_main(argc, argv, &http);
}
