/*
 * Exports of two chains, whole and tampered with in each way there is: found, and where. The lines are
 * made by the same two hash functions that the verifier uses; their bytes are tested against a
 * second implementation in tests/system/journal_chain.py.
 */
#include "tests/unit/unit_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/journal_chain.h"

#include "shared/buf.h"
#include "shared/journal_chain/chain_verifier.h"
#include "shared/journal_chain/journal_line.h"
#include "shared/json.h"
#include "shared/mem.h"

#define FIRST_CHAIN  "01890000-0000-7000-8000-00000000000a"
#define SECOND_CHAIN "01890000-0000-7000-8000-00000000000b"
#define LINES_MAX    40

/* Line 0 is the format; then of each chain records 1-3, a batch, 4-5, a batch, 6, a batch: nine
 * lines; the last line has the heads. */
#define FIRST_LINE(n)  (n)
#define SECOND_LINE(n) (9 + (n))
#define HEADS_LINE     19

struct lines {
    json_t *items[LINES_MAX];
    size_t len;
};

static void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        json_decref(lines->items[i]);
}

static struct journal_line read_line(json_t *json)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct journal_line line;

    json_write(json, &text);
    assert_int_equal(journal_line_read(buf_str(&text), &line), OK);
    return line;
}

/* Gives a record the hash that its fields have. */
static void hash_record(json_t *json)
{
    CLEANUP(journal_line_clear_p) struct journal_line line = read_line(json);
    char hash[TEXT_LIST_HASH_BYTES];

    journal_record_hash(&line, hash);
    json_object_set_new(json_object_get(json, "record"), "hash", json_string(hash));
}

/* The first one was sealed before addresses were noted. */
static json_t *make_record(const char *chain, int64_t sequence)
{
    json_t *json =
        json_pack("{s:{s:s, s:I, s:s, s:s, s:s, s:n, s:s, s:n, s:s, s:s, s:s, s:n, s:s, s:n, s:s}}",
                  "record", "chain", chain, "sequence", (json_int_t)sequence, "id", "id", "at",
                  "2026", "request_id", "r", "actor_id", "actor", "administrator", "credential_id",
                  "action", "update", "kind", "system", "entity", "e", "before", "after",
                  "{\"a\": 1}", "reason", "hash", JOURNAL_CHAIN_BEGIN);

    assert_non_null(json);
    if (sequence > 1)
        json_object_set_new(json_object_get(json, "record"), "address", json_string("192.0.2.10"));
    hash_record(json);
    return json;
}

static void add(struct lines *lines, json_t *json)
{
    lines->items[lines->len++] = json;
}

/* A batch over the last `count` lines. */
static void add_batch(struct lines *lines, const char *chain, int64_t last, size_t count,
                      char previous[TEXT_LIST_HASH_BYTES])
{
    CLEANUP(buf_clear_p) struct buf hashes = {0};
    CLEANUP(journal_line_clear_p) struct journal_line line = {0};
    json_t *json =
        json_pack("{s:{s:s, s:I, s:I, s:I, s:s, s:s}}", "batch", "chain", chain, "first",
                  (json_int_t)(last + 1 - (int64_t)count), "last", (json_int_t)last, "count",
                  (json_int_t)count, "sealed_at", "2026", "hash", JOURNAL_CHAIN_BEGIN);

    for (size_t i = lines->len - count; i < lines->len; i++)
        text_list_add(&hashes,
                      str_of(json_text(json_object_get(lines->items[i], "record"), "hash", NULL)));
    line = read_line(json);
    journal_batch_hash(&line, previous, buf_str(&hashes), previous);
    json_object_set_new(json_object_get(json, "batch"), "hash", json_string(previous));
    add(lines, json);
}

