/*
 * Steps: resolve → resolved → connect → (racing) → handshake → the kind's own. To loopback a
 * connect is over at once and needs no event; everywhere else an attempt waits for its own watcher,
 * several of them side by side.
 */
#include "prober/dial.h"

#include <errno.h>
#include <string.h>

#include "shared/address_policy.h"
#include "shared/clock.h"

#include "prober/probe.h"
#include "prober/shard.h"
#include "prober/tour.h"

static enum wait dial_resolved(struct probe *probe);
static enum wait dial_connect(struct probe *probe);
static enum wait dial_handshake(struct probe *probe);

static const struct probe_step DIAL_RESOLVE = {"resolve", dial_resolved};
static const struct probe_step DIAL_CONNECT = {"connect", dial_connect};
static const struct probe_step DIAL_HANDSHAKE = {"tls", dial_handshake};

/* Loopback and private networks are what a prober is for; the rest of the policy stands. */
static const struct address_policy policy = {.allow_loopback = true, .allow_private = true};

enum address_family address_family_of(const char *word)
{
    if (!word || strcmp(word, "happy") == 0)
        return FAMILY_HAPPY;
    if (strcmp(word, "v4") == 0)
        return FAMILY_V4;
    if (strcmp(word, "v6") == 0)
        return FAMILY_V6;
    return strcmp(word, "all") == 0 ? FAMILY_ALL : FAMILY_PREFER_V6;
}

/* ---- names ---- */

static bool is_wanted(enum address_family family, const struct addr *addr)
{
    if (family == FAMILY_V4)
        return addr->any.sa_family == AF_INET;
    return family != FAMILY_V6 || addr->any.sa_family == AF_INET6;
}

/* Takes the addresses in the order to be tried: families in turn from IPv6 on, or all of IPv6
 * first. */
static void take_answer(struct dial *dial, const struct addr *addrs, size_t count)
{
    size_t six = 0;
    size_t four = 0;

    dial->count = 0;
    while (dial->count < count) {
        bool want_six = dial->target.family == FAMILY_PREFER_V6 || dial->count % 2 == 0;

        while (six < count && addrs[six].any.sa_family != AF_INET6)
            six++;
        while (four < count && addrs[four].any.sa_family != AF_INET)
            four++;
        if (six < count && (want_six || four == count))
            dial->addrs[dial->count++] = addrs[six++];
        else
            dial->addrs[dial->count++] = addrs[four++];
        addr_set_port(&dial->addrs[dial->count - 1], dial->target.port);
    }
}

static void on_answer(void *context, enum dns_status status, const struct addr *addrs, size_t count)
{
    struct probe *probe = context;

    probe->dial.query = NULL;
    probe->dial.dns_status = status;
    take_answer(&probe->dial, addrs, count);
    probe_advance(probe);
}

static enum wait end_for_dns(struct probe *probe)
{
    const char *host = probe->dial.target.host;

    switch (probe->dial.dns_status) {
    case DNS_NXDOMAIN:
        return probe_end(probe, OUTCOME_DNS_NXDOMAIN, "the name %s does not exist", host);
    case DNS_OK:
    case DNS_NODATA:
        return probe_end(probe, OUTCOME_DNS_NODATA,
                         "the name %s has no address of the wanted family", host);
    case DNS_TIMEOUT:
        return probe_end(probe, OUTCOME_DNS_TIMEOUT, "no DNS server answered for %s", host);
    case DNS_SERVFAIL:
        return probe_end(probe, OUTCOME_DNS_SERVFAIL, "no DNS server could resolve %s", host);
    case DNS_REFUSED:
        return probe_end(probe, OUTCOME_DNS_REFUSED, "the DNS server refused to resolve %s", host);
    case DNS_FORMAT:
        return probe_end(probe, OUTCOME_DNS_FORMAT, "the DNS answer for %s cannot be read", host);
    case DNS_UNAVAILABLE:
        break;
    }
    return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober cannot ask DNS for %s", host);
}

const char *dial_refusal(const struct addr *addr)
{
    return address_policy_refusal(&policy, addr);
}

