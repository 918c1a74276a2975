/*
 * What the log tells of who asks for what: everybody who was not let in, and who reads what tells
 * of others (PERMISSIONS_WATCHED). Reads are told once in ACCESS_READ_AGAIN_US for a credential and
 * a route, so that a console that asks again and again fills no log; all are counted.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"
#include "shared/uuid.h"

#define ACCESS_READ_AGAIN_US (INT64_C(600) * 1000000)

struct access_log;
struct request;

struct access_log *access_log_new(void);

/* Harmless when NULL. */
void access_log_free(struct access_log *log);

/* The request gets an answer of that status. */
void access_log_note(struct access_log *log, const struct request *request, uint16_t status,
                     int64_t now_us);

/* Whether a read of the credential has not been told for ACCESS_READ_AGAIN_US; it is from now on.
 * When too many are remembered the oldest ones are forgotten, and told again. */
bool access_log_take(struct access_log *log, const struct uuid *credential_id,
                     const char *operation, int64_t now_us);

/* The path as logs may have it: the addresses of hooks are secrets. */
struct str path_to_log(struct str path);