static json_t *add_chain(struct lines *lines, const char *chain)
{
    static const size_t counts[] = {3, 2, 1};
    char hash[TEXT_LIST_HASH_BYTES] = JOURNAL_CHAIN_BEGIN;
    int64_t sequence = 0;

    for (size_t batch = 0; batch < ARRAY_LEN(counts); batch++) {
        for (size_t i = 0; i < counts[batch]; i++)
            add(lines, make_record(chain, ++sequence));
        add_batch(lines, chain, sequence, counts[batch], hash);
    }
    return json_pack("{s:s, s:I, s:s}", "chain", chain, "sequence", (json_int_t)sequence, "hash",
                     hash);
}

static struct lines make_export(void)
{
    struct lines lines = {0};
    json_t *heads = json_array();

    add(&lines, json_pack("{s:i}", "journal", JOURNAL_EXPORT_FORMAT));
    json_array_append_new(heads, add_chain(&lines, FIRST_CHAIN));
    json_array_append_new(heads, add_chain(&lines, SECOND_CHAIN));
    add(&lines, json_pack("{s:o}", "heads", heads));
    assert_int_equal(lines.len, HEADS_LINE + 1);
    return lines;
}

static const struct verification *verify(struct chain_verifier *verifier, const struct lines *lines)
{
    for (size_t i = 0; i < lines->len; i++) {
        CLEANUP(buf_clear_p) struct buf text = {0};

        json_write(lines->items[i], &text);
        chain_verifier_add(verifier, buf_str(&text));
    }
    return chain_verifier_end(verifier);
}

/* Tampering ------------------------------------------------------------------------------------- */

static json_t *record_of(const struct lines *lines, size_t at)
{
    return json_object_get(lines->items[at], "record");
}

static void drop(struct lines *lines, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        json_decref(lines->items[i]);
    memmove(&lines->items[at], &lines->items[at + count],
            (lines->len - at - count) * sizeof *lines->items);
    lines->len -= count;
}

static void swap(struct lines *lines, size_t a, size_t b)
{
    json_t *kept = lines->items[a];

    lines->items[a] = lines->items[b];
    lines->items[b] = kept;
}

static void insert(struct lines *lines, size_t at, json_t *json)
{
    memmove(&lines->items[at + 1], &lines->items[at], (lines->len - at) * sizeof *lines->items);
    lines->items[at] = json;
    lines->len++;
}

static void alter_field(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(2)), "actor", json_string("somebody"));
}

static void alter_null(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(2)), "reason", json_string(""));
}

static void alter_address(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(2)), "address", json_string("192.0.2.1"));
}

static void remove_address(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(2)), "address", json_null());
}

static void add_address(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(1)), "address", json_string("192.0.2.10"));
}

static void break_address(struct lines *lines)
{
    json_object_set_new(record_of(lines, SECOND_LINE(2)), "address", json_integer(1));
}

static void alter_with_its_hash(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(2)), "actor", json_string("somebody"));
    hash_record(lines->items[FIRST_LINE(2)]);
}

static void alter_hash(struct lines *lines)
{
    json_object_set_new(record_of(lines, FIRST_LINE(6)), "hash", json_string(JOURNAL_CHAIN_BEGIN));
}

static void alter_batch_hash(struct lines *lines)
{
    json_object_set_new(json_object_get(lines->items[FIRST_LINE(4)], "batch"), "hash",
                        json_string(JOURNAL_CHAIN_BEGIN));
}

static void alter_batch_time(struct lines *lines)
{
    json_object_set_new(json_object_get(lines->items[FIRST_LINE(7)], "batch"), "sealed_at",
                        json_string("2027"));
}

static void alter_batch_bounds(struct lines *lines)
{
    json_object_set_new(json_object_get(lines->items[FIRST_LINE(7)], "batch"), "first",
                        json_integer(3));
}

static void remove_record(struct lines *lines)
{
    drop(lines, FIRST_LINE(2), 1);
}

static void remove_first_record(struct lines *lines)
{
    drop(lines, FIRST_LINE(1), 1);
}

static void remove_last_record_of_batch(struct lines *lines)
{
    drop(lines, FIRST_LINE(3), 1);
}

