/*
 * Content codings as a chain of stages, the one that was applied last in front. Data is pulled: the
 * last stage decodes what it has, and asks the one before it when that is used up; the first one
 * reads the caller's input. A stage gives at most CHUNK_BYTES at a time, which stay in it until the
 * next one has used them up, so that a bomb is met with the same memory as a small page.
 */
#define ZLIB_CONST

#include "shared/inflate.h"

#include <brotli/decode.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <zlib.h>

#include "shared/buf.h"
#include "shared/mem.h"

#define CHUNK_BYTES        (16 * 1024)
#define REASON_BYTES       128
#define QUOTED_BYTES_MAX   40
#define ZLIB_HEADER_BYTES  2
#define WINDOW_BITS        15
#define GZIP_WINDOW_BITS   (16 + WINDOW_BITS) /* zlib's way to say: with gzip's header */
#define GZIP_FIRST_BYTE    '\x1f'
#define BLOCK_HEADER_BYTES alignof(max_align_t)

struct stage;

struct coding {
    const char *name; /* in messages */
    /* Decodes from stage->input into `room` bytes of stage->out. INFLATE_END: the data is complete;
     * with INFLATE_NEED_MORE there may be output, too. */
    enum inflate_status (*decode)(struct inflater *inflater, struct stage *stage, size_t room,
                                  size_t *ret_len);
};

enum stage_state {
    STAGE_NEW,     /* no byte has come */
    STAGE_RUNNING, /* in the middle of the data */
    STAGE_WHOLE,   /* complete, but gzip may go on with another member */
    STAGE_ENDED,
};

struct stage {
    const struct coding *coding;
    enum stage_state state;
    bool has_more; /* the last output filled the room, so there may be more without input */
    bool has_zlib; /* zlib is to be cleared */
    z_stream zlib;
    BrotliDecoderState *brotli;
    size_t brotli_bytes; /* allocated now */
    size_t brotli_bytes_max;
    bool memory_refused;
    struct str input; /* the caller's, or what lies in the stage before */
    struct str held;  /* of `header`: still to be decoded, before the input */
    char header[ZLIB_HEADER_BYTES];
    size_t header_len;
    uint64_t in_bytes;
    uint64_t out_bytes;
    unsigned char out[CHUNK_BYTES];
};

struct inflater {
    struct inflate_limits limits;
    enum inflate_status over; /* INFLATE_NEED_MORE while it goes on */
    uint64_t identity_bytes;
    uint64_t extra_bytes;
    char reason[REASON_BYTES];
    size_t stage_count;
    struct stage stages[];
};

PRINTF(3, 4)

static enum inflate_status give_up(struct inflater *inflater, enum inflate_status status,
                                   const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(inflater->reason, sizeof inflater->reason, format, arguments);
    va_end(arguments);
    inflater->over = status;
    return status;
}

static enum inflate_status malformed(struct inflater *inflater, const struct stage *stage,
                                     const char *what)
{
    return give_up(inflater, INFLATE_MALFORMED, "The %s data is malformed: %s.",
                   stage->coding->name, what ? what : "no reason given");
}

/* ---- gzip and deflate ---- */

static void *allocate_for_zlib(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return xcalloc(count, size);
}

static void free_for_zlib(void *opaque, void *block)
{
    (void)opaque;
    free(block);
}

static void begin_zlib(struct stage *stage, int window_bits)
{
    stage->zlib = (z_stream){.zalloc = allocate_for_zlib, .zfree = free_for_zlib};
    if (inflateInit2(&stage->zlib, window_bits) != Z_OK)
        out_of_memory(0);
    stage->has_zlib = true;
}

static enum inflate_status decode_zlib(struct inflater *inflater, struct stage *stage, size_t room,
                                       size_t *ret_len)
{
    struct str *source = stage->held.len > 0 ? &stage->held : &stage->input;
    z_stream *zlib = &stage->zlib;
    int result;

    zlib->next_in = (const unsigned char *)source->ptr;
    zlib->avail_in = (unsigned)MIN(source->len, (size_t)UINT32_MAX);
    zlib->next_out = stage->out;
    zlib->avail_out = (unsigned)room;
    result = inflate(zlib, Z_NO_FLUSH);
    *ret_len = room - zlib->avail_out;
    *source = str_sub(*source, (size_t)((const char *)zlib->next_in - source->ptr), source->len);
    if (result == Z_STREAM_END)
        return INFLATE_END;
    if (result == Z_NEED_DICT)
        return malformed(inflater, stage, "it needs a dictionary");
    if (result != Z_OK && result != Z_BUF_ERROR)
        return malformed(inflater, stage, zlib->msg);
    return INFLATE_NEED_MORE;
}

