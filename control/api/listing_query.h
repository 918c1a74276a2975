/*
 * One request for a list, compiled to one SQL statement that shapes its own JSON. Nothing of what
 * the caller sent is in the statement's text: fields and operators come from the list's table,
 * values are parameters. Requests of one shape have the same text, so that it is prepared once.
 *
 * Thread: any; each query is its owner's.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/vec.h"

#include "control/api/listing.h"
#include "control/api/request.h"

struct listing_query {
    struct buf text;
    size_t parameter_count;
    struct str *values; /* as text, in the order of the parameters, a NULL view for NULL */

    /* private */
    struct buf bytes;
    VEC(size_t) ends; /* of each value in `bytes` */
};

/*
 * Compiles the pairs of a query string, which request_read_parameters() has found right by
 * themselves.
 * @return ERR_INVALID "parameters_invalid" for a cursor that belongs to another order.
 */
MUST_USE enum err listing_query_compile(const struct listing *listing,
                                        const struct request *request,
                                        struct listing_query *ret_query);

/* Compiles the request for one object, whose id is in the path: `fields`, `include`, `as_of`. The
 * statement returns the JSON text and the version, or no row. */
void listing_object_compile(const struct listing *listing, const struct request *request,
                            struct listing_query *ret_query);

void listing_query_clear(struct listing_query *query);

static inline void listing_query_clear_p(struct listing_query *query)
{
    listing_query_clear(query);
}
