/*
 * The bus between prober and control: nanomsg REQ (prober) to raw REP (control), one request
 * outstanding per prober. All integers are little-endian; ids are 16 bytes as they are; a text is a
 * u16 length and UTF-8 bytes, a document a u32 length and JSON. Coded and decoded by shared/frame.c
 * only; tests/unit/shared/test_frame.c holds the golden bytes.
 *
 * REPORT, prober → control: the header, then `count` records, then `previews` answers
 *
 *    magic u32        version u8       type u8          flags u16
 *    prober id 16     boot id u64      first_seq u64    plan_version u64
 *    sent_at_ms i64   count u16        previews u16     length u32 (of all after the header)
 *
 *   A record; the i-th has sequence first_seq + i, contiguous per (prober, boot) from 1:
 *    length u16 (of what follows)      check id 16      scheduled_at_ms i64   at_ms i64
 *    verdict u8       outcome u8       phase u8         has u8
 *    queue, dns, connect, tls, first_byte, transfer, total: 7 × u32 µs        message text
 *    if address:      family u8 (4 or 6)   port u16     4 or 16 bytes
 *    if http:         status u16       redirects u8     truncated u8          body_bytes u32
 *    if tls:          version u16      not_after, chain, verified: 3 × i64 ms
 *    if perfdata:     text
 *
 *   A preview answer:
 *    token u64        document {"result", "steps"}
 *
 * REPLY, control → prober: the header, then `items` items
 *
 *    magic u32        version u8       type u8          flags u16
 *    boot id u64      acked_seq u64    plan_version u64 server_time_ms i64
 *    credit u32       items u16        reserved u16     length u32
 *
 *   acked_seq: everything up to it is committed. plan_version: of the plan once the items are
 *   applied. An item is a type u8 and then
 *    PLAN_RESET       nothing: forget all checks; the whole plan follows, here and in next frames
 *    CHECK_SET        check id 16      flags u8         interval_ms u32       timeout_ms u32
 *                     kind text        document (spec)
 *    CHECK_DROP       check id 16
 *    RUN_AT           check id 16      delay_ms u32: probe it once then, otherwise as planned
 *    PREVIEW          token u64        document (a check as of POST /checks)
 */
#pragma once

#define BUS_MAGIC               0x31424d45u /* "EMB1" */
#define BUS_VERSION             1
#define BUS_FRAME_BYTES_MAX     (256 * 1024)
#define BUS_RESULTS_MAX         500
#define BUS_REPORT_HEADER_BYTES 64
#define BUS_REPLY_HEADER_BYTES  52
#define BUS_ASK_INTERVAL_MS     500  /* an idle prober asks this often */
#define BUS_RESEND_MS           5000 /* an unanswered request is sent again after this */

enum bus_type { BUS_REPORT = 1, BUS_REPLY = 2 };

#define BUS_REPLY_MORE   0x0001u /* more of the plan waits: ask at once */
#define BUS_REPLY_REWIND 0x0002u /* a gap: send again from acked_seq + 1 */
#define BUS_REPLY_BUSY   0x0004u /* nothing was stored: send again after credit ms */

enum bus_item {
    BUS_PLAN_RESET = 1,
    BUS_CHECK_SET = 2,
    BUS_CHECK_DROP = 3,
    BUS_RUN_AT = 4,
    BUS_PREVIEW = 5,
};

#define BUS_CHECK_AT_ONCE 0x01u /* has no result yet: probe it at once, then by its phase */
