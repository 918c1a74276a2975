/*
 * A dialogue: an ordered list of steps over a stream, each a thing to send, to expect or to do. It is
 * compiled once and never changes. What is here decides on bytes that have come; reading and writing
 * them is the caller's.
 *
 * A text to send may hold what earlier expressions have caught: \1 to \9 are the groups of the
 * nearest expression before it, \g{name} the group of that name of the nearest expression that has
 * one, and \\ is a backslash. Nothing else may follow a backslash. At most
 * DIALOGUE_CAPTURE_BYTES_MAX bytes can be caught for that.
 *
 * An expression is matched by line or on the whole: by line, each line is tried as it is complete,
 * without its end (LF or CR LF), and lines that do not match are skipped (or only those that match
 * the step's `skip`); on the whole, everything that has come since the step before is tried together.
 * What a match has used up is gone for the steps after it: the line, or all up to the match's end.
 * A step sees at most DIALOGUE_BUFFER_BYTES.
 *
 * Thread: made on any; once made, any at the same time.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/outcome.h"

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/regex.h"
#include "shared/str.h"
#include "shared/vec.h"

#define DIALOGUE_BUFFER_BYTES      (16 * 1024)
#define DIALOGUE_STEPS_MAX         32
#define DIALOGUE_CAPTURES_MAX      16
#define DIALOGUE_CAPTURE_BYTES_MAX 1024

enum dialogue_verb {
    DIALOGUE_SEND,
    DIALOGUE_EXPECT,       /* an expression */
    DIALOGUE_EXPECT_BYTES, /* just these */
    DIALOGUE_START_TLS,
    DIALOGUE_HALF_CLOSE, /* nothing more is sent */
};

/* A piece of what is sent: bytes of the step, or what was caught. */
struct dialogue_piece {
    size_t from;
    size_t len;
    int capture; /* of the dialogue; -1: bytes */
};

struct dialogue_step {
    enum dialogue_verb verb;
    const char *what;    /* for people: "the greeting"; NULL: its number */
    uint32_t timeout_ms; /* 0: none of its own */

    struct buf bytes; /* to be sent or expected */
    VEC(struct dialogue_piece) pieces;
    bool has_captures;

    bool by_line;
    struct regex *expected;
    struct regex *opening; /* the first line matches this, when it is not the expected; NULL: any */
    struct regex *skip;    /* so do the lines that are skipped; NULL: any */
    struct regex *shown;   /* and one of all lines this; NULL: none has to */
    struct regex *refusal; /* what tells a refusal from what is no such protocol at all */
    const char *missing;   /* a sentence for people when nothing was shown */
    enum outcome mismatch;
    enum outcome refused;
};

/* A group that is wanted later. */
struct dialogue_capture {
    size_t step;
    unsigned group;
};

struct dialogue {
    VEC(struct dialogue_step) steps;
    VEC(struct dialogue_capture) captures;
    bool has_start_tls;
    bool has_half_close;
};

/* Compiles steps that their schema (checks/tcp.json) has accepted. Adds to `errors` what is wrong
 * with how they belong together, with `pointer` before each pointer, and then returns NULL. */
struct dialogue *dialogue_new(const json_t *steps, const char *pointer, json_t **errors);

/* An empty one, to be filled. */
struct dialogue *dialogue_new_empty(void);
void dialogue_free(struct dialogue *dialogue);

DEFINE_AUTO(struct dialogue *, dialogue_free);

/* Sends a text as it is. */
void dialogue_add_send(struct dialogue *dialogue, struct str text);
void dialogue_add_start_tls(struct dialogue *dialogue);

/* Patterns of our own, which are right; NULL where struct dialogue_step allows it. All but
 * `expected` need `by_line`. Texts are borrowed for good. */
struct dialogue_expectation {
    const char *what;
    bool by_line;
    const char *expected;
    const char *opening;
    const char *skip;
    const char *shown;
    const char *missing;
    const char *refusal;
    enum outcome mismatch;
    enum outcome refused;
};

void dialogue_add_expect(struct dialogue *dialogue, const struct dialogue_expectation *expectation);

/* ---- deciding ---- */

enum dialogue_answer {
    DIALOGUE_MATCH,    /* progress->used bytes are used up */
    DIALOGUE_MORE,     /* more bytes are needed */
    DIALOGUE_AGAIN,    /* call again, after others had their turn */
    DIALOGUE_MISMATCH, /* progress->line does not fit, nor will anything that may come */
    DIALOGUE_MISSING,  /* all has come but what should have been shown */
    DIALOGUE_COSTLY,   /* an expression has reached its bound */
    DIALOGUE_FULL,     /* DIALOGUE_BUFFER_BYTES without a match */
};

/* How far a step is; zeroed at its begin. */
struct dialogue_progress {
    size_t line_at; /* of the first line that was not tried yet */
    bool is_shown;
    size_t used;
    struct str line;            /* a view into what was given last */
    struct regex_groups groups; /* … and so are these */
};

/* Whether what has come since the step before is what the step expects.
 * @param at_end nothing more will come. */
enum dialogue_answer dialogue_match(const struct dialogue_step *step, struct str received,
                                    bool at_end, struct dialogue_progress *progress);

/* What was caught, by capture. */
struct dialogue_caught {
    struct buf bytes;

    struct {
        uint32_t from;
        uint32_t len;
    } texts[DIALOGUE_CAPTURES_MAX];
};

/* Keeps what the step at `at` has caught for later ones; false when one text is too long. */
bool dialogue_keep(const struct dialogue *dialogue, size_t at, const struct regex_groups *groups,
                   struct dialogue_caught *caught);

/* What a step sends: its own bytes, or composed in `scratch`; valid until one of them changes. */
struct str dialogue_text(const struct dialogue_step *step, const struct dialogue_caught *caught,
                         struct buf *scratch);
