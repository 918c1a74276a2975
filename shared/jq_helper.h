/*
 * The process that runs libjq. A program that uses shared/jq.h or shared/jq_check.h starts itself
 * again with this argument, through its spawner; main() then does nothing but call
 * jq_helper_main(), before anything else.
 *
 * libjq 1.6 can be brought to an end by a program (a division that overflows), to run for ever and
 * to use all memory; so it is linked, but called in this process only.
 *
 * Thread: the process has one.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"

#define JQ_HELPER_ARGUMENT "--jq-helper"

/* Whether this process was started to be the helper. */
bool jq_helper_is_wanted(int argc, char **argv);

/* Serves until its socket is closed. */
NORETURN void jq_helper_main(void);
