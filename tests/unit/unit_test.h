/* cmocka with the headers it needs before it; cmocka's own fail() macro gives way to ours. Include
 * this first. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#undef fail
