/* Names are followed backwards only, so a pointer can never lead in a circle. */
#include "shared/dns_message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/attrs.h"

#define HEAD_BYTES  12
#define LABEL_BYTES 63
#define NAME_BYTES  255
#define TYPE_OPT    41

#define FLAG_REPLY               0x8000u
#define FLAG_AUTHORITATIVE       0x0400u
#define FLAG_TRUNCATED           0x0200u
#define FLAG_RECURSION_WANTED    0x0100u
#define FLAG_RECURSION_AVAILABLE 0x0080u

/* How the rdata of a type is made of parts: n name, 1 2 4 numbers of that many bytes, i and I
 * addresses, s character strings to the end, t one of them, g one without quotes, x the rest in hex,
 * v the rest as text. */
static const struct {
    uint16_t number;
    const char *word;
    const char *parts;
} types[] = {
    {1, "A", "i"},        {2, "NS", "n"},       {5, "CNAME", "n"},    {6, "SOA", "nn44444"},
    {12, "PTR", "n"},     {13, "HINFO", "tt"},  {15, "MX", "2n"},     {16, "TXT", "s"},
    {28, "AAAA", "I"},    {33, "SRV", "222n"},  {35, "NAPTR", NULL},  {39, "DNAME", "n"},
    {43, "DS", "211x"},   {44, "SSHFP", "11x"}, {46, "RRSIG", NULL},  {47, "NSEC", NULL},
    {48, "DNSKEY", NULL}, {50, "NSEC3", NULL},  {52, "TLSA", "111x"}, {64, "SVCB", NULL},
    {65, "HTTPS", NULL},  {255, "ANY", NULL},   {257, "CAA", "1gv"},
};

static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                     "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                     "NXRRSET", "NOTAUTH", "NOTZONE"};

uint16_t dns_type_of(struct str word)
{
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_equal_nocase(word, str_of(types[i].word)))
            return types[i].number;
    }
    if (word.len > 4 && str_equal_nocase(str_sub(word, 0, 4), STR("TYPE")) &&
        str_to_u64(str_sub(word, 4, word.len), UINT16_MAX, &number))
        return (uint16_t)number;
    return 0;
}

const char *dns_type_word(uint16_t type, char text[DNS_WORD_BYTES])
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].number == type)
            return types[i].word;
    }
    snprintf(text, DNS_WORD_BYTES, "TYPE%u", type);
    return text;
}

const char *dns_rcode_word(uint8_t rcode, char text[DNS_WORD_BYTES])
{
    if (rcode < ARRAY_LEN(rcodes))
        return rcodes[rcode];
    snprintf(text, DNS_WORD_BYTES, "RCODE%u", rcode);
    return text;
}

/* ---- the question ---- */

bool dns_name_is_valid(struct str name)
{
    if (str_equal(name, STR(".")))
        return true;
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > NAME_BYTES - 2)
        return false;
    while (name.ptr) {
        struct str label = str_cut(&name, '.');

        if (label.len == 0 || label.len > LABEL_BYTES)
            return false;
        for (size_t i = 0; i < label.len; i++) {
            if (label.ptr[i] <= ' ' || label.ptr[i] >= 0x7f || label.ptr[i] == '\\')
                return false;
        }
    }
    return true;
}

static void put_u16(struct buf *buf, uint16_t value)
{
    buf_append_char(buf, (char)(value >> 8));
    buf_append_char(buf, (char)(value & 0xff));
}

static void put_name(struct buf *buf, struct str name)
{
    assert(dns_name_is_valid(name));
    if (name.ptr[name.len - 1] == '.')
        name.len--;
    while (name.ptr && name.len > 0) {
        struct str label = str_cut(&name, '.');

        buf_append_char(buf, (char)label.len);
        buf_append_str(buf, label);
    }
    buf_append_char(buf, 0);
}

void dns_question_write(struct buf *buf, const struct dns_question *question)
{
    put_u16(buf, question->id);
    put_u16(buf, question->recursion ? FLAG_RECURSION_WANTED : 0);
    put_u16(buf, 1);
    put_u16(buf, 0);
    put_u16(buf, 0);
    put_u16(buf, question->edns ? 1 : 0);
    put_name(buf, question->name);
    put_u16(buf, question->type);
    put_u16(buf, question->class ? question->class : DNS_CLASS_INTERNET);
    if (!question->edns)
        return;
    buf_append_char(buf, 0); /* the root: the name of an OPT record */
    put_u16(buf, TYPE_OPT);
    put_u16(buf, DNS_UDP_BYTES);
    put_u16(buf, 0);
    put_u16(buf, 0);
    put_u16(buf, 0);
}

