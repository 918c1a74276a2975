/* From /proc and getrusage(). */
#include "shared/process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/str.h"

/* The second number of /proc/self/statm, in pages. */
uint64_t process_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    struct str rest;
    uint64_t pages = 0;

    if (!file)
        return 0;
    if (fgets(line, sizeof line, file)) {
        rest = str_of(line);
        str_cut(&rest, ' ');
        if (!str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &pages))
            pages = 0;
    }
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int64_t timeval_us(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

int64_t process_cpu_us(void)
{
    struct rusage usage = {0};

    getrusage(RUSAGE_SELF, &usage);
    return timeval_us(usage.ru_utime) + timeval_us(usage.ru_stime);
}
