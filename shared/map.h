/* uthash with our rule for memory: running out aborts. Use its macros directly. */
#pragma once

#include "shared/mem.h"

#define uthash_fatal(message) out_of_memory(0)
#include <uthash.h>
