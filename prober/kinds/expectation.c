/* The schema has seen that the expression can be compiled; a match may still be given up. */
#include "prober/kinds/expectation.h"

#include "shared/json.h"

#include "prober/kinds/http_mask.h"
#include "prober/probe.h"

#define QUOTED_BYTES_MAX 64

struct regex *expectation_new(const json_t *spec, json_t **errors)
{
    const char *pattern = json_text(spec, "expect_regex", NULL);
    struct regex *regex = NULL;

    if (pattern && regex_new(str_of(pattern), &regex) != OK) {
        json_add_error(errors, "/spec/expect_regex", "regex_invalid", "%s", failure_last()->detail);
        failure_clear();
    }
    return regex;
}

enum wait expectation_judge(struct probe *probe, const struct regex *expectation, const char *name,
                            struct str text, const char *secret)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    switch (expectation ? regex_match(expectation, text) : REGEX_MATCH) {
    case REGEX_MATCH:
        return WAIT_NONE;
    case REGEX_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the expression takes too long on this %s",
                         name);
    case REGEX_NO_MATCH:
        break;
    }
    append_masked(&quoted, text, secret, QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_ASSERT_FAILED,
                     "the %s does not match; it begins with \"" STR_FMT "\"", name,
                     STR_ARG(buf_str(&quoted)));
}