static void remove_from_database(struct lines *lines)
{
    json_t *record = record_of(lines, FIRST_LINE(5));
    json_t *missing =
        json_pack("{s:{s:O, s:O, s:O, s:O}}", "missing", "chain", json_object_get(record, "chain"),
                  "sequence", json_object_get(record, "sequence"), "id",
                  json_object_get(record, "id"), "hash", json_object_get(record, "hash"));

    json_decref(lines->items[FIRST_LINE(5)]);
    lines->items[FIRST_LINE(5)] = missing;
}

static void remove_batch_line(struct lines *lines)
{
    drop(lines, FIRST_LINE(7), 1);
}

static void remove_last_batch_line(struct lines *lines)
{
    drop(lines, FIRST_LINE(9), 1);
}

static void remove_batch(struct lines *lines)
{
    drop(lines, FIRST_LINE(5), 3);
}

static void remove_first_batch(struct lines *lines)
{
    drop(lines, SECOND_LINE(1), 4);
}

static void reorder(struct lines *lines)
{
    swap(lines, SECOND_LINE(1), SECOND_LINE(2));
}

static void truncate_chain(struct lines *lines)
{
    drop(lines, SECOND_LINE(8), 2);
}

static void truncate_export(struct lines *lines)
{
    drop(lines, HEADS_LINE, 1);
}

static void remove_chain(struct lines *lines)
{
    drop(lines, SECOND_LINE(1), 9);
}

static void insert_record(struct lines *lines)
{
    insert(lines, SECOND_LINE(6), make_record(SECOND_CHAIN, 5));
}

static void insert_at_end(struct lines *lines)
{
    insert(lines, SECOND_LINE(10), make_record(SECOND_CHAIN, 7));
}

static void exchange_chains(struct lines *lines)
{
    for (size_t i = 1; i <= 9; i++)
        swap(lines, FIRST_LINE(i), SECOND_LINE(i));
}

static void rename_chains(struct lines *lines)
{
    for (size_t i = 1; i <= 18; i++) {
        json_t *members = json_object_get(lines->items[i], "record");

        if (!members)
            members = json_object_get(lines->items[i], "batch");
        json_object_set_new(members, "chain", json_string(i <= 9 ? SECOND_CHAIN : FIRST_CHAIN));
    }
}

static void move_record_to_other_chain(struct lines *lines)
{
    swap(lines, FIRST_LINE(5), SECOND_LINE(5));
}

static void write_behind_the_end(struct lines *lines)
{
    add(lines, make_record(SECOND_CHAIN, 7));
}

static void break_line(struct lines *lines)
{
    json_object_del(record_of(lines, SECOND_LINE(2)), "actor");
}

