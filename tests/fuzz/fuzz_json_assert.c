/* A program in the first line, a document after it: nothing crashes, a program for libjq has been
 * looked through, and a simple one gives the same answer however it is asked. */
#include <assert.h>
#include <stdint.h>

#include "shared/json.h"
#include "shared/json_assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct json_assert *assertion, struct str text)
{
    CLEANUP(buf_clear_p) struct buf reason = {0};
    CLEANUP(buf_clear_p) struct buf ignored = {0};
    JSON_AUTO json_t *document = NULL;
    JSON_AUTO json_t *value = NULL;
    enum json_answer answer = json_assert_holds(assertion, text, &reason);

    assert(reason.len <= JSON_ASSERT_REASON_BYTES);
    assert(str_is_utf8(buf_str(&reason)));
    if (json_assert_parse(text, &document) != OK) {
        assert(answer == JSON_ANSWER_ERROR || answer == JSON_ANSWER_LIMIT);
        return;
    }
    value = json_assert_value(assertion, document, &ignored);
    if (!value)
        assert(answer == JSON_ANSWER_ERROR);
    else if (json_is_null(value) || json_is_false(value))
        assert(answer == JSON_ANSWER_FALSE);
    else
        assert(answer == JSON_ANSWER_TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    struct str program = str_cut(&text, '\n');
    struct json_assert *assertion;

    if (json_assert_new(program, &assertion) == OK) {
        if (json_assert_is_simple(assertion))
            evaluate(assertion, text);
        json_assert_free(assertion);
    }
    failure_clear();
    return 0;
}
