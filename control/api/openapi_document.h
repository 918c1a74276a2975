/*
 * The OpenAPI document as it is served: made when it is first asked for, with its tag and in each
 * content coding.
 *
 * Thread: the loop.
 */
#pragma once

#include "shared/buf.h"
#include "shared/deflate.h"

#define OPENAPI_TAG_BYTES 32

struct reply;
struct request;
struct router;

struct openapi_document {
    struct buf coded[CODING_COUNT]; /* the plain one first */
    char tag[OPENAPI_TAG_BYTES];
};

/* Answers with the document, or that the caller has it. */
void openapi_document_reply(struct openapi_document *document, const struct router *router,
                            const struct request *request, struct reply *reply);

void openapi_document_clear(struct openapi_document *document);
