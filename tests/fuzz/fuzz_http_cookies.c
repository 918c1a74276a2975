/* Set-Cookie headers, one in a line: what is sent on is one header, and bounded. */
#include <assert.h>

#include "shared/http_text.h"
#include "shared/mem.h"

#include "prober/kinds/http_cookies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct str lines = str_n((const char *)data, size);
    struct http_cookies cookies = {0};
    const char *wrong;
    struct url url;

    wrong = url_parse(STR("http://b.a.test/x/y?z"), &url);
    assert(!wrong);
    for (struct str line; (line = str_cut(&lines, '\n')).ptr;)
        http_cookies_take(&cookies, &url, line);
    http_cookies_append(&cookies, &url, &text);
    assert(cookies.items.len <= HTTP_COOKIES_MAX && cookies.bytes <= HTTP_COOKIES_BYTES_MAX);
    assert(text.len <= HTTP_COOKIES_BYTES_MAX + 2 * HTTP_COOKIES_MAX);
    assert(text.len == 0 || http_is_field_value(buf_str(&text)));
    http_cookies_clear(&cookies);
    url_clear(&url);
    return 0;
}
