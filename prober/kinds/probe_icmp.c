/*
 * ICMP: echo requests at intervals, and who answers. An unprivileged ping socket where the system
 * allows it (net.ipv4.ping_group_range), else a raw one, which would hear the replies of everybody:
 * the kernel is told to pass on those with our identifier. A random cookie in the data makes sure.
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"

#define COUNT_MAX      20
#define HEAD_BYTES     8
#define COOKIE_BYTES   8
#define READS_PER_STEP 64 /* a flood of foreign replies must not hold up the loop */

struct icmp_spec {
    struct endpoint_spec endpoint;
    unsigned count;
    uint32_t interval_ms;
    size_t size;
    int ttl; /* 0: the system's */
    bool dont_fragment;
    unsigned max_loss_pct;
    unsigned warn_loss_pct;
    uint32_t warn_ms; /* of the mean round-trip time; 0: off */
    uint32_t fail_ms;
};

struct icmp_state {
    uint64_t cookie;
    uint16_t identifier; /* of a raw socket; a ping socket's is the kernel's */
    bool is_raw;
    bool is_v6;
    unsigned sent;
    unsigned received;
    int error; /* the last that came back; 0: none */
    int64_t sent_us[COUNT_MAX];
    int64_t round_trip_us[COUNT_MAX]; /* 0: no reply */
};

static enum wait icmp_begin(struct probe *probe);
static enum wait icmp_open(struct probe *probe);
static enum wait icmp_send(struct probe *probe);
static enum wait icmp_wait(struct probe *probe);

static const struct probe_step ICMP_BEGIN = {"begin", icmp_begin};
static const struct probe_step ICMP_OPEN = {"open", icmp_open};
static const struct probe_step ICMP_SEND = {"send", icmp_send};
static const struct probe_step ICMP_WAIT = {"replies", icmp_wait};

static struct icmp_state *state_of(struct probe *probe)
{
    return (struct icmp_state *)probe->state;
}

static const struct icmp_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

/* ---- the socket ---- */

static enum wait icmp_begin(struct probe *probe)
{
    struct icmp_spec *spec = probe->check->spec;
    struct dial_target target = endpoint_target(&spec->endpoint, false);

    *state_of(probe) = (struct icmp_state){0};
    target.transport = DIAL_ADDRESS;
    return dial_start(probe, &target, &ICMP_OPEN);
}

