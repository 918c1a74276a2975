/* The one list of probe kinds. Thread: any. */
#pragma once

#include <stddef.h>

#include "shared/str.h"

struct probe_kind;

extern const struct probe_kind probe_http;
extern const struct probe_kind probe_tcp;
extern const struct probe_kind probe_grpc;
extern const struct probe_kind probe_script;
extern const struct probe_kind probe_dns;
extern const struct probe_kind probe_icmp;
extern const struct probe_kind probe_tls;
extern const struct probe_kind probe_udp;
extern const struct probe_kind probe_smtp;
extern const struct probe_kind probe_imap;
extern const struct probe_kind probe_pop3;
extern const struct probe_kind probe_ftp;
extern const struct probe_kind probe_ssh;
extern const struct probe_kind probe_postgres;
extern const struct probe_kind probe_redis;
extern const struct probe_kind probe_websocket;

/* All kinds, ended by NULL. */
extern const struct probe_kind *const probe_kinds[];

/* NULL when there is no such kind. */
const struct probe_kind *probe_kind_find(struct str name);

/* The largest state of all kinds. */
size_t probe_kinds_state_bytes(void);