static const struct {
    const char *name;
    void (*tamper)(struct lines *lines);
    enum finding_code code; /* of the first finding */
    const char *chain;
    int64_t sequence;
    int64_t findings; /* all in all; 0: more than one */
} cases[] = {
    {"altered field", alter_field, FINDING_RECORD_ALTERED, FIRST_CHAIN, 2, 1},
    {"null into empty", alter_null, FINDING_RECORD_ALTERED, FIRST_CHAIN, 2, 1},
    {"altered address", alter_address, FINDING_RECORD_ALTERED, FIRST_CHAIN, 2, 1},
    {"removed address", remove_address, FINDING_RECORD_ALTERED, FIRST_CHAIN, 2, 1},
    {"added address", add_address, FINDING_RECORD_ALTERED, FIRST_CHAIN, 1, 1},
    {"altered with its hash", alter_with_its_hash, FINDING_BATCH_ALTERED, FIRST_CHAIN, 3, 1},
    {"altered hash", alter_hash, FINDING_RECORD_ALTERED, FIRST_CHAIN, 5, 2},
    {"altered batch hash", alter_batch_hash, FINDING_BATCH_ALTERED, FIRST_CHAIN, 3, 1},
    {"altered batch time", alter_batch_time, FINDING_BATCH_ALTERED, FIRST_CHAIN, 5, 1},
    {"altered batch bounds", alter_batch_bounds, FINDING_BATCH_ALTERED, FIRST_CHAIN, 5, 1},
    {"removed record", remove_record, FINDING_RECORD_REMOVED, FIRST_CHAIN, 2, 1},
    {"removed first record", remove_first_record, FINDING_RECORD_REMOVED, FIRST_CHAIN, 1, 1},
    {"removed last record", remove_last_record_of_batch, FINDING_RECORD_REMOVED, FIRST_CHAIN, 3, 1},
    {"removed from the database", remove_from_database, FINDING_RECORD_REMOVED, FIRST_CHAIN, 4, 1},
    {"removed batch line", remove_batch_line, FINDING_BATCH_REMOVED, FIRST_CHAIN, 4, 1},
    {"removed last batch line", remove_last_batch_line, FINDING_BATCH_REMOVED, FIRST_CHAIN, 6, 2},
    {"removed batch", remove_batch, FINDING_RECORD_REMOVED, FIRST_CHAIN, 4, 1},
    {"removed first batch", remove_first_batch, FINDING_RECORD_REMOVED, SECOND_CHAIN, 1, 1},
    {"reordered", reorder, FINDING_RECORD_REMOVED, SECOND_CHAIN, 1, 2},
    {"truncated chain", truncate_chain, FINDING_CHAIN_TRUNCATED, SECOND_CHAIN, 6, 1},
    {"truncated export", truncate_export, FINDING_EXPORT_TRUNCATED, "", 0, 1},
    {"removed chain", remove_chain, FINDING_CHAIN_TRUNCATED, SECOND_CHAIN, 6, 1},
    {"inserted record", insert_record, FINDING_RECORD_MISPLACED, SECOND_CHAIN, 5, 1},
    {"inserted at the end", insert_at_end, FINDING_BATCH_REMOVED, SECOND_CHAIN, 7, 1},
    {"exchanged chains", exchange_chains, FINDING_CHAIN_MISPLACED, FIRST_CHAIN, 0, 1},
    {"renamed chains", rename_chains, FINDING_RECORD_ALTERED, SECOND_CHAIN, 1, 0},
    {"moved to another chain", move_record_to_other_chain, FINDING_RECORD_REMOVED, SECOND_CHAIN, 1,
     0},
    {"behind the end", write_behind_the_end, FINDING_EXPORT_TRUNCATED, "", 0, 1},
    {"broken address", break_address, FINDING_LINE_INVALID, SECOND_CHAIN, 0, 0},
    {"broken line", break_line, FINDING_LINE_INVALID, SECOND_CHAIN, 0, 0},
};

static void test_tampering_is_found_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(lines_clear) struct lines lines = make_export();
        AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
        const struct verification *result;
        const struct finding *first;

        cases[i].tamper(&lines);
        result = verify(verifier, &lines);
        print_message("%s: %" PRId64 " findings\n", cases[i].name, result->finding_count);
        assert_true(result->finding_count > 0);
        first = &result->findings.items[0];
        assert_string_equal(finding_words[first->code], finding_words[cases[i].code]);
        assert_string_equal(first->chain, cases[i].chain);
        assert_int_equal(first->sequence, cases[i].sequence);
        if (cases[i].findings > 0)
            assert_int_equal(result->finding_count, cases[i].findings);
    }
}

static void test_whole_export_has_no_finding(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    const struct verification *result = verify(verifier, &lines);

    (void)state;
    assert_int_equal(result->finding_count, 0);
    assert_int_equal(result->records, 12);
    assert_int_equal(result->batches, 6);
    assert_int_equal(result->heads.len, 2);
    assert_int_equal(result->heads.items[1].sequence, 6);
}

static void test_an_export_of_format_1_is_read_too(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();

    (void)state;
    json_object_set_new(lines.items[0], "journal", json_integer(1));
    assert_int_equal(verify(verifier, &lines)->finding_count, 0);
}

static void test_an_export_of_a_later_format_is_refused(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    const struct verification *result;

    (void)state;
    json_object_set_new(lines.items[0], "journal", json_integer(JOURNAL_EXPORT_FORMAT + 1));
    result = verify(verifier, &lines);
    assert_int_equal(result->finding_count, 1);
    assert_int_equal(result->findings.items[0].code, FINDING_LINE_INVALID);
}

