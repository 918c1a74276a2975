/* A small table filled in order. */
#include "prober/history.h"

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/str.h"

#include "prober/text.h"

struct row {
    const char *name;
    int64_t at_us;
    int64_t took_us;
    struct buf detail;
};

struct history {
    size_t count;
    struct row rows[HISTORY_STEPS_MAX];
};

struct history *history_new(void)
{
    return NEW(struct history);
}

void history_free(struct history *history)
{
    if (!history)
        return;
    for (size_t i = 0; i < history->count; i++)
        buf_clear(&history->rows[i].detail);
    free(history);
}

static struct row *last_row(struct history *history)
{
    return history->count > 0 ? &history->rows[history->count - 1] : NULL;
}

void history_enter(struct history *history, const char *name, int64_t at_us)
{
    struct row *last = last_row(history);

    if (last && last->name == name)
        return;
    if (last)
        last->took_us = at_us - last->at_us;
    if (history->count == HISTORY_STEPS_MAX)
        return;
    history->rows[history->count++] = (struct row){.name = name, .at_us = at_us};
}

void history_note(struct history *history, const char *format, va_list arguments)
{
    struct row *last = last_row(history);

    if (!last || last->detail.len >= HISTORY_DETAIL_BYTES_MAX)
        return;
    if (last->detail.len > 0)
        buf_append_text(&last->detail, "; ");
    buf_vprintf(&last->detail, format, arguments);
    if (last->detail.len > HISTORY_DETAIL_BYTES_MAX)
        last->detail.len = utf8_cut(str_n(last->detail.data, HISTORY_DETAIL_BYTES_MAX));
}

void history_finish(struct history *history, int64_t at_us)
{
    struct row *last = last_row(history);

    if (last)
        last->took_us = at_us - last->at_us;
}

json_t *history_json(const struct history *history)
{
    json_t *steps = json_array();

    for (size_t i = 0; i < history->count; i++) {
        const struct row *row = &history->rows[i];

        json_array_append_new(
            steps, json_pack("{s:s, s:I, s:I, s:s%}", "step", row->name, "at_us",
                             (json_int_t)row->at_us, "took_us", (json_int_t)row->took_us, "detail",
                             row->detail.len > 0 ? row->detail.data : "", row->detail.len));
    }
    return steps;
}
