/* The clocks, and RFC 3339 by the proleptic Gregorian calendar without the C library's zones. */
#include "shared/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id, int64_t per_second, int64_t ns_per_unit)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * per_second + now.tv_nsec / ns_per_unit;
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000, 1000);
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000, 1000000);
}

/* Days since 1970-01-01 of a civil date, and back. Source: "chrono-Compatible Low-Level Date
 * Algorithms", H. Hinnant, days_from_civil and civil_from_days. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t era;
    unsigned year_of_era;
    unsigned day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = (unsigned)(year - era * 400);
    day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 +
           (int64_t)(year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year) -
           719468;
}

static void civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t era;
    unsigned day_of_era;
    unsigned year_of_era;
    unsigned day_of_year;
    unsigned shifted_month;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = (unsigned)(days - era * 146097);
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted_month = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *ret_month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *ret_year = (int)((int64_t)year_of_era + era * 400 + (*ret_month <= 2));
}

static char *put_digits(char *at, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

const char *timestamp_format(int64_t wall_ms, char text[TIMESTAMP_BYTES])
{
    int64_t days = wall_ms / 86400000;
    int64_t rest = wall_ms % 86400000;
    unsigned month;
    unsigned day;
    unsigned ms;
    int year;
    char *at = text;

    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    ms = (unsigned)rest;
    civil_from_days(days, &year, &month, &day);

    at = put_digits(at, (unsigned)year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, ms / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, ms / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, ms / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, ms % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
    return text;
}

/* Takes exactly `digits` digits and then the character `after` (0 = none). */
static bool take_number(struct str *rest, size_t digits, char after, unsigned *ret_value)
{
    uint64_t value;

    if (rest->len < digits + (after != 0) ||
        !str_to_u64(str_sub(*rest, 0, digits), UINT32_MAX, &value))
        return false;
    if (after && rest->ptr[digits] != after)
        return false;
    *ret_value = (unsigned)value;
    *rest = str_sub(*rest, digits + (after != 0), rest->len);
    return true;
}

/* Takes an optional fraction of a second. */
static bool take_fraction(struct str *rest, unsigned *ret_ms)
{
    unsigned scale = 100;
    size_t digits = 0;

    *ret_ms = 0;
    if (rest->len == 0 || rest->ptr[0] != '.')
        return true;
    *rest = str_sub(*rest, 1, rest->len);
    while (digits < rest->len && rest->ptr[digits] >= '0' && rest->ptr[digits] <= '9') {
        *ret_ms += scale * (unsigned)(rest->ptr[digits] - '0');
        scale /= 10;
        digits++;
    }
    *rest = str_sub(*rest, digits, rest->len);
    return digits > 0 && digits <= 9;
}

static bool take_offset(struct str *rest, int64_t *ret_offset_ms)
{
    unsigned hours;
    unsigned minutes;
    int sign;

    *ret_offset_ms = 0;
    if (rest->len == 1 && (rest->ptr[0] == 'Z' || rest->ptr[0] == 'z'))
        return true;
    if (rest->len != 6 || (rest->ptr[0] != '+' && rest->ptr[0] != '-'))
        return false;
    sign = rest->ptr[0] == '-' ? -1 : 1;
    *rest = str_sub(*rest, 1, 5);
    if (!take_number(rest, 2, ':', &hours) || !take_number(rest, 2, 0, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_offset_ms = sign * (int64_t)(hours * 60 + minutes) * 60000;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

bool timestamp_parse(struct str text, int64_t *ret_wall_ms)
{
    unsigned year, month, day, hour, minute, second, ms;
    int64_t offset_ms;
    struct str rest = text;

    if (rest.len > 10 && rest.ptr[10] != 'T' && rest.ptr[10] != 't')
        return false;
    if (!take_number(&rest, 4, '-', &year) || !take_number(&rest, 2, '-', &month) || rest.len < 3 ||
        !take_number(&rest, 2, rest.ptr[2], &day) || !take_number(&rest, 2, ':', &hour) ||
        !take_number(&rest, 2, ':', &minute) || !take_number(&rest, 2, 0, &second) ||
        !take_fraction(&rest, &ms) || !take_offset(&rest, &offset_ms))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;

    *ret_wall_ms = days_from_civil(year, month, day) * 86400000 +
                   (int64_t)((hour * 60 + minute) * 60 + second) * 1000 + ms - offset_ms;
    return true;
}
