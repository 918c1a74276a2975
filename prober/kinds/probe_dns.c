/*
 * DNS: one question to each server, and what its answer says. The servers are the addresses of a
 * tour, so each has a result and the vote makes one of them. Nothing is cached; a question over UDP
 * is repeated when nothing came for a while, as one datagram may be lost.
 */
#include <netdb.h>
#include <stdio.h>

#include "shared/crypto.h"
#include "shared/dns_message.h"
#include "shared/json.h"
#include "shared/regex.h"
#include "shared/resolver.h"
#include "shared/vec.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"
#include "prober/tour.h"

#define PORT             53
#define PORT_TLS         853
#define ASKS_MAX         3 /* of one question over UDP, each after twice the time of the one before */
#define FIRST_WAIT_PARTS 7    /* 1 + 2 + 4 parts of the time there is */
#define STRAY_MAX        1000 /* datagrams that are no answer to the question */
#define SHOWN_BYTES_MAX  200

enum dns_transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

struct dns_spec {
    struct endpoint_spec endpoint;
    enum dns_transport transport;
    char *name;
    uint16_t type;
    uint16_t class;
    bool recursion;
    VEC(struct addr) servers; /* none: those of the prober */
    uint16_t rcodes;          /* a bit for each that is expected */
    int64_t min_answers;
    struct regex *section_regex[DNS_SECTION_COUNT]; /* NULL: off */
    struct regex *answer_not_regex;
    int authoritative; /* -1: either */
};

struct dns_state {
    struct dns_question question;
    enum dns_transport transport; /* UDP, and TCP after an answer that was cut off */
    struct addr server;
    char host[ADDR_TEXT_BYTES]; /* its IP, as the name for TLS */
    size_t sent;
    unsigned asks;
    unsigned strays;
    uint32_t wait_ms;
};

static enum wait dns_begin(struct probe *probe);
static enum wait dns_ask(struct probe *probe);
static enum wait dns_send(struct probe *probe);
static enum wait dns_receive(struct probe *probe);

static const struct probe_step DNS_BEGIN = {"begin", dns_begin};
static const struct probe_step DNS_ASK = {"ask", dns_ask};
static const struct probe_step DNS_SEND = {"send", dns_send};
static const struct probe_step DNS_RECEIVE = {"answer", dns_receive};

static struct dns_state *state_of(struct probe *probe)
{
    return (struct dns_state *)probe->state;
}

static const struct dns_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

/* ---- to the server ---- */

static enum wait dial_server(struct probe *probe)
{
    struct dns_spec *spec = probe->check->spec;
    struct dns_state *state = state_of(probe);
    struct dial_target target = endpoint_target(&spec->endpoint, state->transport == TRANSPORT_TLS);

    target.address = &state->server;
    getnameinfo(&state->server.any, addr_len(&state->server), state->host, sizeof state->host, NULL,
                0, NI_NUMERICHOST);
    target.host = state->host;
    target.port = addr_port(&state->server);
    target.transport = state->transport == TRANSPORT_UDP ? DIAL_UDP : DIAL_TCP;
    return dial_start(probe, &target, &DNS_ASK);
}

static enum wait dns_begin(struct probe *probe)
{
    const struct dns_spec *spec = spec_of(probe);
    struct dns_state *state = state_of(probe);
    struct addr servers[RESOLVER_ADDRS_MAX];
    size_t count = spec->servers.len;

    *state = (struct dns_state){
        .question = {.name = str_of(spec->name),
                     .type = spec->type,
                     .class = spec->class,
                     .recursion = spec->recursion,
                     .edns = true},
        .transport = spec->transport,
    };
    if (!probe->tour) {
        for (size_t i = 0; i < count; i++)
            servers[i] = spec->servers.items[i];
        if (count == 0)
            count = resolver_servers(shard_resolver(probe->shard), servers, ARRAY_LEN(servers));
        if (count == 0)
            return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober knows no DNS server");
        tour_begin(probe, servers, count);
    }
    state->server = *tour_address(probe->tour);
    if (addr_port(&state->server) == 0 ||
        (spec->servers.len == 0 && spec->transport == TRANSPORT_TLS))
        addr_set_port(&state->server, spec->transport == TRANSPORT_TLS ? PORT_TLS : PORT);
    return dial_server(probe);
}

/* ---- the question ---- */

static enum wait dns_ask(struct probe *probe)
{
    struct dns_state *state = state_of(probe);
    CLEANUP(buf_clear_p) struct buf message = {0};

