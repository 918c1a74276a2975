/*
 * What --explain and previews tell of HTTP: requests and heads with their secrets masked, and the
 * times of each hop. Nothing is done when nobody asked.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include "shared/http_parse.h"
#include "shared/str.h"

struct probe;

void http_explain_request(struct probe *probe, struct str request);
void http_explain_head(struct probe *probe, const struct http_head *head);

/* How the body begins that something is expected of; an empty one is none. */
void http_explain_body(struct probe *probe, struct str body);

/* The times of the hop that ends here. */
void http_explain_hop(struct probe *probe);

/* Masks secrets in the result's message, whoever asked. */
void http_mask_message(struct probe *probe);