/* A socket of that type with the spec's options, connected; -1 with errno. */
static int open_socket(struct probe *probe, int type)
{
    const struct icmp_spec *spec = spec_of(probe);
    const struct addr *addr = &probe->dial.addr;
    bool is_v6 = addr->any.sa_family == AF_INET6;
    int fd = socket(addr->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    is_v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
    int discover = is_v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    int level = is_v6 ? (int)IPPROTO_IPV6 : (int)IPPROTO_IP;
    int on = 1;
    int error;

    if (fd < 0)
        return -1;
    setsockopt(fd, level, is_v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
    if (spec->ttl)
        setsockopt(fd, level, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, &spec->ttl, sizeof spec->ttl);
    if (spec->dont_fragment)
        setsockopt(fd, level, is_v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &discover,
                   sizeof discover);
    if ((!spec->endpoint.has_source ||
         bind(fd, &spec->endpoint.source.any, addr_len(&spec->endpoint.source)) == 0) &&
        connect(fd, &addr->any, addr_len(addr)) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Lets through only what carries our identifier, after the IP header where there is one. */
static void filter_replies(int fd, const struct icmp_state *state)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LDX | (state->is_v6 ? BPF_IMM : BPF_B | BPF_MSH), 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, state->identifier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static enum wait icmp_open(struct probe *probe)
{
    struct icmp_state *state = state_of(probe);
    int fd = open_socket(probe, SOCK_DGRAM);
    char address[ADDR_TEXT_BYTES];

    state->is_v6 = probe->dial.addr.any.sa_family == AF_INET6;
    state->identifier = (uint16_t)random_number();
    state->cookie = (uint64_t)random_number() << 32 | random_number();
    if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EPROTONOSUPPORT)) {
        fd = open_socket(probe, SOCK_RAW);
        state->is_raw = true;
        if (fd >= 0)
            filter_replies(fd, state);
    }
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return probe_end(probe, OUTCOME_PROBER_ERROR,
                         "this prober may not send ICMP: it needs a group within "
                         "net.ipv4.ping_group_range, or CAP_NET_RAW");
    if (fd < 0 && errno == EHOSTUNREACH)
        return probe_end(probe, OUTCOME_UNREACHABLE, "%s is unreachable: %s",
                         addr_format(&probe->dial.addr, address), strerrordesc_np(errno));
    if (fd < 0)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober cannot send ICMP to %s: %s",
                         addr_format(&probe->dial.addr, address), strerrordesc_np(errno));
    stream_adopt(&probe->stream, fd);
    probe_note(probe, "%s socket", state->is_raw ? "raw" : "ping");
    probe_enter(probe, PHASE_REQUEST);
    probe->step = &ICMP_SEND;
    return WAIT_NONE;
}

/* ---- requests ---- */

/* The internet checksum (RFC 1071). */
static uint16_t checksum(const unsigned char *bytes, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Composes the next request in `bytes`; its length. For IPv6 and ping sockets the kernel sums. */
static size_t compose(const struct icmp_state *state, size_t data_len, unsigned char *bytes)
{
    size_t len = HEAD_BYTES + data_len;
    uint16_t sum;

    bytes[0] = state->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    bytes[1] = bytes[2] = bytes[3] = 0;
    bytes[4] = (unsigned char)(state->identifier >> 8);
    bytes[5] = (unsigned char)(state->identifier & 0xff);
    bytes[6] = 0;
    bytes[7] = (unsigned char)state->sent;
    memcpy(bytes + HEAD_BYTES, &state->cookie, COOKIE_BYTES);
    for (size_t i = HEAD_BYTES + COOKIE_BYTES; i < len; i++)
        bytes[i] = (unsigned char)i;
    sum = checksum(bytes, len);
    bytes[2] = (unsigned char)(sum >> 8);
    bytes[3] = (unsigned char)(sum & 0xff);
    return len;
}

/* The interval, or less when the timeout has no room for all. */
static uint32_t interval_ms(const struct probe *probe)
{
    const struct icmp_spec *spec = spec_of(probe);

    return MIN(spec->interval_ms, probe->limit_ms / (spec->count + 1) + 1);
}

/* Notes what came back in place of a reply. The kernel keeps the details until they are read, and
 * the socket stays ready until then. */
static void take_error(struct probe *probe, char *into)
{
    state_of(probe)->error = stream_error(&probe->stream);
    while (recv(probe->stream.fd, into, SHARD_SCRATCH_BYTES, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
        ;
}

static enum wait icmp_send(struct probe *probe)
{
    const struct icmp_spec *spec = spec_of(probe);
    struct icmp_state *state = state_of(probe);
    unsigned char *bytes = (unsigned char *)shard_scratch(probe->shard);
    size_t len = compose(state, MIN(spec->size, (size_t)SHARD_SCRATCH_BYTES - HEAD_BYTES), bytes);
    enum io io;
    size_t written;

    state->sent_us[state->sent] = clock_monotonic_us();
    io = stream_write(&probe->stream, bytes, len, &written);
    if (io == IO_WANT_WRITE)
        return WAIT_WRITE;
    if (io == IO_ERROR && stream_error(&probe->stream) == EMSGSIZE)
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "%zu bytes of data do not fit through the path without being fragmented",
                         spec->size);
    if (io == IO_ERROR &&
        (stream_error(&probe->stream) == ENOBUFS || stream_error(&probe->stream) == ENOMEM))
        return probe_end_io(probe, io);
    if (io == IO_ERROR) /* what came back for an earlier one; this one counts as lost */
        take_error(probe, (char *)bytes);
    state->sent++;
    if (state->sent < spec->count)
        probe_wake_after(probe, interval_ms(probe));
    if (probe->result.phase == PHASE_REQUEST)
        probe_enter(probe, PHASE_FIRST_BYTE);
    probe->step = &ICMP_WAIT;
    return WAIT_NONE;
}

/* ---- replies ---- */

/* Notes a reply to one of our requests; everything else is left aside. */
static void take_reply(struct icmp_state *state, struct str bytes, int64_t now_us)
{
    const unsigned char wanted = state->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
    const unsigned char *at;
    unsigned sequence;

    if (state->is_raw && !state->is_v6 && bytes.len > 0)
        bytes = str_sub(bytes, (size_t)((unsigned char)bytes.ptr[0] & 0xf) * 4, bytes.len);
    if (bytes.len < HEAD_BYTES + COOKIE_BYTES)
        return;
    at = (const unsigned char *)bytes.ptr;
    sequence = (unsigned)at[6] << 8 | at[7];
    if (at[0] != wanted || (state->is_raw && ((unsigned)at[4] << 8 | at[5]) != state->identifier) ||
        memcmp(at + HEAD_BYTES, &state->cookie, COOKIE_BYTES) != 0 || sequence >= state->sent ||
        state->round_trip_us[sequence] != 0)
        return;
    state->round_trip_us[sequence] = MAX(now_us - state->sent_us[sequence], INT64_C(1));
    state->received++;
}

static enum wait judge(struct probe *probe)
{
    const struct icmp_spec *spec = spec_of(probe);
    const struct icmp_state *state = state_of(probe);
    unsigned lost_pct = 100 - state->received * 100 / MAX(state->sent, 1u);
    int64_t least_us = INT64_MAX;
    int64_t most_us = 0;
    int64_t sum_us = 0;
    double mean_ms;

    for (unsigned i = 0; i < state->sent; i++) {
        sum_us += state->round_trip_us[i];
        most_us = MAX(most_us, state->round_trip_us[i]);
        if (state->round_trip_us[i])
            least_us = MIN(least_us, state->round_trip_us[i]);
    }
    buf_reset(&probe->perfdata);
    buf_printf(&probe->perfdata, "{\"lost\":{\"value\":%u,\"uom\":\"%%\"}", lost_pct);
    mean_ms = state->received ? (double)sum_us / state->received / 1000. : 0;
    if (state->received)
        buf_printf(&probe->perfdata,
                   ",\"round_trip\":{\"value\":%.3f,\"uom\":\"ms\",\"min\":%.3f,\"max\":%.3f}",
                   mean_ms, (double)least_us / 1000., (double)most_us / 1000.);
    buf_append_char(&probe->perfdata, '}');
    probe->result.perfdata = buf_str(&probe->perfdata);
    probe->result.has |= RESULT_HAS_PERFDATA;

    probe_enter(probe, PHASE_ASSERT);
    if (state->received == 0 && state->error)
        return probe_end(probe, OUTCOME_UNREACHABLE, "no reply to %u requests: %s", state->sent,
                         strerrordesc_np(state->error));
    if (lost_pct > spec->max_loss_pct)
        return probe_end(probe, OUTCOME_ICMP_LOSS, "%u of %u requests had no reply",
                         state->sent - state->received, state->sent);
    if (spec->fail_ms && mean_ms >= spec->fail_ms)
        return probe_end_as(probe, VERDICT_FAIL, OUTCOME_SLOW,
                            "the mean round trip took %.1f ms, the limit is %u ms", mean_ms,
                            spec->fail_ms);
    if (lost_pct > spec->warn_loss_pct)
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_ICMP_LOSS,
                            "%u of %u requests had no reply", state->sent - state->received,
                            state->sent);
    if (spec->warn_ms && mean_ms >= spec->warn_ms)
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_SLOW,
                            "the mean round trip took %.1f ms, more than %u ms", mean_ms,
                            spec->warn_ms);
    return probe_end(probe, OUTCOME_OK, "%u of %u replied, mean round trip %.3f ms",
                     state->received, state->sent, mean_ms);
}

static enum wait icmp_wait(struct probe *probe)
{
    struct icmp_state *state = state_of(probe);
    char *into = shard_scratch(probe->shard);

    for (unsigned reads = 0; reads < READS_PER_STEP; reads++) {
        size_t len = 0;
        enum io io = stream_read(&probe->stream, into, SHARD_SCRATCH_BYTES, &len);

        if (io == IO_WANT_READ) {
            if (state->sent == spec_of(probe)->count)
                return state->received == state->sent ? judge(probe) : WAIT_READ;
            if (ev_is_active(&probe->wake))
                return WAIT_READ;
            probe->step = &ICMP_SEND;
            return WAIT_NONE;
        }
        if (io == IO_ERROR)
            take_error(probe, into);
        else if (io == IO_DONE)
            take_reply(state, str_n(into, len), clock_monotonic_us());
    }
    return WAIT_TURN;
}

/* What has not come by now is lost. */
static enum wait icmp_late(struct probe *probe)
{
    char address[ADDR_TEXT_BYTES];

    if (probe->result.phase == PHASE_DNS)
        return probe_end(probe, OUTCOME_DNS_TIMEOUT, "no DNS answer for %s within %u ms",
                         probe->dial.target.host, probe->limit_ms);
    if (state_of(probe)->sent == 0)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "no request could be sent to %s in time",
                         addr_format(&probe->dial.addr, address));
    return judge(probe);
}

