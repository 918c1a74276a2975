/* Each proxy appends whom it heard from, so the list is read from its end: what stands before the
 * last address that is no proxy of ours may be anybody's invention. */
#include "control/api/forwarded.h"

#include "shared/http_parse.h"

/* Takes the last element off a list; the whole when there is no comma. */
static struct str cut_last(struct str *list)
{
    size_t at = list->len;
    struct str last;

    while (at > 0 && list->ptr[at - 1] != ',')
        at--;
    last = str_trim(str_sub(*list, at, list->len));
    *list = at > 0 ? str_sub(*list, 0, at - 1) : (struct str){0};
    return last;
}

/* "192.0.2.1", "192.0.2.1:1234", "2001:db8::1", "[2001:db8::1]:1234". */
static bool read_address(struct str text, struct addr *ret_addr)
{
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = str_sub(text, 1, text.len - 2);
    return addr_parse_ip(text, 0, ret_addr) || addr_parse(text, ret_addr);
}

/* Goes back through one field; false when the chain ends in it. */
static bool go_back(const struct addr_networks *networks, struct str list, struct addr *client)
{
    while (list.ptr) {
        struct addr addr;

        if (!read_address(cut_last(&list), &addr))
            return false;
        *client = addr;
        if (!addr_networks_have(networks, &addr))
            return false;
    }
    return true;
}

struct forwarded forwarded_read(const struct addr_networks *networks, const struct http_head *head,
                                const struct addr *peer)
{
    struct forwarded forwarded = {.client = *peer};
    bool goes_on = true;

    for (uint32_t i = head->field_count; i-- > 0;) {
        const struct http_field *field = &head->fields[i];

        if (goes_on && str_equal_nocase(field->name, STR("x-forwarded-for"))) {
            goes_on = go_back(networks, field->value, &forwarded.client);
        } else if (!forwarded.has_scheme &&
                   str_equal_nocase(field->name, STR("x-forwarded-proto"))) {
            struct str list = field->value;
            struct str scheme = cut_last(&list);

            forwarded.has_scheme = true;
            forwarded.is_https = str_equal_nocase(scheme, STR("https"));
        }
    }
    return forwarded;
}
