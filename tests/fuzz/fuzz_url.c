/* Whatever a server sends as Location: a URL that is taken can be printed and taken again, and is
 * the same then. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/status_list.h"
#include "shared/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round(const struct url *url)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    CLEANUP(url_clear_p) struct url again = {0};
    bool is_v6 = strchr(url->host, ':') != NULL;

    assert(url->target[0] == '/');
    assert(url->port > 0);
    buf_printf(&text, is_v6 ? "http%s://[%s]:%u%s" : "http%s://%s:%u%s", url->is_tls ? "s" : "",
               url->host, url->port, url->target);
    if (url_parse(buf_str(&text), &again))
        return; /* longer than the limit, now that the port is written out or bytes are encoded */
    assert(url_same_origin(url, &again));
    assert(strcmp(url->target, again.target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct url base = {
        .is_tls = true, .host = (char *)"a.test", .port = 8443, .target = (char *)"/one/two?q=1"};
    struct status_list list;
    struct url url;

    if (!url_parse(text, &url)) {
        check_round(&url);
        url_clear(&url);
    }
    if (!url_resolve(&base, text, &url)) {
        check_round(&url);
        url_clear(&url);
    }
    if (status_list_parse(text, &list))
        assert(size >= 3);
    return 0;
}
