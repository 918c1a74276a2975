/* A connection that speaks HTTP/2: bytes go to its link, and what the link has to say comes out. */
#include "control/api/connection_private.h"
#include "control/api/http2_link.h"

#define PREFACE STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

void connection_go_http2(struct connection *connection)
{
    struct buf rest = connection->in;

    connection->in = (struct buf){0};
    connection_release_input(connection);
    connection->http2 = http2_link_new(connection);
    connection_set_state(connection, CONNECTION_HTTP2);
    http2_link_input(connection->http2, buf_str(&rest));
    buf_clear(&rest);
}

enum connection_preface connection_look_for_preface(const struct connection *connection)
{
    struct str preface = PREFACE;
    struct str begun = connection_unparsed(connection);
    size_t len = MIN(begun.len, preface.len);

    if (connection->requests > 0 || connection->stream.ssl ||
        !str_equal(str_sub(begun, 0, len), str_sub(preface, 0, len)))
        return CONNECTION_PREFACE_NONE;
    return len == preface.len ? CONNECTION_PREFACE_HTTP2 : CONNECTION_PREFACE_PART;
}

void connection_take_http2_input(struct connection *connection)
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
        http2_link_input(connection->http2, str_n(data, len));
        if (http2_link_is_over(connection->http2) || (len < sizeof data && !connection->stream.ssl))
            return;
    }
}

void connection_end_http2(struct connection *connection)
{
    http2_link_abandon(connection->http2);
    connection_set_state(connection, CONNECTION_CLOSING);
}
