/*
 * The packing of frames, for frame.c and frame_result.c: little-endian, field by field in the order
 * of contract/bus.h. Reading goes through a view that only shrinks: take_…() of too few bytes marks
 * it as failed and gives zeros, so a reader checks once at the end.
 *
 * Thread: any.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/str.h"
#include "shared/uuid.h"

static inline void put(struct buf *buf, uint64_t value, int bytes)
{
    char data[8];

    for (int i = 0; i < bytes; i++)
        data[i] = (char)(value >> 8 * i);
    buf_append(buf, data, (size_t)bytes);
}

/* Overwrites what stands at `at`. */
static inline void put_at(struct buf *buf, size_t at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf->data[at + (size_t)i] = (char)(value >> 8 * i);
}

static inline void put_id(struct buf *buf, const struct uuid *id)
{
    buf_append(buf, id->bytes, sizeof id->bytes);
}

static inline void put_text(struct buf *buf, struct str text)
{
    assert(text.len <= UINT16_MAX);
    put(buf, text.len, 2);
    buf_append_str(buf, text);
}

static inline void put_document(struct buf *buf, struct str document)
{
    put(buf, document.len, 4);
    buf_append_str(buf, document);
}

struct reader {
    struct str rest;
    bool failed;
};

static inline struct str take_bytes(struct reader *reader, size_t len)
{
    struct str taken = {reader->rest.ptr, len};

    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return (struct str){0};
    }
    reader->rest = (struct str){reader->rest.ptr + len, reader->rest.len - len};
    return taken;
}

static inline uint64_t take(struct reader *reader, size_t bytes)
{
    struct str taken = take_bytes(reader, bytes);
    uint64_t value = 0;

    for (size_t i = 0; i < taken.len; i++)
        value |= (uint64_t)(uint8_t)taken.ptr[i] << 8 * i;
    return value;
}

/* A number below `limit`. */
static inline unsigned take_below(struct reader *reader, size_t bytes, uint64_t limit)
{
    uint64_t value = take(reader, bytes);

    if (value >= limit)
        reader->failed = true;
    return reader->failed ? 0 : (unsigned)value;
}

static inline struct uuid take_id(struct reader *reader)
{
    struct uuid id = {0};
    struct str taken = take_bytes(reader, sizeof id.bytes);

    if (taken.len)
        memcpy(id.bytes, taken.ptr, taken.len);
    return id;
}

/* UTF-8 of at most `limit` bytes. */
static inline struct str take_utf8(struct reader *reader, size_t len_bytes, size_t limit)
{
    uint64_t len = take(reader, len_bytes);
    struct str text = take_bytes(reader, len > limit ? SIZE_MAX : len);

    if (!str_is_utf8(text))
        reader->failed = true;
    return text;
}

static inline void skip_zero(struct reader *reader, size_t bytes)
{
    if (take(reader, bytes) != 0)
        reader->failed = true;
}