    if (state->asks == 0)
        state->question.id = (uint16_t)random_number();
    dns_question_write(&message, &state->question);
    buf_reset(&probe->kept);
    if (state->transport != TRANSPORT_UDP) {
        buf_append_char(&probe->kept, (char)(message.len >> 8));
        buf_append_char(&probe->kept, (char)(message.len & 0xff));
    }
    buf_append_str(&probe->kept, buf_str(&message));
    state->sent = 0;
    state->asks++;
    probe_enter(probe, PHASE_DNS);
    probe->step = &DNS_SEND;
    return WAIT_NONE;
}

static enum wait dns_send(struct probe *probe)
{
    struct dns_state *state = state_of(probe);

    while (state->sent < probe->kept.len) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, probe->kept.data + state->sent,
                                  probe->kept.len - state->sent, &len);

        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        state->sent += len;
    }
    if (state->transport == TRANSPORT_UDP && state->asks < ASKS_MAX) {
        if (state->asks == 1)
            state->wait_ms = probe_left_ms(probe) / FIRST_WAIT_PARTS + 1;
        probe_wake_after(probe, state->wait_ms);
        state->wait_ms *= 2;
    }
    probe->step = &DNS_RECEIVE;
    return WAIT_READ;
}

/* ---- the answer ---- */

/* What is gathered from the records. */
struct findings {
    const struct probe *probe;
    struct str message;
    struct buf line;
    struct buf shown; /* the rdata of the answers, for people */
    int64_t answers;  /* of the type */
    bool matched[DNS_SECTION_COUNT];
    bool refused; /* by answer_not_regex */
    bool too_costly;
};

static bool matches(struct findings *findings, const struct regex *regex)
{
    enum regex_answer answer = regex_match(regex, buf_str(&findings->line));

    findings->too_costly |= answer == REGEX_LIMIT;
    return answer == REGEX_MATCH;
}

static bool on_record(void *context, const struct dns_record *record)
{
    struct findings *findings = context;
    const struct dns_spec *spec = spec_of(findings->probe);
    const struct regex *regex = spec->section_regex[record->section];
    char word[DNS_WORD_BYTES];
    size_t data_at;

    buf_reset(&findings->line);
    buf_printf(&findings->line, "%s %u %s %s ", record->name, record->ttl_s,
               record->class == DNS_CLASS_CHAOS ? "CH" : "IN", dns_type_word(record->type, word));
    data_at = findings->line.len;
    dns_rdata_write(&findings->line, findings->message, record);
    if (record->section == DNS_ANSWER && findings->shown.len < SHOWN_BYTES_MAX)
        buf_printf(&findings->shown, "%s" STR_FMT, findings->shown.len > 0 ? ", " : "",
                   STR_ARG(str_sub(buf_str(&findings->line), data_at, SHOWN_BYTES_MAX)));
    if (record->section == DNS_ANSWER)
        findings->answers += record->type == spec->type || spec->type == dns_type_of(STR("ANY"));
    if (regex && !findings->matched[record->section])
        findings->matched[record->section] = matches(findings, regex);
    if (record->section == DNS_ANSWER && spec->answer_not_regex)
        findings->refused |= matches(findings, spec->answer_not_regex);
    return !findings->too_costly;
}

static void findings_clear(struct findings *findings)
{
    buf_clear(&findings->line);
    buf_clear(&findings->shown);
}

static enum outcome rcode_outcome(unsigned rcode)
{
    switch (rcode) {
    case 1:
        return OUTCOME_DNS_FORMAT;
    case 2:
        return OUTCOME_DNS_SERVFAIL;
    case 3:
        return OUTCOME_DNS_NXDOMAIN;
    case 5:
        return OUTCOME_DNS_REFUSED;
    default:
        return OUTCOME_STATUS_MISMATCH;
    }
}

static enum wait judge_records(struct probe *probe, const struct findings *findings)
{
    static const char *const sections[] = {"answer", "authority section", "additional section"};
    const struct dns_spec *spec = spec_of(probe);
    struct str shown = buf_str(&findings->shown);

    if (findings->too_costly)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the expression takes too long on this answer");
    if (findings->answers < spec->min_answers && findings->answers == 0)
        return probe_end(probe, OUTCOME_DNS_NODATA,
                         "the answer has no record of the type%s" STR_FMT,
                         shown.len > 0 ? ", only " : "", STR_ARG(shown));
    if (findings->answers < spec->min_answers)
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "%lld records of the type, expected %lld",
                         (long long)findings->answers, (long long)spec->min_answers);
    for (int i = 0; i < DNS_SECTION_COUNT; i++) {
        if (spec->section_regex[i] && !findings->matched[i])
            return probe_end(probe, OUTCOME_ASSERT_FAILED,
                             "no record of the %s matches the expression; answer: " STR_FMT,
                             sections[i], STR_ARG(shown));
    }
    if (findings->refused)
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "a record of the answer matches what must not be there: " STR_FMT,
                         STR_ARG(shown));
    return probe_succeed(probe, "%lld record(s): " STR_FMT, (long long)findings->answers,
                         STR_ARG(shown));
}