static void test_empty_file_is_no_export(void **state)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();

    (void)state;
    assert_int_equal(chain_verifier_end(verifier)->finding_count, 1);
}

/* Heads that were kept -------------------------------------------------------------------------- */

static struct chain_head head_at(const struct lines *lines, size_t batch_line)
{
    const json_t *batch = json_object_get(lines->items[batch_line], "batch");
    struct chain_head head = {.sequence = json_integer_or(batch, "last", 0)};

    snprintf(head.chain, sizeof head.chain, "%s", json_text(batch, "chain", ""));
    snprintf(head.hash, sizeof head.hash, "%s", json_text(batch, "hash", ""));
    return head;
}

static int64_t findings_against(const struct lines *lines, struct chain_head head,
                                enum finding_code *ret_code)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    const struct verification *result;

    chain_verifier_expect(verifier, &head);
    chain_verifier_expect_hash(verifier, head.hash);
    result = verify(verifier, lines);
    *ret_code = result->finding_count > 0 ? result->findings.items[0].code : FINDING_COUNT;
    return result->finding_count;
}

static void test_chains_go_on_from_kept_heads(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    enum finding_code code;

    (void)state;
    assert_int_equal(findings_against(&lines, head_at(&lines, FIRST_LINE(4)), &code), 0);
    assert_int_equal(findings_against(&lines, head_at(&lines, SECOND_LINE(9)), &code), 0);
}

/* The whole export is cut off at the earlier batch, with heads that fit: only what was kept shows it. */
static void test_kept_head_shows_what_was_cut_off(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    struct chain_head kept = head_at(&lines, SECOND_LINE(9));
    struct chain_head earlier = head_at(&lines, SECOND_LINE(7));
    json_t *head = json_array_get(json_object_get(lines.items[HEADS_LINE], "heads"), 1);
    enum finding_code code;

    (void)state;
    json_object_set_new(head, "sequence", json_integer(earlier.sequence));
    json_object_set_new(head, "hash", json_string(earlier.hash));
    drop(&lines, SECOND_LINE(8), 2);
    assert_int_equal(findings_against(&lines, earlier, &code), 0);
    assert_int_equal(findings_against(&lines, kept, &code), 2); /* by head and by hash */
    assert_int_equal(code, FINDING_CHAIN_TRUNCATED);
}

static void test_kept_head_shows_what_was_rewritten(void **state)
{
    CLEANUP(lines_clear) struct lines lines = make_export();
    struct chain_head kept = head_at(&lines, FIRST_LINE(7));
    enum finding_code code;

    (void)state;
    kept.hash[0] = kept.hash[0] == '0' ? '1' : '0';
    assert_int_equal(findings_against(&lines, kept, &code), 2);
    assert_int_equal(code, FINDING_CHAIN_REWRITTEN);
    kept = head_at(&lines, FIRST_LINE(7));
    kept.sequence--; /* no batch ends there */
    assert_int_equal(findings_against(&lines, kept, &code), 1);
    assert_int_equal(code, FINDING_CHAIN_REWRITTEN);
}

static void test_findings_are_bounded_and_all_counted(void **state)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    const struct verification *result;

    (void)state;
    for (int i = 0; i < 1000; i++)
        chain_verifier_add(verifier, STR("nonsense"));
    result = chain_verifier_end(verifier);
    assert_int_equal(result->finding_count, 1001);
    assert_int_equal(result->findings.len, FINDINGS_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_export_has_no_finding),
        cmocka_unit_test(test_tampering_is_found_and_named),
        cmocka_unit_test(test_an_export_of_format_1_is_read_too),
        cmocka_unit_test(test_an_export_of_a_later_format_is_refused),
        cmocka_unit_test(test_empty_file_is_no_export),
        cmocka_unit_test(test_chains_go_on_from_kept_heads),
        cmocka_unit_test(test_kept_head_shows_what_was_cut_off),
        cmocka_unit_test(test_kept_head_shows_what_was_rewritten),
        cmocka_unit_test(test_findings_are_bounded_and_all_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
