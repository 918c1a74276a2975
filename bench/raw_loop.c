/* The loop of the raw limit. It trusts its target: no deadlines per probe, only one for the run. */
#include "bench/raw_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256

struct raw_run {
    const struct raw_protocol *protocol;
    struct sockaddr_in target;
    bool reset;     /* close by RST, which leaves no TIME_WAIT behind */
    bool half_open; /* the connection is never acknowledged */
    int epoll_fd;
    uint64_t probes;
    uint64_t failed;
};

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void raw_start(struct raw_run *run, struct raw_slot *slot)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = slot};

    int type = run->protocol->is_datagram ? SOCK_DGRAM : SOCK_STREAM;

    *slot = (struct raw_slot){.fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (slot->fd < 0) {
        perror("socket");
        exit(2);
    }
    if (run->half_open)
        setsockopt(slot->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){0}, sizeof(int));
    if (connect(slot->fd, (struct sockaddr *)&run->target, sizeof(run->target)) < 0 &&
        errno != EINPROGRESS) {
        perror("connect");
        exit(2);
    }
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, slot->fd, &event) < 0) {
        perror("epoll_ctl");
        exit(2);
    }
}

static void raw_close(struct raw_run *run, struct raw_slot *slot)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (run->protocol->on_close)
        run->protocol->on_close(slot);
    if (run->reset)
        setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(slot->fd);
}

static void raw_turn(struct raw_run *run)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int ready = epoll_wait(run->epoll_fd, events, EVENTS_AT_ONCE, 100);

    for (int i = 0; i < ready; i++) {
        struct raw_slot *slot = events[i].data.ptr;
        enum raw became = RAW_FAILED;

        if (!(events[i].events & EPOLLERR))
            became = run->protocol->on_ready(slot, events[i].events);
        if (became == RAW_WAIT)
            continue;

        run->probes++;
        run->failed += became == RAW_FAILED;
        raw_close(run, slot);
        raw_start(run, slot);
    }
}

int raw_main(int argc, char **argv, const struct raw_protocol *protocol)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s PORT IN_FLIGHT SECONDS [fin|reset|half-open] [ARGUMENT]\n",
                argv[0]);
        return 2;
    }
    struct raw_run run = {
        .protocol = protocol,
        .target = {.sin_family = AF_INET,
                   .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .reset = argc > 4 && strcmp(argv[4], "fin") != 0 && !protocol->is_datagram,
        .half_open = argc > 4 && strcmp(argv[4], "half-open") == 0,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
    };
    size_t in_flight = strtoul(argv[2], NULL, 10);
    double until = strtod(argv[3], NULL);
    struct raw_slot *slots = calloc(in_flight, sizeof(*slots));

    if (!slots || in_flight == 0 || run.epoll_fd < 0)
        return 2;
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN},
              NULL); /* OpenSSL writes plainly */
    if (protocol->start)
        protocol->start(argc > 5 ? argv[5] : NULL);

    double began = seconds_now();
    uint64_t cpu_before = cpu_us();

    for (size_t i = 0; i < in_flight; i++)
        raw_start(&run, &slots[i]);
    while (seconds_now() < began + until)
        raw_turn(&run);

    printf("{\"probes\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"cpu_us\": %llu}\n",
           (unsigned long long)run.probes, (unsigned long long)run.failed, seconds_now() - began,
           (unsigned long long)(cpu_us() - cpu_before));
    for (size_t i = 0; i < in_flight; i++)
        raw_close(&run, &slots[i]);
    free(slots);
    return 0;
}
