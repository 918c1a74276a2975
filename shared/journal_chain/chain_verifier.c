/*
 * Where something is wrong it is said once, and the check goes on from what stands there: a record's
 * own hash counts for its batch, a batch's own hash for the next one. So one change is one finding,
 * and a second one is found as well.
 */
#include "shared/journal_chain/chain_verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/journal_chain.h"

#include "shared/buf.h"
#include "shared/journal_chain/journal_line.h"
#include "shared/json.h"
#include "shared/mem.h"

#define FINDING_WORD(name, word, what) [FINDING_##name] = (word),

const char *const finding_words[FINDING_COUNT] = {FINDING_TABLE(FINDING_WORD)};

/* A head to be met, in the order of chain and sequence. */
struct expected {
    struct chain_head head;
    bool met;
};

struct chain_verifier {
    struct verification result;
    VEC(struct expected) expected;
    char *expected_hash; /* NULL: none */
    bool hash_met;
    bool sorted;
    int64_t line;
    bool ended;            /* the line with the heads was there */
    struct chain_head now; /* the chain under way: its last batch; "" before the first */
    int64_t next;          /* the sequence that should come */
    struct buf hashes;     /* of the records since the last batch, as a list */
    char computed[65];     /* what the last batch's hash should be, where it is not; else "" */
    size_t expected_at;    /* the first head that is expected of the chain under way */
    bool uncertain;        /* something is wrong since the last batch: its hash says nothing */
};

struct chain_verifier *chain_verifier_new(void)
{
    return NEW(struct chain_verifier);
}

void chain_verifier_free(struct chain_verifier *verifier)
{
    if (!verifier)
        return;
    vec_clear(&verifier->result.findings);
    vec_clear(&verifier->result.heads);
    vec_clear(&verifier->expected);
    buf_clear(&verifier->hashes);
    free(verifier->expected_hash);
    free(verifier);
}

void chain_verifier_expect(struct chain_verifier *verifier, const struct chain_head *head)
{
    vec_push(&verifier->expected, (struct expected){.head = *head});
}

void chain_verifier_expect_hash(struct chain_verifier *verifier, const char *hash)
{
    free(verifier->expected_hash);
    verifier->expected_hash = xstrdup(hash);
}

PRINTF(5, 6)

static void find(struct chain_verifier *verifier, enum finding_code code, const char *chain,
                 int64_t sequence, const char *format, ...)
{
    struct finding finding = {.code = code, .sequence = sequence, .line = verifier->line};
    va_list arguments;

    verifier->result.finding_count++;
    if (verifier->result.findings.len == FINDINGS_MOST)
        return;
    snprintf(finding.chain, sizeof finding.chain, "%s", chain);
    va_start(arguments, format);
    vsnprintf(finding.detail, sizeof finding.detail, format, arguments);
    va_end(arguments);
    vec_push(&verifier->result.findings, finding);
}

/* Heads ----------------------------------------------------------------------------------------- */

