/* The limit of a DNS check: a fixed question from a fresh socket, and a look at the answer's head. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/raw_loop.h"

/* RFC 1035, section 4.1: the address of bench.test, recursion desired. */
static const unsigned char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                        "\x05"
                                        "bench\x04"
                                        "test\x00\x00\x01\x00\x01";
#define QUESTION_BYTES (sizeof(question) - 1)

static enum raw on_ready(struct raw_slot *slot, uint32_t events)
{
    unsigned char answer[4096];
    ssize_t len;

    if (!slot->sent && events & EPOLLOUT) {
        if (send(slot->fd, question, QUESTION_BYTES, MSG_NOSIGNAL) != QUESTION_BYTES)
            return RAW_FAILED;
        slot->sent = true;
    }
    if (!(events & EPOLLIN))
        return RAW_WAIT;

    len = recv(slot->fd, answer, sizeof(answer), 0);
    if (len < (ssize_t)QUESTION_BYTES || memcmp(answer, question, 2) != 0)
        return RAW_FAILED;
    return (answer[2] & 0x80) && (answer[3] & 0x0f) == 0 && answer[7] == 1 ? RAW_DONE : RAW_FAILED;
}

int main(int argc, char **argv)
{
    static const struct raw_protocol dns = {.is_datagram = true, .on_ready = on_ready};

    return raw_main(argc, argv, &dns);
}
