/*
 * UUIDs. Ours are version 7 (RFC 9562): they begin with the wall clock in milliseconds, so they
 * sort by age.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

#define UUID_TEXT_BYTES 37

struct uuid {
    uint8_t bytes[16];
};

/* A new version 7 UUID of now. */
struct uuid uuid_new(void);

/* Writes the 36 characters and a zero byte; returns `text`. */
const char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES]);

/* Reads the 36-character form in either case; false for anything else. */
bool uuid_parse(struct str text, struct uuid *ret_uuid);

bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *uuid);

/* A stable 64-bit hash (FNV-1a with a final mix); the same on every machine and in every version.
 */
uint64_t uuid_hash(const struct uuid *uuid);

/* The same hash of any text. */
uint64_t text_hash(struct str text);