/* Leaves out the addresses that the policy refuses; the first refusal in `ret_why`. */
static void apply_policy(struct dial *dial, const char **ret_why, struct addr *ret_refused)
{
    size_t kept = 0;

    for (size_t i = 0; i < dial->count; i++) {
        const char *why = dial_refusal(&dial->addrs[i]);

        if (!why) {
            dial->addrs[kept++] = dial->addrs[i];
        } else if (!*ret_why) {
            *ret_why = why;
            *ret_refused = dial->addrs[i];
        }
    }
    dial->count = kept;
}

static void set_result_address(struct probe *probe)
{
    const struct addr *addr = &probe->dial.addr;
    struct result_address *address = &probe->result.address;

    probe->result.has |= RESULT_HAS_ADDRESS;
    address->family = (uint8_t)addr->any.sa_family;
    address->port = addr_port(addr);
    if (address->family == AF_INET)
        memcpy(address->bytes, &addr->v4.sin_addr, 4);
    else
        memcpy(address->bytes, &addr->v6.sin6_addr, 16);
}

static enum wait dial_resolved(struct probe *probe)
{
    struct dial *dial = &probe->dial;
    char address[ADDR_TEXT_BYTES];
    const char *why = NULL;
    struct addr refused;

    if (dial->count == 0)
        return end_for_dns(probe);
    apply_policy(dial, &why, &refused);
    if (dial->count == 0)
        return probe_end(probe, OUTCOME_POLICY, "%s %s", addr_format(&refused, address), why);

    for (size_t i = 0; i < dial->count; i++)
        probe_note(probe, "%s", addr_format(&dial->addrs[i], address));
    if (dial->target.family == FAMILY_ALL && dial->dials == 1 && !probe->tour) {
        tour_begin(probe, dial->addrs, dial->count);
        dial->count = 1;
    }
    if (dial->target.transport == DIAL_ADDRESS) {
        dial->addr = dial->addrs[0];
        set_result_address(probe);
        shard_connected(probe->shard, probe);
        probe->step = dial->then;
        return WAIT_NONE;
    }
    probe_enter(probe, PHASE_CONNECT);
    probe->step = &DIAL_CONNECT;
    return WAIT_NONE;
}

/* Whether this is the dial that the tour is about. */
static bool is_on_tour(const struct probe *probe)
{
    return probe->tour && probe->dial.target.family == FAMILY_ALL && probe->dial.dials == 1;
}

/* The address that needs no name: a literal, or the one that a tour is at. */
static bool take_known_address(struct probe *probe)
{
    struct dial *dial = &probe->dial;
    const struct dial_target *target = &dial->target;

    if (target->address || is_on_tour(probe)) {
        dial->addrs[0] = target->address ? *target->address : *tour_address(probe->tour);
        addr_set_port(&dial->addrs[0], target->port);
        dial->count = 1;
        return true;
    }
    if (!addr_parse_ip(str_of(target->host), target->port, &dial->addrs[0]))
        return false;
    dial->count = is_wanted(target->family, &dial->addrs[0]) ? 1 : 0;
    return true;
}

static void ask_for_name(struct probe *probe)
{
    const struct dial_target *target = &probe->dial.target;
    int family = target->family == FAMILY_V4   ? AF_INET
                 : target->family == FAMILY_V6 ? AF_INET6
                                               : AF_UNSPEC;

    probe_enter(probe, PHASE_DNS);
    probe->dial.query = resolver_ask(shard_resolver(probe->shard), target->host, family,
                                     probe_left_ms(probe), on_answer, probe);
}

enum wait dial_start(struct probe *probe, const struct dial_target *target,
                     const struct probe_step *then)
{
    struct dial *dial = &probe->dial;

    dial_release(probe);
    dial->target = *target;
    dial->then = then;
    dial->dns_status = DNS_NODATA;
    dial->count = 0;
    dial->next = 0;
    dial->error = 0;
    dial->is_local = false;
    dial->dials += target->family == FAMILY_ALL;
    probe->step = &DIAL_RESOLVE;
    if (take_known_address(probe))
        return WAIT_NONE;
    ask_for_name(probe);
    return WAIT_CALL;
}

