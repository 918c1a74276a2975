/*
 * The hosts file: names with fixed addresses, read again when it has changed. `localhost` and what
 * ends in it is this machine, whatever the file says (RFC 6761).
 *
 * Thread: the one that owns it.
 */
#pragma once

#include <stddef.h>

#include "shared/addr.h"
#include "shared/attrs.h"

#define HOSTS_FILE_BYTES_MAX (1024 * 1024) /* what is beyond is not read */

struct hosts;

/* @param path borrowed for good; the file need not be there. */
struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts *hosts);

DEFINE_AUTO(struct hosts *, hosts_free);

/* Reads the file again when it has changed since. */
void hosts_refresh(struct hosts *hosts);

/* Puts at most `max` addresses of `name` (case ignored, a dot at the end too) into `ret_addrs`,
 * with port 0; `family` is AF_INET, AF_INET6 or AF_UNSPEC. Returns how many. */
size_t hosts_find(const struct hosts *hosts, const char *name, int family, struct addr *ret_addrs,
                  size_t max);