static enum wait judge(struct probe *probe, struct str message, const struct dns_head *head)
{
    const struct dns_spec *spec = spec_of(probe);
    CLEANUP(findings_clear) struct findings findings = {.probe = probe, .message = message};
    char word[DNS_WORD_BYTES];

    probe_enter(probe, PHASE_ASSERT);
    if (!dns_records_read(message, on_record, &findings))
        return probe_end(probe, OUTCOME_DNS_FORMAT, "the answer of %zu bytes cannot be read",
                         message.len);
    probe_note(probe, "%s%s, %u answers, %u authorities, %u additional: " STR_FMT,
               dns_rcode_word(head->rcode, word), head->is_authoritative ? " (authoritative)" : "",
               head->counts[DNS_ANSWER], head->counts[DNS_AUTHORITY], head->counts[DNS_ADDITIONAL],
               STR_ARG(buf_str(&findings.shown)));
    if (!(spec->rcodes >> head->rcode & 1))
        return probe_end(probe, rcode_outcome(head->rcode), "the server answered %s for %s",
                         dns_rcode_word(head->rcode, word), spec->name);
    if (spec->authoritative >= 0 && head->is_authoritative != (spec->authoritative == 1))
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "the server %s an authority for %s",
                         head->is_authoritative ? "says it is" : "does not say it is", spec->name);
    return judge_records(probe, &findings);
}

/* Whether the message is the answer to what was asked; what is not is left aside. */
static bool is_our_answer(struct dns_state *state, struct str message, struct dns_head *ret_head)
{
    return dns_head_read(message, ret_head) && ret_head->is_reply &&
           ret_head->id == state->question.id &&
           (dns_repeats_question(message, &state->question) || ret_head->rcode == 1);
}

static enum wait ask_over_tcp(struct probe *probe)
{
    struct dns_state *state = state_of(probe);

    probe_note(probe, "cut off: asked again over TCP");
    probe_close_stream(probe);
    buf_reset(&probe->in);
    state->transport = TRANSPORT_TCP;
    return dial_server(probe);
}

static enum wait take_datagram(struct probe *probe, struct str message)
{
    struct dns_state *state = state_of(probe);
    struct dns_head head;

    if (!is_our_answer(state, message, &head)) {
        if (++state->strays > STRAY_MAX)
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                             "more than %d datagrams that answer another question", STRAY_MAX);
        return WAIT_NONE;
    }
    return head.is_truncated ? ask_over_tcp(probe) : judge(probe, message, &head);
}

static enum wait receive_datagrams(struct probe *probe)
{
    struct dns_state *state = state_of(probe);
    char *into = shard_scratch(probe->shard);

    for (unsigned reads = 0; reads < 16; reads++) {
        size_t len = 0;
        enum io io = stream_read(&probe->stream, into, SHARD_SCRATCH_BYTES, &len);
        enum wait wait;

        if (io == IO_WANT_READ && state->asks < ASKS_MAX && !ev_is_active(&probe->wake)) {
            probe->step = &DNS_ASK;
            return WAIT_NONE;
        }
        if (io == IO_EOF) /* an empty datagram */
            continue;
        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        wait = take_datagram(probe, str_n(into, len));
        if (wait != WAIT_NONE || probe->step != &DNS_RECEIVE)
            return wait;
    }
    return WAIT_TURN;
}

static enum wait receive_stream(struct probe *probe)
{
    struct buf *in = &probe->in;
    struct dns_head head;
    size_t wanted = 2;

    for (;;) {
        size_t len = 0;
        enum io io;

        if (in->len >= 2)
            wanted = 2 + ((size_t)(unsigned char)in->data[0] << 8 | (unsigned char)in->data[1]);
        if (in->len >= wanted && wanted > 2)
            break;
        io = stream_read(&probe->stream, buf_reserve(in, wanted - in->len + 2), wanted - in->len,
                         &len);
        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        in->len += len;
        if (in->len == 2 && in->data[0] == 0 && in->data[1] == 0)
            return probe_end(probe, OUTCOME_DNS_FORMAT, "the answer has no bytes");
    }
    if (!is_our_answer(state_of(probe), str_sub(buf_str(in), 2, in->len), &head))
        return probe_end(probe, OUTCOME_DNS_FORMAT, "the answer is for another question");
    return judge(probe, str_sub(buf_str(in), 2, in->len), &head);
}

