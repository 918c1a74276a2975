/* Whatever an export holds: each line is counted, findings are bounded, and what has none ends with the
 * heads that it says. */
#include <assert.h>
#include <stdint.h>

#include "shared/journal_chain/chain_verifier.h"
#include "shared/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    struct str rest = str_n((const char *)data, size);
    const struct verification *result;
    int64_t lines = 0;

    while (rest.ptr) {
        chain_verifier_add(verifier, str_cut(&rest, '\n'));
        lines++;
    }
    result = chain_verifier_end(verifier);
    assert(result->records + result->batches <= lines);
    assert(result->findings.len <= FINDINGS_MOST);
    assert((int64_t)result->findings.len <= result->finding_count);
    assert(result->finding_count > 0 || lines >= 2);
    for (size_t i = 0; i < result->findings.len; i++)
        assert(result->findings.items[i].line <= lines);
    return 0;
}
