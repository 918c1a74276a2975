/* A circular array of encoded records under one mutex. */
#include "prober/backlog.h"

#include <assert.h>
#include <pthread.h>
#include <sys/random.h>

#include "shared/log.h"
#include "shared/mem.h"

struct record {
    char *bytes; /* as on the bus */
    size_t len;
};

struct backlog {
    pthread_mutex_t mutex; /* guards all below */
    struct record *records;
    size_t capacity;
    size_t bytes_max;
    size_t first;
    size_t len;
    size_t bytes;
    size_t under_way; /* of the front, in the request that is not answered yet */
    uint64_t boot_id;
    uint64_t first_seq; /* of the front */
    uint64_t dropped;
    struct buf scratch;
};

static uint64_t new_boot_id(void)
{
    uint64_t id;

    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
        abort();    /* up to 256 bytes never come short on Linux */
    return id >> 1; /* a bigint in the database */
}

struct backlog *backlog_new(size_t results_max, size_t bytes_max)
{
    struct backlog *backlog = NEW(struct backlog);

    assert(results_max > BUS_RESULTS_MAX && bytes_max > 2 * BUS_FRAME_BYTES_MAX);
    pthread_mutex_init(&backlog->mutex, NULL);
    backlog->records = xcalloc(results_max, sizeof *backlog->records);
    backlog->capacity = results_max;
    backlog->bytes_max = bytes_max;
    backlog->boot_id = new_boot_id();
    backlog->first_seq = 1;
    return backlog;
}

static struct record *record_at(struct backlog *backlog, size_t at)
{
    return &backlog->records[(backlog->first + at) % backlog->capacity];
}

void backlog_free(struct backlog *backlog)
{
    if (!backlog)
        return;
    for (size_t i = 0; i < backlog->len; i++)
        free(record_at(backlog, i)->bytes);
    free(backlog->records);
    buf_clear(&backlog->scratch);
    pthread_mutex_destroy(&backlog->mutex);
    free(backlog);
}

/* Gives up the oldest record that is not under way; its number goes to the next one. */
static void drop_oldest_waiting(struct backlog *backlog)
{
    struct record *gone = record_at(backlog, backlog->under_way);

    backlog->bytes -= gone->len;
    free(gone->bytes);
    for (size_t i = backlog->under_way; i > 0; i--)
        *record_at(backlog, i) = *record_at(backlog, i - 1);
    backlog->first = (backlog->first + 1) % backlog->capacity;
    backlog->len--;
    backlog->dropped++;
}

void backlog_put(struct backlog *backlog, const struct result *result)
{
    struct record *record;

    pthread_mutex_lock(&backlog->mutex);
    buf_reset(&backlog->scratch);
    frame_result_write(&backlog->scratch, result);
    while (backlog->len == backlog->capacity ||
           backlog->bytes + backlog->scratch.len > backlog->bytes_max)
        drop_oldest_waiting(backlog);

    record = record_at(backlog, backlog->len++);
    record->len = backlog->scratch.len;
    record->bytes = xmalloc(record->len);
    memcpy(record->bytes, backlog->scratch.data, record->len);
    backlog->bytes += record->len;
    pthread_mutex_unlock(&backlog->mutex);
}

void backlog_fill(struct backlog *backlog, struct buf *frame, struct frame_report *report)
{
    size_t added = 0;

    pthread_mutex_lock(&backlog->mutex);
    report->boot_id = backlog->boot_id;
    report->first_seq = backlog->first_seq;
    while (added < backlog->len) {
        const struct record *record = record_at(backlog, added);

        if (!frame_report_add_record(frame, report, str_n(record->bytes, record->len)))
            break;
        added++;
    }
    backlog->under_way = added;
    pthread_mutex_unlock(&backlog->mutex);
}

static void drop_front(struct backlog *backlog, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct record *record = record_at(backlog, i);

        backlog->bytes -= record->len;
        free(record->bytes);
    }
    backlog->first = (backlog->first + count) % backlog->capacity;
    backlog->len -= count;
    backlog->first_seq += count;
}

size_t backlog_acknowledge(struct backlog *backlog, uint64_t seq)
{
    size_t count = 0;

    pthread_mutex_lock(&backlog->mutex);
    /* Only what was sent can have been committed: a number beyond that is not ours. */
    if (seq >= backlog->first_seq && seq < backlog->first_seq + backlog->under_way)
        count = (size_t)(seq - backlog->first_seq + 1);
    drop_front(backlog, count);
    backlog->under_way = 0;
    pthread_mutex_unlock(&backlog->mutex);
    return count;
}

void backlog_rewind(struct backlog *backlog, uint64_t seq)
{
    bool gone;

    pthread_mutex_lock(&backlog->mutex);
    gone = seq + 1 < backlog->first_seq || seq + 1 > backlog->first_seq + backlog->len;
    if (gone) {
        backlog->boot_id = new_boot_id();
        backlog->first_seq = 1;
    } else {
        drop_front(backlog, (size_t)(seq + 1 - backlog->first_seq));
    }
    backlog->under_way = 0;
    pthread_mutex_unlock(&backlog->mutex);
    if (gone)
        log_warning("backlog.renumbered", "wanted_seq=%llu", (unsigned long long)seq + 1);
}

size_t backlog_len(struct backlog *backlog)
{
    size_t len;

    pthread_mutex_lock(&backlog->mutex);
    len = backlog->len;
    pthread_mutex_unlock(&backlog->mutex);
    return len;
}

uint64_t backlog_dropped(struct backlog *backlog)
{
    uint64_t dropped;

    pthread_mutex_lock(&backlog->mutex);
    dropped = backlog->dropped;
    pthread_mutex_unlock(&backlog->mutex);
    return dropped;
}
