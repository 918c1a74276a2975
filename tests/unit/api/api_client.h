/* A client for tests of the server: raw requests in, one answer out. It talks to `server`, which
 * the test starts. */
#pragma once

#include <stdbool.h>

#include "tests/unit/api/api_server.h"

#define KEY  "Authorization: Bearer all\r\n"
#define HOST "Host: localhost\r\n"

#define POST(headers, body)                                                                        \
    "POST /api/v1/things HTTP/1.1\r\n" HOST headers                                                \
    "Content-Type: application/json\r\nContent-Length: " body

extern struct api_server *server;

/* A connection to the server; reading gives up after 10 s. */
int dial(void);
void say(int fd, const char *text);

/* One answer: the head, and as much of the body as it announces. Yours to free. */
char *hear(int fd);

/* Whether the server has ended the connection. */
bool is_closed(int fd);

/* Says the request on a connection of its own and returns the answer. */
char *ask(const char *request);

void assert_has(const char *answer, const char *part);
void assert_answer(const char *request, const char *status, const char *part);