/* ---- reading ---- */

struct reader {
    struct str message;
    size_t at;
    bool failed;
};

static uint32_t take(struct reader *reader, size_t bytes)
{
    uint32_t value = 0;

    if (reader->failed || reader->message.len - reader->at < bytes) {
        reader->failed = true;
        return 0;
    }
    while (bytes-- > 0)
        value = value << 8 | (unsigned char)reader->message.ptr[reader->at++];
    return value;
}

/* Appends a label as text; false when the text is full. */
static bool append_label(char *text, size_t *len, const unsigned char *label, size_t label_len)
{
    for (size_t i = 0; i < label_len; i++) {
        bool is_plain = isalnum(label[i]) || strchr("-_*/+=~@:!", label[i]) != NULL;

        if (*len + 5 >= DNS_NAME_TEXT_BYTES)
            return false;
        if (is_plain && label[i])
            text[(*len)++] = (char)label[i];
        else
            *len += (size_t)snprintf(text + *len, 5, "\\%03u", label[i]);
    }
    text[(*len)++] = '.';
    return true;
}

/* Reads the name at the reader's place as text, and goes to what follows it. */
static void take_name(struct reader *reader, char text[DNS_NAME_TEXT_BYTES])
{
    const unsigned char *bytes = (const unsigned char *)reader->message.ptr;
    size_t at = reader->at;
    size_t lowest = at; /* pointers lead to before here */
    size_t name_bytes = 1;
    size_t len = 0;
    bool jumped = false;

    while (!reader->failed) {
        unsigned label_len = at < reader->message.len ? bytes[at] : 0;

        if (at >= reader->message.len) {
            reader->failed = true;
        } else if (label_len >= 0xc0) {
            size_t to =
                at + 1 < reader->message.len ? (label_len & 0x3fu) << 8 | bytes[at + 1] : SIZE_MAX;

            reader->failed = to >= lowest;
            if (!jumped)
                reader->at = at + 2;
            jumped = true;
            at = lowest = to;
        } else if (label_len == 0) {
            if (!jumped)
                reader->at = at + 1;
            break;
        } else {
            name_bytes += label_len + 1;
            reader->failed = label_len > LABEL_BYTES || name_bytes > NAME_BYTES ||
                             reader->message.len - at <= label_len ||
                             !append_label(text, &len, bytes + at + 1, label_len);
            at += label_len + 1;
        }
    }
    if (len == 0)
        text[len++] = '.';
    text[len] = '\0';
}

bool dns_head_read(struct str message, struct dns_head *ret_head)
{
    struct reader reader = {.message = message};
    uint16_t id = (uint16_t)take(&reader, 2);
    unsigned flags = take(&reader, 2);

    take(&reader, 2); /* questions */
    *ret_head = (struct dns_head){
        .id = id,
        .is_reply = flags & FLAG_REPLY,
        .is_truncated = flags & FLAG_TRUNCATED,
        .is_authoritative = flags & FLAG_AUTHORITATIVE,
        .recursion_available = flags & FLAG_RECURSION_AVAILABLE,
        .rcode = flags & 0xf,
    };
    for (int i = 0; i < DNS_SECTION_COUNT; i++)
        ret_head->counts[i] = (uint16_t)take(&reader, 2);
    return !reader.failed;
}

bool dns_repeats_question(struct str message, const struct dns_question *question)
{
    CLEANUP(buf_clear_p) struct buf asked = {0};
    struct str from = str_sub(message, HEAD_BYTES, message.len);

    if (message.len < HEAD_BYTES || message.ptr[4] != 0 || message.ptr[5] != 1)
        return false;
    put_name(&asked, question->name);
    put_u16(&asked, question->type);
    put_u16(&asked, question->class ? question->class : DNS_CLASS_INTERNET);
    return str_equal_nocase(str_sub(from, 0, asked.len), buf_str(&asked));
}

