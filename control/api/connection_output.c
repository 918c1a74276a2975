/* What goes out of a connection: the output buffer, then the tail behind it; for live clients also
 * what waits in their queue, and for HTTP/2 what its streams have to say. */
#include <assert.h>

#include "shared/clock.h"

#include "control/api/connection_private.h"
#include "control/api/http2_link.h"
#include "control/api/live_link.h"

#define OUTPUT_BYTES_HIGH (64 * 1024) /* no further request is taken while more than this waits */
#define OUTPUT_BYTES_KEEP (16 * 1024) /* an empty output buffer above this is given back */

bool connection_has_output(const struct connection *connection)
{
    return connection->out_at < connection->out.len || connection->tail_at < connection->tail.len;
}

bool connection_has_room(const struct connection *connection)
{
    return connection->out.len - connection->out_at < OUTPUT_BYTES_HIGH &&
           connection->tail.len == 0;
}

struct buf *connection_output(struct connection *connection)
{
    return &connection->out;
}

void connection_set_tail(struct connection *connection, struct str tail, struct buf *owner)
{
    assert(connection->tail_at == connection->tail.len);
    connection->tail = tail;
    connection->tail_at = 0;
    if (owner) {
        buf_clear(&connection->tail_owner);
        connection->tail_owner = *owner;
        *owner = (struct buf){0};
    }
}

/* Writes one piece; IO_DONE when all of it has gone. */
static enum io write_piece(struct connection *connection, struct str piece, size_t *at)
{
    while (*at < piece.len) {
        size_t len;
        enum io io = stream_write(&connection->stream, piece.ptr + *at, piece.len - *at, &len);

        if (io != IO_DONE)
            return io;
        *at += len;
        connection->write_bytes += len;
    }
    return IO_DONE;
}

static enum io write_all(struct connection *connection)
{
    enum io io = write_piece(connection, buf_str(&connection->out), &connection->out_at);

    if (io == IO_DONE)
        io = write_piece(connection, connection->tail, &connection->tail_at);
    return io;
}

static void output_is_empty(struct connection *connection)
{
    connection->out_at = 0;
    if (connection->out.capacity > OUTPUT_BYTES_KEEP)
        buf_clear(&connection->out);
    else
        buf_reset(&connection->out);
    connection->tail = (struct str){0};
    connection->tail_at = 0;
    buf_clear(&connection->tail_owner);
    connection->unread_since_us = connection->write_since_us;
    connection->write_since_us = 0;
}

bool connection_write_out(struct connection *connection)
{
    enum io io;

    if (!connection_has_output(connection))
        return true;
    if (connection->write_since_us == 0) {
        connection->write_since_us = clock_monotonic_us();
        connection->write_bytes = 0;
    }
    io = write_all(connection);
    if (io == IO_ERROR || io == IO_EOF) {
        connection_close(connection, false);
        return false;
    }
    if (io == IO_DONE)
        output_is_empty(connection);
    else if (connection->out_at > OUTPUT_BYTES_HIGH) {
        /* A client that always leaves a little unread must not make the buffer grow. */
        buf_drop(&connection->out, connection->out_at);
        connection->out_at = 0;
    }
    return true;
}

bool connection_write_out_live(struct connection *connection)
{
    do {
        if (!connection_write_out(connection))
            return false;
    } while (!connection_has_output(connection) &&
             live_link_refill(connection->live, &connection->out));
    return true;
}

bool connection_write_out_http2(struct connection *connection)
{
    do {
        if (!connection_write_out(connection))
            return false;
    } while (!connection_has_output(connection) &&
             http2_link_refill(connection->http2, &connection->out));
    return true;
}
