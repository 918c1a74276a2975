/*
 * HTTP/2 frames written as text, for tests by tables: "type.flags.stream:payload; …", in hexadecimal
 * digits, as "4.0.0; 1.5.1:88"; or "raw:bytes". A payload is of hexadecimal digits and of text in
 * quotes; "^N" repeats the byte before it, "*N" the frame.
 */
#pragma once

#include "shared/buf.h"

void http2_append_frames(struct buf *out, const char *text);
