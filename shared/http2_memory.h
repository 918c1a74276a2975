/* Out of memory aborts inside nghttp2, too. */
#pragma once

#include <nghttp2/nghttp2.h>

extern nghttp2_mem http2_memory;