/* Members follow one another without anything between them. */
static enum inflate_status decode_gzip(struct inflater *inflater, struct stage *stage, size_t room,
                                       size_t *ret_len)
{
    enum inflate_status status;

    if (stage->state == STAGE_NEW)
        begin_zlib(stage, GZIP_WINDOW_BITS);
    if (stage->state == STAGE_WHOLE) {
        if (stage->input.len == 0)
            return INFLATE_NEED_MORE;
        if (stage->input.ptr[0] != GZIP_FIRST_BYTE)
            return INFLATE_END;
        inflateReset(&stage->zlib);
    }
    stage->state = STAGE_RUNNING;
    status = decode_zlib(inflater, stage, room, ret_len);
    if (status != INFLATE_END)
        return status;
    stage->state = STAGE_WHOLE;
    return INFLATE_NEED_MORE;
}

/* The first two bytes tell zlib's form, which the standard means, from the raw one: method 8, a
 * window of at most 32 KiB and a check that the pair is a multiple of 31. Raw data that looks like
 * this would begin with a stored block whose padding is not zero: no encoder writes that. */
static bool is_zlib_header(const char *header)
{
    unsigned first = (unsigned char)header[0];
    unsigned second = (unsigned char)header[1];

    return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

static enum inflate_status decode_deflate(struct inflater *inflater, struct stage *stage,
                                          size_t room, size_t *ret_len)
{
    stage->state = STAGE_RUNNING;
    while (!stage->has_zlib) {
        if (stage->input.len == 0)
            return INFLATE_NEED_MORE;
        stage->header[stage->header_len++] = stage->input.ptr[0];
        stage->input = str_sub(stage->input, 1, stage->input.len);
        if (stage->header_len < ZLIB_HEADER_BYTES)
            continue;
        begin_zlib(stage, is_zlib_header(stage->header) ? WINDOW_BITS : -WINDOW_BITS);
        stage->held = str_n(stage->header, ZLIB_HEADER_BYTES);
    }
    return decode_zlib(inflater, stage, room, ret_len);
}

/* ---- br ---- */

/* brotli's window is as large as the data says, so what it asks for is counted; the size stands
 * before the block. */
static void *allocate_for_brotli(void *opaque, size_t size)
{
    struct stage *stage = opaque;
    char *block;

    if (size > stage->brotli_bytes_max - stage->brotli_bytes) {
        stage->memory_refused = true;
        return NULL;
    }
    block = xmalloc(BLOCK_HEADER_BYTES + size);
    memcpy(block, &size, sizeof size);
    stage->brotli_bytes += size;
    return block + BLOCK_HEADER_BYTES;
}

static void free_for_brotli(void *opaque, void *address)
{
    struct stage *stage = opaque;
    char *block;
    size_t size;

    if (!address)
        return;
    block = (char *)address - BLOCK_HEADER_BYTES;
    memcpy(&size, block, sizeof size);
    stage->brotli_bytes -= size;
    free(block);
}

static enum inflate_status end_brotli(struct inflater *inflater, struct stage *stage)
{
    if (stage->memory_refused)
        return give_up(inflater, INFLATE_OVER_LIMIT,
                       "Decoding the br data takes more than %zu bytes of memory.",
                       stage->brotli_bytes_max);
    return malformed(inflater, stage,
                     BrotliDecoderErrorString(BrotliDecoderGetErrorCode(stage->brotli)));
}

static enum inflate_status decode_brotli(struct inflater *inflater, struct stage *stage,
                                         size_t room, size_t *ret_len)
{
    const uint8_t *in = (const uint8_t *)stage->input.ptr;
    size_t in_left = stage->input.len;
    uint8_t *out = stage->out;
    size_t out_left = room;
    BrotliDecoderResult result;

    stage->state = STAGE_RUNNING;
    if (!stage->brotli) {
        stage->brotli_bytes_max = inflater->limits.memory_bytes;
        stage->brotli = BrotliDecoderCreateInstance(allocate_for_brotli, free_for_brotli, stage);
        if (!stage->brotli)
            return end_brotli(inflater, stage);
    }
    result = BrotliDecoderDecompressStream(stage->brotli, &in_left, &in, &out_left, &out, NULL);
    *ret_len = room - out_left;
    stage->input = str_sub(stage->input, stage->input.len - in_left, in_left);
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return end_brotli(inflater, stage);
    return result == BROTLI_DECODER_RESULT_SUCCESS ? INFLATE_END : INFLATE_NEED_MORE;
}

/* ---- the chain ---- */

static const struct coding gzip = {"gzip", decode_gzip};
static const struct coding deflate_or_raw = {"deflate", decode_deflate};
static const struct coding br = {"br", decode_brotli};

static enum inflate_status check_limits(struct inflater *inflater, const struct stage *stage)
{
    const struct inflate_limits *limits = &inflater->limits;

    if (stage == inflater->stages && stage->in_bytes > limits->input_bytes)
        return give_up(inflater, INFLATE_OVER_LIMIT, "The %s data is longer than %llu bytes.",
                       stage->coding->name, (unsigned long long)limits->input_bytes);
    if (stage->out_bytes > limits->output_bytes)
        return give_up(inflater, INFLATE_OVER_LIMIT, "The %s data decodes to more than %llu bytes.",
                       stage->coding->name, (unsigned long long)limits->output_bytes);
    if (stage->out_bytes > limits->ratio_from_bytes &&
        stage->out_bytes / limits->ratio > stage->in_bytes)
        return give_up(inflater, INFLATE_OVER_LIMIT,
                       "The %s data decodes to more than %u times its length.", stage->coding->name,
                       limits->ratio);
    return INFLATE_NEED_MORE;
}

/* Decodes what the stage has. INFLATE_NEED_MORE: it is used up; so is the rest at the end. */
static enum inflate_status run_stage(struct inflater *inflater, struct stage *stage,
                                     struct str *ret_data)
{
    while (stage->state != STAGE_ENDED && (stage->input.len > 0 || stage->has_more)) {
        /* One byte over the limit is enough to see that it is passed. */
        size_t room = 1 + (size_t)MIN((uint64_t)CHUNK_BYTES - 1,
                                      inflater->limits.output_bytes - stage->out_bytes);
        size_t before = stage->input.len;
        size_t len = 0;
        enum inflate_status status = stage->coding->decode(inflater, stage, room, &len);
        enum inflate_status checked;

        if (status == INFLATE_MALFORMED || status == INFLATE_OVER_LIMIT)
            return status;
        if (status == INFLATE_END)
            stage->state = STAGE_ENDED;
        stage->in_bytes += before - stage->input.len;
        stage->out_bytes += len;
        stage->has_more = len == room || stage->held.len > 0;
        checked = check_limits(inflater, stage);
        if (checked != INFLATE_NEED_MORE)
            return checked;
        if (len > 0) {
            *ret_data = str_n((const char *)stage->out, len);
            return INFLATE_DATA;
        }
    }
    if (stage->state != STAGE_ENDED)
        return INFLATE_NEED_MORE;
    inflater->extra_bytes += stage->input.len;
    stage->input = (struct str){0};
    return INFLATE_END;
}

static bool is_complete(const struct stage *stage)
{
    return stage->state != STAGE_RUNNING;
}

static enum inflate_status pull(struct inflater *inflater, size_t index, struct str *ret_data)
{
    struct stage *stage = &inflater->stages[index];

    for (;;) {
        enum inflate_status status = run_stage(inflater, stage, ret_data);

        if (index == 0 || (status != INFLATE_NEED_MORE && status != INFLATE_END))
            return status;
        /* Also after the end: what it lay in has an end and a check of its own. */
        status = pull(inflater, index - 1, &stage->input);
        if (status == INFLATE_END && !is_complete(stage))
            return malformed(inflater, stage, "it ends early");
        if (status != INFLATE_DATA)
            return status;
    }
}

static enum inflate_status run_identity(struct inflater *inflater, struct str input,
                                        size_t *ret_used, struct str *ret_data)
{
    const struct inflate_limits *limits = &inflater->limits;
    uint64_t limit = MIN(limits->input_bytes, limits->output_bytes);

    if (input.len == 0)
        return INFLATE_NEED_MORE;
    inflater->identity_bytes += input.len;
    if (inflater->identity_bytes > limit)
        return give_up(inflater, INFLATE_OVER_LIMIT, "The data is longer than %llu bytes.",
                       (unsigned long long)limit);
    *ret_used = input.len;
    *ret_data = input;
    return INFLATE_DATA;
}

enum inflate_status inflater_run(struct inflater *inflater, struct str input, size_t *ret_used,
                                 struct str *ret_data)
{
    struct stage *first = inflater->stages;
    enum inflate_status status;

    *ret_used = 0;
    if (inflater->over == INFLATE_NEED_MORE && inflater->stage_count == 0)
        return run_identity(inflater, input, ret_used, ret_data);
    if (inflater->over == INFLATE_NEED_MORE) {
        first->input = input;
        status = pull(inflater, inflater->stage_count - 1, ret_data);
        *ret_used = input.len - first->input.len;
        first->input = (struct str){0};
        if (status == INFLATE_END)
            inflater->over = INFLATE_END;
        return status;
    }
    if (inflater->over == INFLATE_END) {
        inflater->extra_bytes += input.len;
        *ret_used = input.len;
    }
    return inflater->over;
}

enum inflate_status inflater_finish(struct inflater *inflater)
{
    if (inflater->over != INFLATE_NEED_MORE)
        return inflater->over;
    for (size_t i = 0; i < inflater->stage_count; i++) {
        if (!is_complete(&inflater->stages[i]))
            return malformed(inflater, &inflater->stages[i], "it ends early");
    }
    inflater->over = INFLATE_END;
    return INFLATE_END;
}

const char *inflater_reason(const struct inflater *inflater)
{
    return inflater->reason;
}

uint64_t inflater_extra_bytes(const struct inflater *inflater)
{
    return inflater->extra_bytes;
}

/* ---- life ---- */

/* The coding of that name; `ret_coding` stays NULL for identity. */
static enum err coding_of(struct str name, const struct coding **ret_coding)
{
    static const struct {
        struct str name;
        const struct coding *coding;
    } codings[] = {
        {{"gzip", 4}, &gzip},
        {{"x-gzip", 6}, &gzip},
        {{"deflate", 7}, &deflate_or_raw},
        {{"br", 2}, &br},
        {{"identity", 8}, NULL},
        {{"", 0}, NULL}, /* empty members of a list mean nothing */
    };
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        if (str_equal_nocase(codings[i].name, name)) {
            *ret_coding = codings[i].coding;
            return OK;
        }
    }
    buf_append_escaped(&quoted, name, QUOTED_BYTES_MAX);
    return fail(ERR_INVALID, "coding_unknown", "The content coding \"" STR_FMT "\" is not known.",
                STR_ARG(buf_str(&quoted)));
}

