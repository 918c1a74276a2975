/* By the names of headers. */
#include "prober/kinds/http_mask.h"

#include "shared/attrs.h"

bool http_is_secret_header(struct str name)
{
    static const char *const names[] = {"authorization", "proxy-authorization", "cookie",
                                        "set-cookie"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal_nocase(name, str_of(names[i])))
            return true;
    }
    return false;
}