/* ---- the spec ---- */

static void icmp_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct icmp_spec *spec = NEW(struct icmp_spec);
    const json_t *expect = json_object_get(json, "expect");

    (void)errors;
    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->count = (unsigned)json_integer_or(json, "count", 3);
    spec->interval_ms = (uint32_t)json_integer_or(json, "interval_ms", 200);
    spec->size = (size_t)json_integer_or(json, "size", 56);
    spec->ttl = (int)json_integer_or(json, "ttl", 0);
    spec->dont_fragment = json_boolean_or(json, "dont_fragment", false);
    spec->warn_loss_pct = (unsigned)json_integer_or(expect, "warn_loss_pct", 100);
    spec->max_loss_pct = (unsigned)json_integer_or(expect, "max_loss_pct", 0);
    spec->warn_ms = (uint32_t)json_integer_or(expect, "warn_ms", 0);
    spec->fail_ms = (uint32_t)json_integer_or(expect, "fail_ms", 0);
}

static void icmp_spec_free(void *object)
{
    struct icmp_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

const struct probe_kind probe_icmp = {
    .name = "icmp",
    .first = &ICMP_BEGIN,
    .state_bytes = sizeof(struct icmp_state),
    .spec_new = icmp_spec_new,
    .spec_free = icmp_spec_free,
    .timed_out = icmp_late,
};