/* ---- connecting ---- */

/* What is wrong here and not at the target.
 * @param at_once connect() itself said so; what comes later comes from the network: EACCES of a
 * router that prohibits the way, "network unreachable" of one that knows none. */
static bool is_local_error(int error, bool at_once)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAFNOSUPPORT:
    case EPERM:
    case EAGAIN:
        return true;
    case EACCES:
    case ENETUNREACH:
        return at_once;
    default:
        return false;
    }
}

/* Remembers the most telling failure: what a target did says more than what this machine lacks. */
static void note_failure(struct dial *dial, const struct addr *addr, int error, bool at_once)
{
    bool is_local = is_local_error(error, at_once);

    if (dial->error != 0 && (is_local || !dial->is_local))
        return;
    dial->error = error;
    dial->is_local = is_local;
    dial->addr = *addr;
}

static enum wait end_for_connect(struct probe *probe)
{
    struct dial *dial = &probe->dial;
    char address[ADDR_TEXT_BYTES];

    set_result_address(probe);
    addr_format(&dial->addr, address);
    if (dial->is_local)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober cannot connect to %s: %s",
                         address, strerrordesc_np(dial->error));
    switch (dial->error) {
    case ECONNREFUSED:
        return probe_end(probe, OUTCOME_CONNECT_REFUSED, "connection refused by %s", address);
    case ETIMEDOUT:
        return probe_end(probe, OUTCOME_CONNECT_TIMEOUT, "no connection to %s: timed out", address);
    case ECONNRESET:
    case EPIPE:
        return probe_end(probe, OUTCOME_RESET, "connection reset by %s", address);
    case EACCES:
        return probe_end(probe, OUTCOME_UNREACHABLE, "%s is unreachable: a router prohibits it",
                         address);
    default:
        return probe_end(probe, OUTCOME_UNREACHABLE, "%s is unreachable: %s", address,
                         strerrordesc_np(dial->error));
    }
}

static void close_attempt(struct probe *probe, struct dial_attempt *attempt)
{
    ev_io_stop(shard_ev(probe->shard), &attempt->io);
    stream_close(&attempt->stream, true);
}

static enum wait begin_handshake(struct probe *probe)
{
    probe->dial.has_session = false;
    probe_enter(probe, PHASE_TLS);
    probe->step = &DIAL_HANDSHAKE;
    return WAIT_NONE;
}

/* The stream of `attempt` is the probe's now; the others are given up. */
static enum wait connected(struct probe *probe, struct dial_attempt *attempt)
{
    struct dial *dial = &probe->dial;
    char address[ADDR_TEXT_BYTES];

    ev_io_stop(shard_ev(probe->shard), &attempt->io);
    probe->stream = attempt->stream;
    attempt->stream = STREAM_CLOSED;
    dial->addr = attempt->addr;
    dial_release(probe);

    set_result_address(probe);
    probe_note(probe, "connected to %s", addr_format(&dial->addr, address));
    shard_connected(probe->shard, probe);
    if (dial->target.tls)
        return begin_handshake(probe);
    probe->step = dial->then;
    return WAIT_NONE;
}

enum wait dial_start_tls(struct probe *probe, struct tls_client *tls, struct tls_names names,
                         const struct probe_step *then)
{
    probe->dial.target.tls = tls;
    probe->dial.target.names = names;
    probe->dial.then = then;
    return begin_handshake(probe);
}

static struct dial_attempt *free_attempt(struct dial *dial)
{
    for (size_t i = 0; i < DIAL_RACING_MAX; i++) {
        if (dial->attempts[i].stream.fd < 0)
            return &dial->attempts[i];
    }
    return NULL;
}

static bool is_racing(const struct dial *dial)
{
    for (size_t i = 0; i < DIAL_RACING_MAX; i++) {
        if (dial->attempts[i].stream.fd >= 0)
            return true;
    }
    return false;
}