static int compare_heads(const void *a, const void *b)
{
    const struct chain_head *left = &((const struct expected *)a)->head;
    const struct chain_head *right = &((const struct expected *)b)->head;
    int chains = strcmp(left->chain, right->chain);

    return chains != 0 ? chains
                       : (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* The expected heads of the chain under way between `first` and `last`: there must be one batch that
 * ends there, with that hash. */
static void meet_heads(struct chain_verifier *verifier, int64_t first, int64_t last,
                       const char *hash)
{
    if (verifier->expected_hash && strcmp(verifier->expected_hash, hash) == 0)
        verifier->hash_met = true;
    for (size_t i = verifier->expected_at; i < verifier->expected.len; i++) {
        struct expected *expected = &verifier->expected.items[i];
        const struct chain_head *head = &expected->head;

        if (strcmp(head->chain, verifier->now.chain) != 0)
            return;
        if (expected->met || head->sequence < first || head->sequence > last)
            continue;
        expected->met = true;
        if (head->sequence != last || strcmp(head->hash, hash) != 0)
            find(verifier, FINDING_CHAIN_REWRITTEN, head->chain, head->sequence,
                 "up to %" PRId64 " it is not the chain that it was when its head was kept",
                 head->sequence);
    }
}

static void check_expected(struct chain_verifier *verifier)
{
    for (size_t i = 0; i < verifier->expected.len; i++) {
        const struct chain_head *head = &verifier->expected.items[i].head;

        if (!verifier->expected.items[i].met)
            find(verifier, FINDING_CHAIN_TRUNCATED, head->chain, head->sequence,
                 "it had %" PRId64 " records when its head was kept", head->sequence);
    }
    if (verifier->expected_hash && !verifier->hash_met)
        find(verifier, FINDING_CHAIN_TRUNCATED, "", 0, "no batch has the hash that was kept");
}

static int compare_chains(const void *a, const void *b)
{
    return strcmp(((const struct chain_head *)a)->chain, ((const struct chain_head *)b)->chain);
}

/* One of the heads in the last line. @param seen in the order of their chains. */
static void check_head(struct chain_verifier *verifier, const struct chain_head *seen,
                       const json_t *head)
{
    int64_t sequence = json_integer_or(head, "sequence", 0);
    struct chain_head key = {0};
    const struct chain_head *found;

    snprintf(key.chain, sizeof key.chain, "%s", json_text(head, "chain", ""));
    found =
        seen ? bsearch(&key, seen, verifier->result.heads.len, sizeof key, compare_chains) : NULL;
    if (!found || found->sequence < sequence)
        find(verifier, FINDING_CHAIN_TRUNCATED, key.chain, sequence,
             "it ends at %" PRId64 " instead of %" PRId64, found ? found->sequence : 0, sequence);
    else if (found->sequence > sequence || strcmp(found->hash, json_text(head, "hash", "")) != 0)
        find(verifier, FINDING_CHAIN_REWRITTEN, key.chain, sequence,
             "it does not end with the hash that the last line says");
}

static void check_heads(struct chain_verifier *verifier, const json_t *heads)
{
    size_t count = verifier->result.heads.len;
    AUTO(xfree) struct chain_head *seen = NULL;

    if (count > 0) {
        seen = xmalloc(count * sizeof *seen);
        memcpy(seen, verifier->result.heads.items, count * sizeof *seen);
        qsort(seen, count, sizeof *seen, compare_chains);
    }
    for (size_t i = 0; i < json_array_size(heads); i++)
        check_head(verifier, seen, json_array_get(heads, i));
}

/* Chains ---------------------------------------------------------------------------------------- */

/* Whether records wait for their batch. */
static bool has_open_records(const struct chain_verifier *verifier)
{
    return verifier->next > verifier->now.sequence + 1;
}

static void end_chain(struct chain_verifier *verifier)
{
    if (!verifier->now.chain[0])
        return;
    if (has_open_records(verifier))
        find(verifier, FINDING_BATCH_REMOVED, verifier->now.chain, verifier->now.sequence + 1,
             "no batch takes in %" PRId64 " to %" PRId64, verifier->now.sequence + 1,
             verifier->next - 1);
    vec_push(&verifier->result.heads, verifier->now);
    verifier->now.chain[0] = '\0';
}

static void begin_batch(struct chain_verifier *verifier)
{
    verifier->uncertain = false;
    buf_reset(&verifier->hashes);
}

static void enter_chain(struct chain_verifier *verifier, const char *chain)
{
    const struct chain_head *before;

    if (strcmp(verifier->now.chain, chain) == 0)
        return;
    end_chain(verifier);
    before = verifier->result.heads.len > 0
                 ? &verifier->result.heads.items[verifier->result.heads.len - 1]
                 : NULL;
    if (before && strcmp(before->chain, chain) >= 0)
        find(verifier, FINDING_CHAIN_MISPLACED, chain, 0, "chains come in the order of their ids");
    verifier->now = (struct chain_head){.hash = JOURNAL_CHAIN_BEGIN};
    snprintf(verifier->now.chain, sizeof verifier->now.chain, "%s", chain);
    verifier->next = 1;
    verifier->expected_at = 0;
    while (verifier->expected_at < verifier->expected.len &&
           strcmp(verifier->expected.items[verifier->expected_at].head.chain, chain) < 0)
        verifier->expected_at++;
    begin_batch(verifier);
}

/* Lines ----------------------------------------------------------------------------------------- */

static void find_removed(struct chain_verifier *verifier, const char *chain, int64_t first,
                         int64_t last)
{
    if (first == last)
        find(verifier, FINDING_RECORD_REMOVED, chain, first, "%" PRId64 " is not there", first);
    else
        find(verifier, FINDING_RECORD_REMOVED, chain, first,
             "%" PRId64 " to %" PRId64 " are not there", first, last);
}

static void check_sequence(struct chain_verifier *verifier, const struct journal_line *line)
{
    if (line->sequence < verifier->next) {
        find(verifier, FINDING_RECORD_MISPLACED, line->chain, line->sequence,
             "%" PRId64 " comes where %" PRId64 " belongs", line->sequence, verifier->next);
        verifier->uncertain = true;
        return;
    }
    if (line->sequence > verifier->next) {
        find_removed(verifier, line->chain, verifier->next, line->sequence - 1);
        verifier->uncertain = true;
    }
    verifier->next = line->sequence < INT64_MAX ? line->sequence + 1 : line->sequence;
}

static void add_record(struct chain_verifier *verifier, const struct journal_line *line)
{
    char hash[TEXT_LIST_HASH_BYTES];

    enter_chain(verifier, line->chain);
    verifier->result.records++;
    check_sequence(verifier, line);
    if (line->type == JOURNAL_LINE_MISSING) {
        find(verifier, FINDING_RECORD_REMOVED, line->chain, line->sequence,
             "it was sealed and is not in the database any more");
    } else {
        journal_record_hash(line, hash);
        if (strcmp(hash, line->hash) != 0)
            find(verifier, FINDING_RECORD_ALTERED, line->chain, line->sequence,
                 "its fields do not have its hash");
    }
    if (!verifier->uncertain)
        text_list_add(&verifier->hashes, str_of(line->hash));
}

/* Whether the batch takes in what came since the one before; says why not. */
static bool fits(struct chain_verifier *verifier, const struct journal_line *line)
{
    if (line->sequence >= verifier->next)
        find(verifier, FINDING_RECORD_REMOVED, line->chain, verifier->next,
             "%" PRId64 " to %" PRId64 " are not there", verifier->next, line->sequence);
    else if (line->first > verifier->now.sequence + 1)
        find(verifier, FINDING_BATCH_REMOVED, line->chain, verifier->now.sequence + 1,
             "no batch takes in %" PRId64 " to %" PRId64, verifier->now.sequence + 1,
             line->first - 1);
    else if (line->first != verifier->now.sequence + 1 || line->sequence != verifier->next - 1 ||
             line->count != line->sequence - line->first + 1)
        find(verifier, FINDING_BATCH_ALTERED, line->chain, line->sequence,
             "it says %" PRId64 " to %" PRId64 ", %" PRId64 " of them, for %" PRId64 " to %" PRId64,
             line->first, line->sequence, line->count, verifier->now.sequence + 1,
             verifier->next - 1);
    else
        return true;
    return false;
}

static void check_batch_hash(struct chain_verifier *verifier, const struct journal_line *line)
{
    char hash[TEXT_LIST_HASH_BYTES];
    char other[TEXT_LIST_HASH_BYTES];

    journal_batch_hash(line, verifier->now.hash, buf_str(&verifier->hashes), hash);
    journal_batch_hash(line, verifier->computed, buf_str(&verifier->hashes), other);
    verifier->computed[0] = '\0';
    if (strcmp(hash, line->hash) == 0 || strcmp(other, line->hash) == 0)
        return;
    snprintf(verifier->computed, sizeof verifier->computed, "%s", hash);
    find(verifier, FINDING_BATCH_ALTERED, line->chain, line->sequence,
         "%" PRId64 " to %" PRId64 ": itself, a record's hash in it, or the batch before is "
         "not what was sealed",
         line->first, line->sequence);
}

static void add_batch(struct chain_verifier *verifier, const struct journal_line *line)
{
    enter_chain(verifier, line->chain);
    verifier->result.batches++;
    if (!verifier->uncertain && fits(verifier, line))
        check_batch_hash(verifier, line);
    else if (verifier->uncertain && line->sequence >= verifier->next)
        fits(verifier, line);
    meet_heads(verifier, verifier->now.sequence + 1, line->sequence, line->hash);
    verifier->now.sequence = line->sequence;
    snprintf(verifier->now.hash, sizeof verifier->now.hash, "%s", line->hash);
    verifier->next = line->sequence < INT64_MAX ? line->sequence + 1 : line->sequence;
    begin_batch(verifier);
}

static void add_heads(struct chain_verifier *verifier, const struct journal_line *line)
{
    end_chain(verifier);
    check_heads(verifier, line->members);
    if (json_array_size(line->members) < verifier->result.heads.len)
        find(verifier, FINDING_CHAIN_MISPLACED, "", 0,
             "there are more chains than the last line knows");
    verifier->ended = true;
}

static void add_line(struct chain_verifier *verifier, const struct journal_line *line)
{
    switch (line->type) {
    case JOURNAL_LINE_FORMAT:
        if (verifier->line != 1)
            find(verifier, FINDING_LINE_INVALID, "", 0, "it belongs at the beginning");
        break;
    case JOURNAL_LINE_RECORD:
    case JOURNAL_LINE_MISSING:
        add_record(verifier, line);
        break;
    case JOURNAL_LINE_BATCH:
        add_batch(verifier, line);
        break;
    case JOURNAL_LINE_HEADS:
        add_heads(verifier, line);
        break;
    }
}

static void sort_expected(struct chain_verifier *verifier)
{
    if (!verifier->sorted && verifier->expected.len > 0)
        qsort(verifier->expected.items, verifier->expected.len, sizeof *verifier->expected.items,
              compare_heads);
    verifier->sorted = true;
}

void chain_verifier_add(struct chain_verifier *verifier, struct str text)
{
    CLEANUP(journal_line_clear_p) struct journal_line line = {0};

    sort_expected(verifier);
    verifier->line++;
    if (verifier->ended) {
        find(verifier, FINDING_EXPORT_TRUNCATED, "", 0, "there is something behind the last line");
        return;
    }
    if (journal_line_read(text, &line) != OK) {
        find(verifier, FINDING_LINE_INVALID, verifier->now.chain, 0, "%s", failure_last()->detail);
        verifier->uncertain = true;
        return;
    }
    if (verifier->line == 1 && line.type != JOURNAL_LINE_FORMAT)
        find(verifier, FINDING_EXPORT_TRUNCATED, "", 0, "its first line is missing");
    add_line(verifier, &line);
}

const struct verification *chain_verifier_end(struct chain_verifier *verifier)
{
    verifier->line = 0;
    if (!verifier->ended) {
        end_chain(verifier);
        find(verifier, FINDING_EXPORT_TRUNCATED, "", 0,
             "the line that says where the chains end is missing");
    }
    check_expected(verifier);
    return &verifier->result;
}
