/*
 * One client connection: bytes in, bytes out, deadlines. In HTTP/1 it reads and parses one request at a time
 * and carries its exchange; while that is under way nothing more is read, so a client that sends
 * faster than it is answered waits in its own socket buffer.
 *
 * Thread: the loop.
 */
#pragma once

#include "shared/http_parse.h"
#include "shared/stream.h"

#include "control/api/carrier.h"
#include "control/api/server_private.h"

struct http2_link;
struct live_link;

enum connection_state {
    CONNECTION_HANDSHAKE, /* TLS */
    CONNECTION_HEAD,      /* waits for a head, or is idle */
    CONNECTION_BODY,      /* reads a body */
    CONNECTION_BUSY,      /* an exchange is under way */
    CONNECTION_WAITING,   /* the same, and it may take long: the peer's end is looked for */
    CONNECTION_CLOSING,   /* writes what is left, then lingers */
    CONNECTION_LINGER,    /* has ended its side and reads on: a reset would lose the last answer */
    CONNECTION_LIVE,      /* is a WebSocket */
    CONNECTION_HTTP2,     /* speaks HTTP/2: its streams carry the exchanges */
    CONNECTION_DEAD,      /* closed; freed when its exchange is over */
};

struct connection {
    struct server *server;
    struct list link; /* in server->connections */
    struct stream stream;
    struct addr peer;
    char peer_text[ADDR_TEXT_BYTES]; /* without the port */
    ev_io io;
    int wanted; /* EV_READ | EV_WRITE, as watched */
    enum connection_state state;
    bool close_after; /* the answer under way is the last */
    bool is_unread;   /* so it is, as long as the request has not been read to its end */
    bool in_handler;  /* guards against advancing within itself */

    struct http_parser *parser; /* with `in`, only while there is something to parse */
    struct buf in;
    size_t at;         /* where the request under way begins in `in` */
    size_t head_bytes; /* its head; views of it live until the exchange is over */

    struct buf out;
    size_t out_at;
    struct str tail; /* follows `out`: a body that is not copied */
    size_t tail_at;
    struct buf tail_owner; /* keeps `tail` when nobody else does */

    int64_t since_us; /* when the state's deadline began to run */
    int64_t write_since_us;
    uint64_t write_bytes; /* since then */
    int64_t
        unread_since_us; /* all is written; the kernel may still have some of it; 0: it has not */
    uint64_t body_bytes; /* received */
    uint64_t requests;

    struct carrier carrier;
    struct live_link *live;
    struct http2_link *http2; /* NULL: speaks HTTP/1 */
};

/* Takes an accepted socket. */
void connection_new(struct server *server, int fd, const struct addr *peer);

/* Closes at once; frees it as soon as no exchange needs it. */
void connection_close(struct connection *connection, bool reset);

/* What goes out. */
struct buf *connection_output(struct connection *connection);

/* The connection speaks WebSocket from now on, and owns the link; its parser is given up. */
void connection_go_live(struct connection *connection, struct live_link *link);

/* The WebSocket is over: sends what its protocol has to say yet, frees the link, and closes. */
void connection_end_live(struct connection *connection);

/* Sends what is in the output, as far as the socket takes it. */
void connection_flush(struct connection *connection);

/* Looks at the deadlines. */
void connection_tick(struct connection *connection, int64_t now_us);
