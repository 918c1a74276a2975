/*
 * Lifetime: the worker makes it and lets go of it by calling after_write(); from then on only the
 * loop touches it, in server_release_reply() and written_reply_forget(), so it needs no lock.
 */
#include "control/api/written_reply.h"

#include "shared/mem.h"

#include "control/api/exchange.h"

struct written_reply {
    struct written written;    /* what the engine sees */
    struct exchange *exchange; /* NULL: nobody waits */
};

static void free_reply(struct written_reply *reply)
{
    free(reply->written.changes);
    free(reply);
}

void written_reply_tell(struct exchange *exchange, const struct server_config *config)
{
    struct written_reply *reply = NEW(struct written_reply);

    reply->written.count = exchange->reply.changes.len;
    reply->written.changes = exchange->reply.changes.items;
    reply->exchange = exchange;
    memset(&exchange->reply.changes, 0, sizeof exchange->reply.changes);
    exchange->written = reply; /* before it is handed over: the release may come at once */
    if (!config->after_write(config->after_write_context, &reply->written)) {
        exchange->written = NULL;
        free_reply(reply);
    }
}

void written_reply_forget(struct written_reply *reply)
{
    reply->exchange = NULL;
}

void server_release_reply(struct written *written)
{
    struct written_reply *reply = container_of(written, struct written_reply, written);
    struct exchange *exchange = reply->exchange;

    free_reply(reply);
    if (!exchange)
        return;
    exchange->written = NULL;
    if (exchange->worked)
        exchange_send(exchange);
}