static enum stream_transport stream_transport_of(enum dial_transport transport)
{
    switch (transport) {
    case DIAL_UDP:
        return STREAM_UDP;
    case DIAL_TCP_HALF_OPEN:
        return STREAM_TCP_HALF_OPEN;
    case DIAL_TCP:
    case DIAL_ADDRESS:
        break;
    }
    return STREAM_TCP;
}

/* Tries the next addresses until one is under way or connected. */
static enum wait dial_connect(struct probe *probe)
{
    struct dial *dial = &probe->dial;
    enum stream_transport transport = stream_transport_of(dial->target.transport);
    struct dial_attempt *attempt;

    while (dial->next < dial->count && (attempt = free_attempt(dial))) {
        attempt->addr = dial->addrs[dial->next++];
        switch (stream_connect(&attempt->stream, transport, &attempt->addr, dial->target.source)) {
        case IO_DONE:
            return connected(probe, attempt);
        case IO_WANT_WRITE:
            if (dial->error == 0) {
                dial->addr = attempt->addr;
                set_result_address(probe);
            }
            ev_io_set(&attempt->io, attempt->stream.fd, EV_WRITE);
            ev_io_start(shard_ev(probe->shard), &attempt->io);
            if (dial->next < dial->count)
                probe_wake_after(probe, DIAL_FALLBACK_MS);
            return WAIT_CALL;
        case IO_WANT_READ:
        case IO_EOF:
        case IO_ERROR:
            note_failure(dial, &attempt->addr, stream_error(&attempt->stream), true);
            close_attempt(probe, attempt);
        }
    }
    return is_racing(dial) ? WAIT_CALL : end_for_connect(probe);
}

static void on_attempt(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct dial_attempt *attempt = container_of(watcher, struct dial_attempt, io);
    struct probe *probe = attempt->probe;

    (void)ev;
    (void)events;
    if (stream_connected(&attempt->stream) == IO_DONE) {
        connected(probe, attempt);
    } else {
        note_failure(&probe->dial, &attempt->addr, stream_error(&attempt->stream), false);
        close_attempt(probe, attempt);
    }
    probe_advance(probe);
}

/* ---- TLS ---- */

static void note_session(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    tls_describe(&probe->stream, &text);
    probe_note(probe, STR_FMT, STR_ARG(buf_str(&text)));
}

static enum wait dial_handshake(struct probe *probe)
{
    struct dial *dial = &probe->dial;
    struct tls_names names = dial->target.names;
    enum io io;

    if (!names.server)
        names.server = dial->target.host;
    if (!shard_may_handshake(probe->shard))
        return WAIT_TURN;
    if (!dial->has_session &&
        !tls_client_start(dial->target.tls, shard_tls(probe->shard), &probe->stream, names))
        return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober cannot set up TLS");
    dial->has_session = true;

    io = stream_handshake(&probe->stream);
    if (io == IO_WANT_READ || io == IO_WANT_WRITE)
        return probe_wait_io(probe, io);
    tls_read_peer(&probe->stream, &probe->result.tls);
    if (probe->result.tls.version || probe->result.tls.not_after_ms)
        probe->result.has |= RESULT_HAS_TLS;
    if (probe->history)
        note_session(probe);
    if (io != IO_DONE)
        return dial->target.handshake_failed ? dial->target.handshake_failed(probe, io)
                                             : probe_end_io(probe, io);

    probe->step = dial->then;
    return WAIT_NONE;
}

/* ---- life ---- */

void dial_init(struct probe *probe)
{
    struct dial *dial = &probe->dial;

    for (size_t i = 0; i < DIAL_RACING_MAX; i++) {
        dial->attempts[i].probe = probe;
        dial->attempts[i].stream = STREAM_CLOSED;
        ev_io_init(&dial->attempts[i].io, on_attempt, -1, EV_WRITE);
    }
}

void dial_release(struct probe *probe)
{
    struct dial *dial = &probe->dial;

    if (dial->query)
        resolver_cancel(TAKE(dial->query));
    ev_timer_stop(shard_ev(probe->shard), &probe->wake);
    for (size_t i = 0; i < DIAL_RACING_MAX; i++) {
        if (dial->attempts[i].stream.fd >= 0)
            close_attempt(probe, &dial->attempts[i]);
    }
}
