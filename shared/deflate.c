/* Quick rather than tight: what is encoded here is sent once. */
#include "shared/deflate.h"

#include <assert.h>
#include <brotli/encode.h>
#include <limits.h>
#include <zlib.h>

#include "shared/mem.h"

#define GZIP_WINDOW_BITS (15 + 16) /* with gzip's head and foot */
#define GZIP_LEVEL       1
#define GZIP_MEMORY      8
#define BROTLI_LEVEL     3
#define BROTLI_WINDOW    18

const struct str content_coding_words[CODING_COUNT] = {
    [CODING_IDENTITY] = {"identity", 8},
    [CODING_BROTLI] = {"br", 2},
    [CODING_GZIP] = {"gzip", 4},
};

/* "q=0", "q=0.0", "q=0.000". */
static bool is_nothing(struct str weight)
{
    if (weight.len < 3 || (weight.ptr[0] | 0x20) != 'q' || weight.ptr[1] != '=')
        return false;
    for (size_t i = 2; i < weight.len; i++) {
        if (weight.ptr[i] != '0' && weight.ptr[i] != '.')
            return false;
    }
    return true;
}

static bool is_accepted(struct str accepted, struct str word)
{
    while (accepted.ptr) {
        struct str weight = str_trim(str_cut(&accepted, ','));
        struct str name = str_trim(str_cut(&weight, ';'));

        if (str_equal_nocase(name, word))
            return !is_nothing(str_trim(weight));
    }
    return false;
}

enum content_coding content_coding_choose(struct str accepted, unsigned offered)
{
    for (int coding = CODING_BROTLI; coding < CODING_COUNT; coding++) {
        if (offered >> coding & 1 && is_accepted(accepted, content_coding_words[coding]))
            return (enum content_coding)coding;
    }
    return CODING_IDENTITY;
}

static size_t encode_gzip(struct str plain, uint8_t *room, size_t room_bytes)
{
    z_stream stream = {0};
    size_t len;

    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        out_of_memory(0);
    stream.next_in = (uint8_t *)plain.ptr;
    stream.avail_in = (unsigned)plain.len;
    stream.next_out = room;
    stream.avail_out = (unsigned)room_bytes;
    len = deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
    deflateEnd(&stream);
    return len;
}

static size_t encode_brotli(struct str plain, uint8_t *room, size_t room_bytes)
{
    size_t len = room_bytes;

    if (!BrotliEncoderCompress(BROTLI_LEVEL, BROTLI_WINDOW, BROTLI_MODE_TEXT, plain.len,
                               (const uint8_t *)plain.ptr, &len, room))
        return 0;
    return len;
}

bool content_encode(enum content_coding coding, struct str plain, struct buf *out)
{
    uint8_t *room;
    size_t len = 0;

    if (coding == CODING_IDENTITY || plain.len < 2)
        return false;
    assert(plain.len <= INT_MAX);
    room = (uint8_t *)buf_reserve(out, plain.len - 1);
    if (coding == CODING_GZIP)
        len = encode_gzip(plain, room, plain.len - 1);
    else
        len = encode_brotli(plain, room, plain.len - 1);
    out->len += len;
    return len > 0;
}