enum err inflater_new(struct str codings, const struct inflate_limits *limits,
                      struct inflater **ret_inflater)
{
    const struct coding *wanted[INFLATE_CODINGS_MAX];
    struct inflater *inflater;
    size_t count = 0;

    while (codings.ptr) {
        const struct coding *coding = NULL;

        TRY(coding_of(str_trim(str_cut(&codings, ',')), &coding));
        if (coding && count == INFLATE_CODINGS_MAX)
            return fail(ERR_LIMITED, "coding_nested", "There are more than %d content codings.",
                        INFLATE_CODINGS_MAX);
        if (coding)
            wanted[count++] = coding;
    }

    inflater = xmalloc(sizeof *inflater + count * sizeof inflater->stages[0]);
    *inflater = (struct inflater){.limits = *limits, .stage_count = count};
    for (size_t i = 0; i < count; i++) {
        struct stage *stage = &inflater->stages[i];

        memset(stage, 0, offsetof(struct stage, out));
        stage->coding = wanted[count - 1 - i];
    }
    *ret_inflater = inflater;
    return OK;
}

void inflater_free(struct inflater *inflater)
{
    if (!inflater)
        return;
    for (size_t i = 0; i < inflater->stage_count; i++) {
        struct stage *stage = &inflater->stages[i];

        if (stage->has_zlib)
            inflateEnd(&stage->zlib);
        if (stage->brotli)
            BrotliDecoderDestroyInstance(stage->brotli);
    }
    free(inflater);
}
