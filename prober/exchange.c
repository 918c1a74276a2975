/* Sends, then reads, and gives way to other probes now and then. */
#include "prober/exchange.h"

#include <errno.h>

#include "prober/probe.h"

/* A peer that never stops must not hold up the loop. */
#define READS_PER_TURN 8

static enum io send_all(struct probe *probe)
{
    while (probe->out.len > 0) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, probe->out.data, probe->out.len, &len);

        if (io != IO_DONE)
            return io;
        buf_drop(&probe->out, len);
    }
    return IO_DONE;
}

/* A server may answer and close before it has read everything: its answer counts. */
static bool is_cut(const struct probe *probe, enum io io)
{
    int error = stream_error(&probe->stream);

    return io == IO_ERROR && (error == EPIPE || error == ECONNRESET);
}

static enum wait receive(struct probe *probe, size_t most)
{
    size_t len = 0;
    enum io io = stream_read(&probe->stream, buf_reserve(&probe->in, most), most, &len);

    if (io == IO_EOF && stream_error(&probe->stream) != 0)
        io = IO_ERROR; /* what the write ended with says more */
    if (io != IO_DONE)
        return probe_wait_io(probe, io);
    probe->in.len += len;
    if (probe->result.phase == PHASE_FIRST_BYTE)
        probe_enter(probe, PHASE_TRANSFER);
    return WAIT_NONE;
}

enum wait exchange(struct probe *probe, size_t most)
{
    enum io io = send_all(probe);

    if (is_cut(probe, io))
        buf_reset(&probe->out);
    else if (io != IO_DONE)
        return probe_wait_io(probe, io);

    if (probe->result.phase == PHASE_REQUEST)
        probe_enter(probe, PHASE_FIRST_BYTE);
    if (++probe->exchanges % READS_PER_TURN == 0)
        return WAIT_TURN;
    return receive(probe, most);
}

void exchange_last_words(struct probe *probe)
{
    if (send_all(probe) != IO_DONE)
        buf_reset(&probe->out);
}
