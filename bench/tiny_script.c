/* The cheapest script there can be: one line on standard output, status 0, and no C library, so that
 * what is measured is the cost of starting a program and not the program. */
#include <stddef.h>

#if defined(__x86_64__)
#define SYS_WRITE 1
#define SYS_EXIT  231

static long call(long number, long first, const void *second, size_t third)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
#define SYS_WRITE 64
#define SYS_EXIT  94

static long call(long number, long first, const void *second, size_t third)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register const void *x1 __asm__("x1") = second;
    register size_t x2 __asm__("x2") = third;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "say here how this machine makes a system call"
#endif

void _start(void);

void _start(void)
{
    static const char line[] = "OK\n";

    call(SYS_WRITE, 1, line, sizeof line - 1);
    for (;;)
        call(SYS_EXIT, 0, NULL, 0);
}