static enum wait dns_late(struct probe *probe)
{
    struct dns_state *state = state_of(probe);
    char address[ADDR_TEXT_BYTES];

    if (probe->result.phase == PHASE_TLS)
        return probe_end(probe, OUTCOME_TIMEOUT, "no TLS handshake with %s within %u ms",
                         addr_format(&state->server, address), probe->limit_ms);
    return probe_end(probe, OUTCOME_DNS_TIMEOUT, "no answer from %s within %u ms, asked %u time(s)",
                     addr_format(&state->server, address), probe->limit_ms, state->asks);
}

static enum wait dns_receive(struct probe *probe)
{
    return state_of(probe)->transport == TRANSPORT_UDP ? receive_datagrams(probe)
                                                       : receive_stream(probe);
}

/* ---- the spec ---- */

static void read_regex(struct regex **ret_regex, const json_t *expect, const char *key,
                       json_t **errors)
{
    const char *text = json_text(expect, key, NULL);
    char pointer[64];

    if (!text || regex_new(str_of(text), ret_regex) == OK)
        return;
    snprintf(pointer, sizeof pointer, "/spec/expect/%s", key);
    json_add_error(errors, pointer, "regex_invalid", "%s", failure_last()->detail);
    failure_clear();
}

static uint16_t read_rcodes(const json_t *words)
{
    uint16_t rcodes = 0;
    char text[DNS_WORD_BYTES];
    json_t *word;
    size_t i;

    json_array_foreach((json_t *)words, i, word)
    {
        for (uint8_t rcode = 0; rcode < 16; rcode++) {
            if (strcmp(json_string_value(word), dns_rcode_word(rcode, text)) == 0)
                rcodes |= (uint16_t)(1u << rcode);
        }
    }
    return rcodes ? rcodes : 1;
}

static void read_servers(struct dns_spec *spec, const json_t *servers)
{
    json_t *server;
    size_t i;

    json_array_foreach((json_t *)servers, i, server)
    {
        struct str text = str_of(json_string_value(server));
        struct addr addr;

        if (addr_parse_ip(text, 0, &addr) || addr_parse(text, &addr))
            vec_push(&spec->servers, addr);
    }
}

static void dns_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct dns_spec *spec = NEW(struct dns_spec);
    const json_t *expect = json_object_get(json, "expect");
    const char *transport = json_text(json, "transport", "udp");

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->transport = strcmp(transport, "udp") == 0   ? TRANSPORT_UDP
                      : strcmp(transport, "tcp") == 0 ? TRANSPORT_TCP
                                                      : TRANSPORT_TLS;
    spec->name = xstrdup(json_text(json, "name", ""));
    spec->type = dns_type_of(str_of(json_text(json, "type", "A")));
    spec->class =
        strcmp(json_text(json, "class", "IN"), "CH") == 0 ? DNS_CLASS_CHAOS : DNS_CLASS_INTERNET;
    spec->recursion = json_boolean_or(json, "recursion", true);
    read_servers(spec, json_object_get(json, "servers"));
    if (spec->servers.len == 0)
        check->vote = VOTE_ANY;
    spec->rcodes = read_rcodes(json_object_get(expect, "rcode"));
    spec->min_answers = json_integer_or(expect, "min_answers", spec->rcodes & 1 ? 1 : 0);
    spec->authoritative =
        json_has(expect, "authoritative") ? json_boolean_or(expect, "authoritative", false) : -1;
    read_regex(&spec->section_regex[DNS_ANSWER], expect, "answer_regex", errors);
    read_regex(&spec->section_regex[DNS_AUTHORITY], expect, "authority_regex", errors);
    read_regex(&spec->section_regex[DNS_ADDITIONAL], expect, "additional_regex", errors);
    read_regex(&spec->answer_not_regex, expect, "answer_not_regex", errors);
}

static void dns_spec_free(void *object)
{
    struct dns_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    for (int i = 0; i < DNS_SECTION_COUNT; i++)
        regex_free(spec->section_regex[i]);
    regex_free(spec->answer_not_regex);
    vec_clear(&spec->servers);
    free(spec->name);
    free(spec);
}

const struct probe_kind probe_dns = {
    .name = "dns",
    .first = &DNS_BEGIN,
    .state_bytes = sizeof(struct dns_state),
    .spec_new = dns_spec_new,
    .spec_free = dns_spec_free,
    .timed_out = dns_late,
};
