/* Lines become clauses of the step's detail, which is bounded. */
#include "prober/kinds/http_explain.h"

#include "shared/http_text.h"

#include "prober/history.h"
#include "prober/kinds/http_mask.h"
#include "prober/kinds/http_run.h"

#define BODY_BYTES_MAX 1000 /* that are shown */

static void note(struct probe *probe, struct buf *text)
{
    http_secrets_mask(&spec_of(probe)->secrets, text);
    probe_note(probe, STR_FMT, STR_ARG(buf_str(text)));
}

static void note_field(struct probe *probe, struct str name, struct str value)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    buf_append_escaped(&text, name, HISTORY_DETAIL_BYTES_MAX);
    buf_append_text(&text, ": ");
    if (http_is_secret_header(name))
        buf_append_text(&text, HTTP_MASK);
    else
        buf_append_escaped(&text, value, HISTORY_DETAIL_BYTES_MAX);
    note(probe, &text);
}

static struct str next_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');

    return str_sub(line, 0, line.len > 0 ? line.len - 1 : 0);
}

void http_explain_request(struct probe *probe, struct str request)
{
    CLEANUP(buf_clear_p) struct buf first = {0};
    struct str rest = request;

    if (LIKELY(!probe->history))
        return;
    buf_append_str(&first, next_line(&rest));
    note(probe, &first);
    for (struct str line; (line = next_line(&rest)).len > 0;) {
        struct str name = str_cut(&line, ':');

        note_field(probe, name, str_trim(line));
    }
    if (rest.len > 0)
        probe_note(probe, "a body of %zu bytes", rest.len);
}

void http_explain_head(struct probe *probe, const struct http_head *head)
{
    CLEANUP(buf_clear_p) struct buf first = {0};

    if (LIKELY(!probe->history))
        return;
    if (head->major_version == 2)
        buf_printf(&first, "HTTP/2 %u ", head->status);
    else
        buf_printf(&first, "HTTP/1.%u %u ", head->minor_version, head->status);
    buf_append_escaped(&first, head->reason, HISTORY_DETAIL_BYTES_MAX);
    note(probe, &first);
    for (uint32_t i = 0; i < head->field_count; i++)
        note_field(probe, head->fields[i].name, head->fields[i].value);
}

void http_explain_body(struct probe *probe, struct str body)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    if (LIKELY(!probe->history) || body.len == 0)
        return;
    buf_append_text(&text, "the body: \"");
    buf_append_escaped(&text, body, BODY_BYTES_MAX);
    buf_append_text(&text, "\"");
    note(probe, &text);
}

void http_explain_hop(struct probe *probe)
{
    struct result_timings *before = &run_of(probe)->before_hop;
    const struct result_timings *now = &probe->result.timings;

    if (LIKELY(!probe->history))
        return;
    probe_note(probe,
               "times of this hop in us: dns %u, connect %u, tls %u, first byte %u, transfer %u",
               now->dns_us - before->dns_us, now->connect_us - before->connect_us,
               now->tls_us - before->tls_us, now->first_byte_us - before->first_byte_us,
               now->transfer_us - before->transfer_us);
    *before = *now;
}

void http_mask_message(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    const struct http_secrets *secrets = &spec_of(probe)->secrets;
    struct result *result = &probe->result;

    if (LIKELY(secrets->texts.len == 0 && !secrets->passing))
        return;
    buf_append_str(&text, result->message);
    http_secrets_mask(secrets, &text);
    if (!str_equal(buf_str(&text), result->message))
        probe_reword(probe, result->verdict, result->outcome, STR_FMT, STR_ARG(buf_str(&text)));
}
