/* A connection that is a WebSocket: bytes go to its link, and what the link has to say comes out. */
#include "control/api/connection_private.h"
#include "control/api/live_link.h"

void connection_take_live_input(struct connection *connection)
{
    char data[16 * 1024];

    for (int turn = 0; turn < CONNECTION_READS_PER_TURN; turn++) {
        size_t len;
        enum io io = stream_read(&connection->stream, data, sizeof data, &len);

        if (io == IO_WANT_READ || io == IO_WANT_WRITE)
            return;
        if (io != IO_DONE) {
            connection_close(connection, false);
            return;
        }
        if (!live_link_input(connection->live, str_n(data, len))) {
            connection_end_live(connection);
            return;
        }
        if (len < sizeof data && !connection->stream.ssl)
            return;
    }
}

void connection_go_live(struct connection *connection, struct live_link *link)
{
    struct buf rest = {0};

    buf_append_str(&rest, connection_unparsed(connection));
    connection->live = link;
    connection_set_state(connection, CONNECTION_LIVE);
    connection_release_input(connection);
    connection->head_bytes = 0;
    if (!live_link_input(link, buf_str(&rest)))
        connection_end_live(connection);
    else if (!connection->in_handler)
        connection_advance(connection);
    buf_clear(&rest);
}

void connection_end_live(struct connection *connection)
{
    struct live_link *link = TAKE(connection->live);
    bool is_stuck = connection->write_since_us != 0; /* does not read what was sent before */

    live_link_append_control(link, &connection->out);
    live_link_free(link);
    if (is_stuck) {
        connection_close(connection, true);
        return;
    }
    connection_set_state(connection, CONNECTION_CLOSING);
    if (!connection->in_handler)
        connection_advance(connection);
}
