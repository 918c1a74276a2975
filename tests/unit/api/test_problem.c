/* Errors as problem documents: statuses, what is told and what is not. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"

#include "control/api/problem.h"

static json_t *problem_of(struct reply *reply, enum err err)
{
    json_t *json = NULL;

    problem_write(reply, "request-1", err, failure_last());
    failure_clear();
    assert_string_equal(reply->type, "application/problem+json");
    assert_int_equal(json_parse(buf_str(&reply->body), &json), OK);
    assert_string_equal(json_text(json, "request_id", ""), "request-1");
    assert_int_equal(json_integer_or(json, "status", 0), reply->status);
    assert_string_equal(json_text(json, "title", ""), problem_status_words(reply->status));
    return json;
}

static void test_each_word_has_its_status(void **state)
{
    static const struct {
        enum err err;
        const char *code;
        uint16_t status;
        const char *detail; /* what is told; NULL: something general */
    } cases[] = {
        {ERR_INVALID, "key_wrong", 422, "said so"},
        {ERR_INVALID, "json_malformed", 400, "said so"},
        {ERR_INVALID, "parameters_invalid", 400, "said so"},
        {ERR_UNAUTHENTICATED, "credentials_missing", 401, "said so"},
        {ERR_DENIED, "permission_missing", 403, "said so"},
        {ERR_NOT_FOUND, "not_found", 404, "said so"},
        {ERR_CONFLICT, "key_taken", 409, "said so"},
        {ERR_CONFLICT, "precondition_failed", 412, "said so"},
        {ERR_LIMITED, "rate_limited", 429, "said so"},
        {ERR_LIMITED, "json_too_large", 413, "said so"},
        {ERR_LIMITED, "reads_full", 503, "said so"},
        {ERR_TIMEOUT, "statement_timeout", 504, NULL},
        {ERR_UNAVAILABLE, "database_unavailable", 503, NULL},
        {ERR_BUG, "statement_wrong", 500, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply reply = {0};
        json_t *json;

        (void)fail(cases[i].err, cases[i].code, "said so");
        json = problem_of(&reply, cases[i].err);
        assert_int_equal(reply.status, cases[i].status);
        assert_string_equal(json_text(json, "code", ""),
                            cases[i].err == ERR_BUG ? "internal" : cases[i].code);
        if (cases[i].detail)
            assert_string_equal(json_text(json, "detail", ""), cases[i].detail);
        else
            assert_null(strstr(json_text(json, "detail", ""), "said so"));
        json_decref(json);
        reply_clear(&reply);
    }
}

static void test_what_the_handler_wrote_is_gone(void **state)
{
    struct reply reply = {0};
    json_t *json;

    (void)state;
    reply_header(&reply, "Set-Cookie", "secret");
    buf_append_text(reply_body(&reply), "{\"half\":");
    (void)fail(ERR_INVALID, "wrong", "No.");
    json = problem_of(&reply, ERR_INVALID);
    assert_null(json_object_get(json, "current"));
    assert_true(reply.headers.len == 0);
    json_decref(json);
    reply_clear(&reply);
}

static void test_a_lost_race_tells_the_object_as_it_is(void **state)
{
    struct reply reply = {0};
    json_t *json;

    (void)state;
    reply_json_text(&reply, STR("{\"version\":8}"));
    (void)fail(ERR_CONFLICT, "precondition_failed", "It has changed.");
    json = problem_of(&reply, ERR_CONFLICT);
    assert_int_equal(json_integer_or(json_object_get(json, "current"), "version", 0), 8);
    json_decref(json);
    reply_clear(&reply);
}

static void test_field_errors_are_told(void **state)
{
    struct reply reply = {0};
    json_t *errors = NULL;
    json_t *json;

    (void)state;
    json_add_error(&errors, "/a", "type", "must be a text");
    (void)fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
    json = problem_of(&reply, ERR_INVALID);
    assert_string_equal(
        json_text(json_array_get(json_object_get(json, "errors"), 0), "pointer", ""), "/a");
    json_decref(json);
    reply_clear(&reply);
}

static void test_a_detail_that_is_cut_stays_text(void **state)
{
    struct reply reply = {0};
    json_t *json;

    (void)state;
    (void)fail(ERR_INVALID, "wrong", "caf\xc3");
    json = problem_of(&reply, ERR_INVALID);
    assert_string_equal(json_text(json, "detail", ""), "caf");
    json_decref(json);
    reply_clear(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_word_has_its_status),
        cmocka_unit_test(test_what_the_handler_wrote_is_gone),
        cmocka_unit_test(test_a_lost_race_tells_the_object_as_it_is),
        cmocka_unit_test(test_field_errors_are_told),
        cmocka_unit_test(test_a_detail_that_is_cut_stays_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
