/* One bit for each status. */
#include "shared/status_list.h"

static bool read_status(struct str text, unsigned *ret_status)
{
    uint64_t status;

    if (!str_to_u64(str_trim(text), STATUS_MAX, &status) || status < STATUS_MIN)
        return false;
    *ret_status = (unsigned)status;
    return true;
}

bool status_list_parse(struct str text, struct status_list *ret_list)
{
    struct status_list list = {0};

    while (text.ptr) {
        struct str high = str_cut(&text, ',');
        struct str low = str_cut(&high, '-');
        unsigned from;
        unsigned to;

        if (!read_status(low, &from))
            return false;
        to = from;
        if (high.ptr && (!read_status(high, &to) || to < from))
            return false;
        for (unsigned bit = from - STATUS_MIN; bit <= to - STATUS_MIN; bit++)
            list.bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    *ret_list = list;
    return true;
}

bool status_list_has(const struct status_list *list, unsigned status)
{
    unsigned bit = status - STATUS_MIN;

    return status >= STATUS_MIN && status <= STATUS_MAX && (list->bits[bit / 64] >> (bit % 64) & 1);
}
