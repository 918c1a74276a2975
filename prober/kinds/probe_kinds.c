/* A new kind is a file in this folder, a schema in include/contract/checks and a row here. */
#include "prober/kinds/probe_kinds.h"

#include "prober/probe.h"

/* clang-format off */
const struct probe_kind *const probe_kinds[] = {
    &probe_http,
    &probe_tcp,
    &probe_script,
    &probe_dns,
    &probe_icmp,
    &probe_grpc,
    &probe_tls,
    &probe_udp,
    &probe_smtp,
    &probe_imap,
    &probe_pop3,
    &probe_ftp,
    &probe_ssh,
    &probe_postgres,
    &probe_redis,
    &probe_websocket,
    NULL,
};

/* clang-format on */

const struct probe_kind *probe_kind_find(struct str name)
{
    for (size_t i = 0; probe_kinds[i]; i++) {
        if (str_equal(name, str_of(probe_kinds[i]->name)))
            return probe_kinds[i];
    }
    return NULL;
}

size_t probe_kinds_state_bytes(void)
{
    size_t largest = 0;

    for (size_t i = 0; probe_kinds[i]; i++)
        largest = MAX(largest, probe_kinds[i]->state_bytes);
    return largest;
}
