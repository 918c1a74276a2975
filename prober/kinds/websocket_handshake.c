/* Every rule of RFC 6455, section 4.1, has a sentence of its own. */
#include "prober/kinds/websocket_handshake.h"

#include "shared/http_text.h"

#include "prober/history.h"
#include "prober/kinds/http_mask.h"
#include "prober/kinds/websocket_spec.h"
#include "prober/probe.h"

#define HEAD_BYTES_MAX     (64 * 1024)
#define INFORMATIONAL_MAX  100
#define QUOTED_BYTES_MAX   64
#define LOCATION_BYTES_MAX 100

static const struct http_limits limits = {
    .target_bytes = 8192,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = HTTP_FIELDS_MAX,
    .chunk_extension_bytes = 4096,
};

static const struct websocket_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

void websocket_handshake_begin(struct probe *probe, struct websocket_handshake *handshake)
{
    char key[WEBSOCKET_KEY_BYTES];

    handshake->informational = 0;
    http_parser_init(&handshake->parser, HTTP_RESPONSE, &limits);
    websocket_key(key);
    websocket_accept(str_of(key), handshake->accept);
    buf_append_str(&probe->out, buf_str(&spec_of(probe)->handshake));
    buf_printf(&probe->out, "%s\r\n\r\n", key);
}

static enum wait end_status(struct probe *probe, const struct http_head *head)
{
    CLEANUP(buf_clear_p) struct buf location = {0};

    probe_enter(probe, PHASE_ASSERT);
    buf_append_escaped(&location, http_head_field(head, STR("location")), LOCATION_BYTES_MAX);
    if (location.len > 0)
        return probe_end(probe, OUTCOME_STATUS_MISMATCH,
                         "status %u, expected 101; redirects are not followed, this one leads to "
                         "%s",
                         head->status, location.data);
    return probe_end(probe, OUTCOME_STATUS_MISMATCH, "status %u, expected 101", head->status);
}

static enum wait check_subprotocol(struct probe *probe, struct str chosen)
{
    const char *wanted = spec_of(probe)->subprotocol;
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    if (!chosen.ptr && !wanted)
        return WAIT_NONE;
    if (chosen.ptr && wanted && str_equal(chosen, str_of(wanted)))
        return WAIT_NONE;
    if (!chosen.ptr) {
        probe_enter(probe, PHASE_ASSERT);
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "the server does not speak the subprotocol %s", wanted);
    }
    buf_append_escaped(&quoted, chosen, QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the server chose the subprotocol \"" STR_FMT "\", which was not offered",
                     STR_ARG(buf_str(&quoted)));
}

static enum wait check_head(struct probe *probe, const struct http_head *head,
                            const char *expected_accept)
{
    const struct websocket_spec *spec = spec_of(probe);
    struct str accept = http_head_field(head, STR("sec-websocket-accept"));

    if (!str_equal_nocase(http_head_field(head, STR("upgrade")), STR("websocket")) ||
        !head->upgrade)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server switches protocols, but not to WebSocket");
    if (spec->verify_accept && !str_equal(accept, str_of(expected_accept)))
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         accept.ptr ? "the server's Sec-WebSocket-Accept does not belong to our key"
                                    : "the server sends no Sec-WebSocket-Accept");
    if (http_head_field(head, STR("sec-websocket-extensions")).len > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server chose an extension, and none was offered");
    return check_subprotocol(probe, http_head_field(head, STR("sec-websocket-protocol")));
}

/* For --explain and previews. */
static void explain_head(struct probe *probe, const struct http_head *head)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    if (LIKELY(!probe->history))
        return;
    buf_printf(&text, "status %u", head->status);
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        buf_append_text(&text, "; ");
        buf_append_escaped(&text, field->name, HISTORY_DETAIL_BYTES_MAX);
        buf_append_text(&text, ": ");
        if (http_is_secret_header(field->name))
            buf_append_text(&text, HTTP_MASK);
        else
            buf_append_escaped(&text, field->value, HISTORY_DETAIL_BYTES_MAX);
    }
    probe_note(probe, STR_FMT, STR_ARG(buf_str(&text)));
}

/* WAIT_NONE: the connection is open, or the real reply is still to come. */
static enum wait on_head(struct probe *probe, struct websocket_handshake *handshake)
{
    const struct http_head *head = &handshake->parser.head;
    enum wait wait;

    probe->result.has |= RESULT_HAS_HTTP;
    probe->result.http.status = head->status;
    explain_head(probe, head);
    if (head->status >= 200)
        return end_status(probe, head);
    if (head->status != 101) {
        if (++handshake->informational <= INFORMATIONAL_MAX)
            return WAIT_NONE;
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d informational replies",
                         INFORMATIONAL_MAX);
    }
    wait = check_head(probe, head, handshake->accept);
    handshake->is_open = wait == WAIT_NONE;
    return wait;
}

static enum wait end_malformed(struct probe *probe, const char *reason)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    buf_append_escaped(&quoted, str_sub(buf_str(&probe->in), 0, QUOTED_BYTES_MAX),
                       4 * QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the reply is no HTTP: it begins with \"" STR_FMT "\" (%s)",
                     STR_ARG(buf_str(&quoted)), reason);
}

enum wait websocket_handshake_read(struct probe *probe, struct websocket_handshake *handshake)
{
    struct http_parser *parser = &handshake->parser;
    enum wait wait = WAIT_NONE;

    while (wait == WAIT_NONE && !handshake->is_open) {
        size_t used = 0;

        switch (http_parse(parser, buf_str(&probe->in), &used)) {
        case HTTP_NEED_MORE:
            buf_drop(&probe->in, used);
            return WAIT_NONE;
        case HTTP_HEAD:
            wait = on_head(probe, handshake);
            break;
        case HTTP_END:
            http_parser_init(parser, HTTP_RESPONSE, &limits);
            break;
        case HTTP_MALFORMED:
            return end_malformed(probe, parser->reason);
        case HTTP_DATA: /* heads of 1xx have none */
        case HTTP_TOO_LARGE:
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s",
                             parser->reason ? parser->reason : "its head has a body");
        }
        buf_drop(&probe->in, used);
    }
    return wait;
}