static void skip_questions(struct reader *reader)
{
    char name[DNS_NAME_TEXT_BYTES];
    unsigned questions;

    reader->at = 4;
    questions = take(reader, 2);
    reader->at = HEAD_BYTES;
    reader->failed |= questions > DNS_RECORDS_MAX;
    while (questions-- > 0 && !reader->failed) {
        take_name(reader, name);
        take(reader, 4);
    }
}

bool dns_records_read(struct str message, dns_record_fn each, void *context)
{
    struct reader reader = {.message = message};
    struct dns_head head;
    size_t total = 0;

    if (!dns_head_read(message, &head))
        return false;
    skip_questions(&reader);
    for (int section = 0; section < DNS_SECTION_COUNT; section++) {
        for (unsigned i = 0; i < head.counts[section] && !reader.failed; i++) {
            struct dns_record record = {.section = (enum dns_section)section};

            take_name(&reader, record.name);
            record.type = (uint16_t)take(&reader, 2);
            record.class = (uint16_t)take(&reader, 2);
            record.ttl_s = take(&reader, 4);
            record.data_len = take(&reader, 2);
            record.data_at = reader.at;
            reader.failed |= ++total > DNS_RECORDS_MAX || message.len - reader.at < record.data_len;
            if (reader.failed)
                break;
            reader.at += record.data_len;
            if (!each(context, &record))
                return true;
        }
    }
    return !reader.failed;
}

/* ---- rdata as text ---- */

static void put_hex(struct buf *buf, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(buf, "%02x", (unsigned char)bytes.ptr[i]);
}

static struct str take_rest(struct reader *reader, size_t len)
{
    struct str rest = str_sub(reader->message, reader->at, len);

    reader->at += rest.len;
    reader->failed |= rest.len < len;
    return rest;
}

static void put_quoted(struct buf *buf, struct str text)
{
    buf_append_char(buf, '"');
    buf_append_escaped(buf, text, text.len * 4);
    buf_append_char(buf, '"');
}

static void put_address(struct buf *buf, struct reader *reader, int family)
{
    struct str bytes = take_rest(reader, family == AF_INET ? 4 : 16);
    char text[INET6_ADDRSTRLEN];

    if (!reader->failed)
        buf_append_text(buf, inet_ntop(family, bytes.ptr, text, sizeof text));
}

/* `end` is where the rdata ends within the reader's message. */
static void put_part(struct buf *buf, struct reader *reader, char part, size_t end)
{
    char name[DNS_NAME_TEXT_BYTES];
    struct str text;

    switch (part) {
    case 'n':
        take_name(reader, name);
        if (!reader->failed)
            buf_append_text(buf, name);
        break;
    case 'i':
        put_address(buf, reader, AF_INET);
        break;
    case 'I':
        put_address(buf, reader, AF_INET6);
        break;
    case 't':
        put_quoted(buf, take_rest(reader, take(reader, 1)));
        break;
    case 'g':
        text = take_rest(reader, take(reader, 1));
        buf_append_escaped(buf, text, text.len * 4);
        break;
    case 's':
        for (bool first = true; reader->at < end && !reader->failed; first = false) {
            if (!first)
                buf_append_char(buf, ' ');
            put_quoted(buf, take_rest(reader, take(reader, 1)));
        }
        break;
    case 'x':
        put_hex(buf, take_rest(reader, end - reader->at));
        break;
    case 'v':
        put_quoted(buf, take_rest(reader, end - reader->at));
        break;
    default:
        buf_printf(buf, "%u", take(reader, (size_t)(part - '0')));
        break;
    }
}

static const char *parts_of(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].number == type)
            return types[i].parts;
    }
    return NULL;
}

void dns_rdata_write(struct buf *buf, struct str message, const struct dns_record *record)
{
    size_t end = record->data_at + record->data_len;
    struct reader reader = {.message = str_sub(message, 0, end), .at = record->data_at};
    const char *parts = parts_of(record->type);
    size_t before = buf->len;

    for (const char *part = parts; part && *part && !reader.failed; part++) {
        if (part != parts)
            buf_append_char(buf, ' ');
        put_part(buf, &reader, *part, end);
        reader.failed |= reader.at > end;
    }
    if (parts && !reader.failed && reader.at == end && buf->len > before)
        return;
    buf->len = before;
    buf_printf(buf, "\\# %zu ", record->data_len);
    put_hex(buf, str_sub(message, record->data_at, record->data_len));
}
