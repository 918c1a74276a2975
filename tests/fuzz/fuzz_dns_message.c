/* Whatever a DNS server sends: it is read within its bounds, and every rdata can be written as text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "shared/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct str message;
    size_t records;
};

static bool on_record(void *context, const struct dns_record *record)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct seen *seen = context;

    assert(record->data_at + record->data_len <= seen->message.len);
    assert(strlen(record->name) < sizeof record->name);
    dns_rdata_write(&text, seen->message, record);
    assert(text.len > 0 && str_is_utf8(buf_str(&text)));
    seen->records++;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dns_question question = {.name = STR("shop.test"), .type = 1};
    struct seen seen = {.message = {(const char *)data, size}};
    struct dns_head head;

    if (!dns_head_read(seen.message, &head))
        return 0;
    dns_repeats_question(seen.message, &question);
    dns_records_read(seen.message, on_record, &seen);
    assert(seen.records <= DNS_RECORDS_MAX);
    return 0;
}
