/* The limit of a TCP check: connected is all it wants to know. */
#include <sys/epoll.h>

#include "bench/raw_loop.h"

static enum raw on_ready(struct raw_slot *slot, uint32_t events)
{
    (void)slot;
    return events & EPOLLOUT ? RAW_DONE : RAW_WAIT;
}

int main(int argc, char **argv)
{
    static const struct raw_protocol tcp = {.on_ready = on_ready};

    return raw_main(argc, argv, &tcp);
}
