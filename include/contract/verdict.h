/* What one probe says of its target, and the five states of health. The numbers stand on the wire
 * and in the database: they never change. */
#pragma once

/*      value    word */
#define VERDICT_TABLE(ROW)                                                                         \
    ROW(0, OK, "ok")                                                                               \
    ROW(1, WARN, "warn")                                                                           \
    ROW(2, FAIL, "fail")                                                                           \
    ROW(3, ERROR, "error") /* the prober could not run the check: nothing is said of the target */

#define VERDICT_ENUM(number, name, word) VERDICT_##name = (number),

enum verdict { VERDICT_TABLE(VERDICT_ENUM) VERDICT_COUNT };

/* In the order of severity of check states first; display order is the console's own. */
#define STATE_TABLE(ROW)                                                                           \
    ROW(0, UNKNOWN, "unknown")                                                                     \
    ROW(1, OPERATIONAL, "operational")                                                             \
    ROW(2, DEGRADED, "degraded")                                                                   \
    ROW(3, DOWN, "down")                                                                           \
    ROW(4, MAINTENANCE, "maintenance")

#define STATE_ENUM(number, name, word) STATE_##name = (number),

enum state { STATE_TABLE(STATE_ENUM) STATE_COUNT };
