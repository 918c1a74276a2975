#include "tests/unit/api/api_client.h"
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/buf.h"

struct api_server *server;

int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(api_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 10};

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void say(int fd, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

char *hear(int fd)
{
    struct buf in = {0};
    size_t wanted = SIZE_MAX;

    while (in.len < wanted) {
        char *end;
        ssize_t len =
            recv(fd, buf_reserve(&in, 1), 1, 0); /* byte by byte: the rest is the next answer's */

        if (len <= 0)
            break;
        in.len += (size_t)len;
        in.data[in.len] = '\0';
        end = wanted == SIZE_MAX ? strstr(in.data, "\r\n\r\n") : NULL;
        if (end) {
            const char *length = strstr(in.data, "Content-Length: ");

            wanted = (size_t)(end + 4 - in.data) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return buf_take_text(&in);
}

bool is_closed(int fd)
{
    char c;

    return recv(fd, &c, 1, 0) == 0;
}

char *ask(const char *request)
{
    int fd = dial();
    char *answer;

    say(fd, request);
    answer = hear(fd);
    close(fd);
    return answer;
}

void assert_has(const char *answer, const char *part)
{
    if (!strstr(answer, part))
        print_error("no \"%s\" in:\n%s\n", part, answer);
    assert_non_null(strstr(answer, part));
}

void assert_answer(const char *request, const char *status, const char *part)
{
    char *answer = ask(request);

    assert_has(answer, status);
    assert_has(answer, part);
    free(answer);
}
