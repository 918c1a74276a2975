/*
 * What carries an exchange over the wire: an HTTP/1 connection, or one stream of an HTTP/2
 * connection. The exchange knows nothing else of either.
 *
 * Thread: the loop.
 */
#pragma once

struct answer;
struct connection;
struct exchange;

struct carrier;

struct carrier_ops {
    /* Writes an answer as its protocol has it; what `answer` says of the body's memory counts. */
    void (*write)(struct carrier *carrier, const struct answer *answer);

    /* The body may come now: it had to wait until it was known whose it is. */
    void (*take_body)(struct carrier *carrier);

    /* The exchange has written its answer and is over: goes on, or ends. */
    void (*answered)(struct carrier *carrier);

    /* The answer will take its time: who goes away meanwhile has to be noticed. */
    void (*wait)(struct carrier *carrier);

    /* An exchange that was abandoned while a worker had it has come back, and is over. */
    void (*gone)(struct carrier *carrier);
};

struct carrier {
    const struct carrier_ops *ops;
    struct connection *connection; /* whose server and peer; outlives the exchange */
    struct exchange *exchange;     /* under way; NULL: none */
};
