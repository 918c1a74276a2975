/* One row per name and address, in the order of the file; looked up by name through a map of the
 * first row of each. */
#include "shared/hosts.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "shared/buf.h"
#include "shared/map.h"
#include "shared/vec.h"

struct host {
    char *name; /* lower case */
    VEC(struct addr) addrs;
    UT_hash_handle hh;
};

struct hosts {
    const char *path;
    struct timespec changed;
    struct host *by_name;
};

/* Lower case, without the dot at the end; yours. */
static char *plain_name(struct str name)
{
    char *plain;

    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    plain = str_dup(name);
    for (char *c = plain; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return plain;
}

static void forget_all(struct hosts *hosts)
{
    struct host *host;
    struct host *next;

    HASH_ITER (hh, hosts->by_name, host, next) {
        HASH_DEL(hosts->by_name, host);
        vec_clear(&host->addrs);
        free(host->name);
        free(host);
    }
}

static void add(struct hosts *hosts, struct str name, const struct addr *addr)
{
    AUTO(xfree) char *plain = plain_name(name);
    struct host *host;

    HASH_FIND_STR(hosts->by_name, plain, host);
    if (!host) {
        host = NEW(struct host);
        host->name = TAKE(plain);
        HASH_ADD_KEYPTR(hh, hosts->by_name, host->name, strlen(host->name), host);
    }
    vec_push(&host->addrs, *addr);
}

/* The next word of `line`, which is cut off; empty at the end. */
static struct str next_word(struct str *line)
{
    struct str word = {NULL, 0};

    while (line->ptr && word.len == 0) {
        size_t len = 0;

        while (len < line->len && !isspace((unsigned char)line->ptr[len]))
            len++;
        word = str_sub(*line, 0, len);
        *line = len < line->len ? str_sub(*line, len + 1, line->len) : str_n(NULL, 0);
    }
    return word;
}

static void read_line(struct hosts *hosts, struct str line)
{
    struct str words = str_cut(&line, '#');
    struct addr addr;

    if (!addr_parse_ip(next_word(&words), 0, &addr))
        return;
    for (struct str name = next_word(&words); name.len > 0; name = next_word(&words))
        add(hosts, name, &addr);
}

static void read_file(struct hosts *hosts)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    FILE *file = fopen(hosts->path, "re");
    struct str rest;

    if (!file)
        return;
    text.len = fread(buf_reserve(&text, HOSTS_FILE_BYTES_MAX), 1, HOSTS_FILE_BYTES_MAX, file);
    fclose(file);
    rest = buf_str(&text);
    while (rest.ptr)
        read_line(hosts, str_cut(&rest, '\n'));
}

struct hosts *hosts_new(const char *path)
{
    struct hosts *hosts = NEW(struct hosts);

    hosts->path = path;
    hosts_refresh(hosts);
    return hosts;
}

void hosts_free(struct hosts *hosts)
{
    if (!hosts)
        return;
    forget_all(hosts);
    free(hosts);
}

void hosts_refresh(struct hosts *hosts)
{
    struct stat status;

    if (stat(hosts->path, &status) < 0)
        return;
    if (status.st_mtim.tv_sec == hosts->changed.tv_sec &&
        status.st_mtim.tv_nsec == hosts->changed.tv_nsec)
        return;
    hosts->changed = status.st_mtim;
    forget_all(hosts);
    read_file(hosts);
}

static bool is_localhost(struct str name)
{
    struct str end = STR(".localhost");

    return str_equal(name, STR("localhost")) ||
           (name.len > end.len && str_equal(str_sub(name, name.len - end.len, end.len), end));
}

/* What is known without a file. */
static size_t find_localhost(int family, struct addr *ret_addrs, size_t max)
{
    size_t count = 0;

    if (family != AF_INET && count < max)
        addr_parse_ip(STR("::1"), 0, &ret_addrs[count++]);
    if (family != AF_INET6 && count < max)
        addr_parse_ip(STR("127.0.0.1"), 0, &ret_addrs[count++]);
    return count;
}

size_t hosts_find(const struct hosts *hosts, const char *name, int family, struct addr *ret_addrs,
                  size_t max)
{
    AUTO(xfree) char *plain = plain_name(str_of(name));
    struct host *host;
    size_t count = 0;

    HASH_FIND_STR(hosts->by_name, plain, host);
    for (size_t i = 0; host && i < host->addrs.len && count < max; i++) {
        const struct addr *addr = &host->addrs.items[i];

        if (family == AF_UNSPEC || family == addr->any.sa_family)
            ret_addrs[count++] = *addr;
    }
    if (count == 0 && is_localhost(str_of(plain)))
        count = find_localhost(family, ret_addrs, max);
    return count;
}
