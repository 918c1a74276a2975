/*
 * DNS messages (RFC 1035, RFC 6891): a question as bytes, and an answer read with bounds. Names are
 * text with the final dot ("shop.test."), bytes that are no plain label characters as \DDD.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define DNS_MESSAGE_BYTES_MAX  65535
#define DNS_UDP_BYTES          1232 /* what we say that fits into one datagram (DNS flag day 2020) */
#define DNS_NAME_TEXT_BYTES    1024 /* 255 bytes, each at most 4 characters */
#define DNS_RECORDS_MAX        512  /* of one answer; more are a malformed one */
#define DNS_QUESTION_BYTES_MAX 300

#define DNS_CLASS_INTERNET 1
#define DNS_CLASS_CHAOS    3 /* what servers tell of themselves: version.bind */

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTION_COUNT };

struct dns_question {
    struct str name; /* with or without the final dot; "." is the root */
    uint16_t type;
    uint16_t id;
    bool recursion; /* wanted */
    bool edns;      /* offer DNS_UDP_BYTES for the answer */
    uint16_t class; /* 0: DNS_CLASS_INTERNET */
};

struct dns_head {
    uint16_t id;
    bool is_reply;
    bool is_truncated;
    bool is_authoritative;
    bool recursion_available;
    uint8_t rcode; /* without the upper bits of EDNS */
    uint16_t counts[DNS_SECTION_COUNT];
};

/* One record; `data` is its rdata within the message. */
struct dns_record {
    enum dns_section section;
    char name[DNS_NAME_TEXT_BYTES];
    uint16_t type;
    uint16_t class;
    uint32_t ttl_s;
    size_t data_at;
    size_t data_len;
};

/* The number of a type: "A", "aaaa", "TYPE65"; 0 when there is no such type. */
uint16_t dns_type_of(struct str word);

/* The word of a type ("A", "TYPE65534") or rcode ("NOERROR", "RCODE12"), into `text` when it has no
 * constant one. */
#define DNS_WORD_BYTES 16
const char *dns_type_word(uint16_t type, char text[DNS_WORD_BYTES]);
const char *dns_rcode_word(uint8_t rcode, char text[DNS_WORD_BYTES]);

/* Whether the text is a name that can be asked for: labels of 1 to 63 bytes, 253 bytes in all. */
bool dns_name_is_valid(struct str name);

/* Appends the question as a message; its name must be valid. */
void dns_question_write(struct buf *buf, const struct dns_question *question);

/* Reads the first 12 bytes; false when there are fewer. */
bool dns_head_read(struct str message, struct dns_head *ret_head);

/* Whether the message repeats just this question: name (in any case of letters) and type. */
bool dns_repeats_question(struct str message, const struct dns_question *question);

/* Called for each record in the order of the message; false stops. */
typedef bool (*dns_record_fn)(void *context, const struct dns_record *record);

/* Reads all records. False when the message is malformed: cut short, names that point forward or in
 * circles, more than DNS_RECORDS_MAX records. */
bool dns_records_read(struct str message, dns_record_fn each, void *context);

/* Appends the rdata as in a zone file: "192.0.2.1", "10 mail.shop.test.", and \# LENGTH HEX for
 * types that are not known here or rdata that does not have the form of its type. */
void dns_rdata_write(struct buf *buf, struct str message, const struct dns_record *record);
