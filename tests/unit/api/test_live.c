/* Live updates as a client on the wire sees them: handshake, packets, rooms, replay, bounds. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/server.h"
#include "tests/unit/api/api_client.h"

#define ONE   "00000000-0000-7000-8000-000000000001"
#define TWO   "00000000-0000-7000-8000-000000000002"
#define OTHER "00000000-0000-7000-8000-0000000000ff" /* nobody may follow it */

#define SESSIONS_PER_USER 20

static int start(void **state)
{
    (void)state;
    server = api_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

static int upgrade(const char *target, const char *headers)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(api_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 10};
    char request[1024];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                       target, headers);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, request, (size_t)len, 0), len);
    return fd;
}

static bool read_exactly(int fd, void *data, size_t len)
{
    return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* The head of the answer to an upgrade. */
static char *read_head(int fd)
{
    struct buf head = {0};

    while (head.len < 4 || memcmp(head.data + head.len - 4, "\r\n\r\n", 4) != 0) {
        if (!read_exactly(fd, buf_reserve(&head, 1), 1))
            break;
        head.len++;
    }
    buf_append_char(&head, '\0');
    return buf_take_text(&head);
}

static void write_frame(int fd, uint8_t opcode, const char *text, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    struct buf frame = {0};

    buf_append_char(&frame, (char)(0x80 | opcode));
    if (len < 126) {
        buf_append_char(&frame, (char)(0x80 | len));
    } else if (len <= UINT16_MAX) {
        buf_append_char(&frame, (char)(0x80 | 126));
        buf_append_char(&frame, (char)(len >> 8));
        buf_append_char(&frame, (char)len);
    } else {
        buf_append_char(&frame, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            buf_append_char(&frame, (char)((uint64_t)len >> shift));
    }
    buf_append(&frame, mask, sizeof mask);
    for (size_t i = 0; i < len; i++)
        buf_append_char(&frame, (char)(text[i] ^ mask[i % 4]));
    send(fd, frame.data, frame.len, MSG_NOSIGNAL);
    buf_clear(&frame);
}

static void send_packet(int fd, const char *text)
{
    write_frame(fd, 1, text, strlen(text));
}

/* The payload of the next frame; NULL at the end of the connection. */
static char *read_packet(int fd)
{
    uint8_t head[2];
    uint8_t more[8] = {0};
    uint64_t len;
    char *text;

    if (!read_exactly(fd, head, 2))
        return NULL;
    len = head[1];
    if (len >= 126) {
        size_t bytes = len == 126 ? 2 : 8;

        if (!read_exactly(fd, more, bytes))
            return NULL;
        len = 0;
        for (size_t i = 0; i < bytes; i++)
            len = len << 8 | more[i];
    }
    text = xcalloc(1, len + 1);
    if (len > 0 && !read_exactly(fd, text, len)) {
        free(text);
        return NULL;
    }
    return text;
}

static void expect(int fd, const char *start_of)
{
    char *text = read_packet(fd);

    assert_non_null(text);
    if (strncmp(text, start_of, strlen(start_of)) != 0)
        print_error("expected %s, got %s\n", start_of, text);
    assert_int_equal(strncmp(text, start_of, strlen(start_of)), 0);
    free(text);
}

static void expect_end(int fd)
{
    char *text;

    while ((text = read_packet(fd)))
        free(text);
    close(fd);
}

/* A client that is connected to the namespace. */
static int join(void)
{
    int fd = upgrade("/socket.io/?EIO=4&transport=websocket", "Cookie: em_session=browser\r\n"
                                                              "Origin: http://localhost\r\n");
    char *head = read_head(fd);

    assert_non_null(strstr(head, "101 Switching Protocols"));
    assert_non_null(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    free(head);
    expect(fd, "0{\"sid\":\"");
    send_packet(fd, "40");
    expect(fd, "40{\"sid\":\"");
    return fd;
}

static struct uuid uuid_of(const char *text)
{
    struct uuid uuid;

    assert_true(uuid_parse(str_of(text), &uuid));
    return uuid;
}

static int64_t last_seq;

static void publish(struct server *to)
{
    struct room rooms[] = {
        {ROOM_ENTITY, uuid_of(ONE)}, {ROOM_HEALTH, uuid_of(ONE)}, {ROOM_HEALTH, uuid_of(TWO)}};

    last_seq =
        live_publish(server_live(to),
                     &(struct live_change){.kind = ENTITY_SYSTEM,
                                           .id = uuid_of(ONE),
                                           .version = 7,
                                           .fields = STR("\"changed\":{\"entity\":\"updated\"}")},
                     rooms, ARRAY_LEN(rooms));
}

static void publish_elsewhere(struct server *to)
{
    struct room room = {ROOM_ENTITY, uuid_of(OTHER)};

    last_seq = live_publish(server_live(to),
                            &(struct live_change){.kind = ENTITY_SYSTEM,
                                                  .id = uuid_of(OTHER),
                                                  .fields = STR("\"changed\":{}")},
                            &room, 1);
}

#define CHANGE_ONE                                                                                 \
    "\"kind\":\"system\",\"id\":\"" ONE "\",\"version\":7,\"changed\":{\"entity\":\"updated\"}}]"

static void expect_change(int fd, int64_t seq)
{
    char wanted[256];

    snprintf(wanted, sizeof wanted, "42[\"change\",{\"seq\":%lld," CHANGE_ONE, (long long)seq);
    expect(fd, wanted);
}

static void test_a_change_reaches_each_follower_once(void **state)
{
    int fd = join();
    int other = join();

    (void)state;
    send_packet(fd, "420[\"subscribe\",{\"rooms\":[\"entity:" ONE "\",\"health:" TWO
                    "\",\"entity:" OTHER "\",\"nonsense\"]}]");
    expect(fd, "430[{\"ok\":[\"entity:" ONE "\",\"health:" TWO "\"],\"denied\":[\"entity:" OTHER
               "\",\"nonsense\"],\"seq\":");
    send_packet(other, "421[\"subscribe\",{\"rooms\":[\"entity:" TWO "\"]}]");
    expect(other, "431[{\"ok\":[\"entity:" TWO "\"]");

    api_server_do(server, publish);
    expect_change(fd, last_seq);
    api_server_do(server, publish);
    expect_change(fd, last_seq);

    /* What the other one sees next is the answer to its own question. */
    send_packet(other, "422[\"unsubscribe\",{\"rooms\":[\"entity:" TWO "\"]}]");
    expect(other, "432[{}]");
    close(fd);
    close(other);
}

static void test_unsubscribed_rooms_are_silent(void **state)
{
    int fd = join();

    (void)state;
    send_packet(fd, "420[\"subscribe\",{\"rooms\":[\"entity:" ONE "\"]}]");
    expect(fd, "430[");
    send_packet(fd, "421[\"unsubscribe\",{\"rooms\":[\"entity:" ONE "\"]}]");
    expect(fd, "431[{}]");
    api_server_do(server, publish);
    send_packet(fd, "422[\"unsubscribe\",{\"rooms\":[]}]");
    expect(fd, "432[{}]");
    close(fd);
}

static void test_who_comes_back_gets_what_was_missed(void **state)
{
    int64_t first;
    int fd;
    char packet[256];

    (void)state;
    api_server_do(server, publish);
    first = last_seq;
    api_server_do(server, publish);
    api_server_do(server, publish_elsewhere);
    api_server_do(server, publish);

    fd = join();
    snprintf(packet, sizeof packet,
             "420[\"subscribe\",{\"rooms\":[\"health:" TWO "\"],\"seq\":%lld}]", (long long)first);
    send_packet(fd, packet);
    expect(fd, "430[");
    expect_change(fd, first + 1);
    expect_change(fd, first + 3);

    /* A number of another time: fetch again. */
    send_packet(fd, "421[\"subscribe\",{\"rooms\":[\"health:" TWO "\"],\"seq\":5}]");
    expect(fd, "431[");
    expect(fd, "42[\"resync\",{\"room\":\"health:" TWO "\"}]");
    close(fd);
}

static void test_who_may_not_is_refused(void **state)
{
    static const struct {
        const char *target;
        const char *headers;
        const char *status;
    } cases[] = {
        {"/socket.io/?EIO=4&transport=websocket", "", "401 "},
        {"/socket.io/?EIO=4&transport=websocket", "Cookie: em_session=wrong\r\n", "401 "},
        {"/socket.io/?EIO=4&transport=websocket",
         "Cookie: em_session=browser\r\nOrigin: http://elsewhere\r\n", "403 "},
        {"/socket.io/?EIO=4&transport=websocket", "Cookie: em_session=browser\r\nOrigin: null\r\n",
         "403 "},
        {"/socket.io/?EIO=4&transport=carrier", "Cookie: em_session=browser\r\n", "400 "},
        {"/socket.io/?EIO=3&transport=websocket", "Cookie: em_session=browser\r\n", "400 "},
        {"/socket.io/?EIO=4&transport=websocket", "Authorization: Bearer slow-all\r\n", "101 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = upgrade(cases[i].target, cases[i].headers);
        char *head = read_head(fd);

        assert_non_null(strstr(head, cases[i].status));
        free(head);
        close(fd);
    }
}

static void test_what_is_not_understood_ends_the_connection(void **state)
{
    static const char *const packets[] = {"1", "4", "45-[1]", "42not json", "42{}", "9", "42[1]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        int fd = join();

        send_packet(fd, packets[i]);
        expect_end(fd);
    }
}

static void test_events_before_connect_end_the_connection(void **state)
{
    int fd = upgrade("/socket.io/?EIO=4&transport=websocket", "Authorization: Bearer all\r\n");

    (void)state;
    free(read_head(fd));
    expect(fd, "0{");
    send_packet(fd, "420[\"subscribe\",{\"rooms\":[]}]");
    expect_end(fd);
}

static void test_other_namespaces_are_refused_politely(void **state)
{
    int fd = join();

    (void)state;
    send_packet(fd, "40/admin,{}");
    expect(fd, "44/admin,{\"message\":\"Invalid namespace\"}");
    close(fd);
}

static void test_unknown_events_are_ignored(void **state)
{
    int fd = join();

    (void)state;
    send_packet(fd, "42[\"dance\",1]");
    send_packet(fd, "42[\"subscribe\"]");
    send_packet(fd, "420[\"subscribe\",{\"rooms\":5,\"seq\":\"x\"}]");
    expect(fd, "430[{\"ok\":[],\"denied\":[],\"seq\":");
    close(fd);
}

static void test_too_large_messages_end_the_connection(void **state)
{
    int fd = join();
    size_t len = 70 * 1024;
    char *text = xcalloc(1, len + 1);

    (void)state;
    memset(text, '4', len);
    write_frame(fd, 1, text, len);
    free(text);
    expect_end(fd);
}

static void test_too_many_messages_end_the_connection(void **state)
{
    int fd = join();

    (void)state;
    for (int i = 0; i < 200; i++)
        send_packet(fd, "3");
    expect_end(fd);
}

static void test_a_ping_frame_is_answered(void **state)
{
    int fd = join();

    (void)state;
    write_frame(fd, 9, "hello", 5);
    expect(fd, "hello");
    write_frame(fd, 8, "\x03\xe8", 2);
    expect(fd, "\x03\xe8");
    expect_end(fd);
}

static void test_sockets_of_one_user_are_bounded(void **state)
{
    int fds[SESSIONS_PER_USER];
    int fd;
    char *head;

    (void)state;
    for (int i = 0; i < SESSIONS_PER_USER; i++)
        fds[i] = join();
    fd = upgrade("/socket.io/?EIO=4&transport=websocket", "Cookie: em_session=browser\r\n");
    head = read_head(fd);
    assert_non_null(strstr(head, "429 Too Many Requests"));
    free(head);
    close(fd);
    for (int i = 0; i < SESSIONS_PER_USER; i++)
        close(fds[i]);
}

static void publish_much(struct server *to)
{
    struct buf fields = {0};
    struct room room = {ROOM_ENTITY, uuid_of(ONE)};

    buf_append_text(&fields, "\"changed\":\"");
    for (int i = 0; i < 20000; i++)
        buf_append_char(&fields, 'x');
    buf_append_char(&fields, '"');
    for (int i = 0; i < 1000; i++)
        live_publish(server_live(to),
                     &(struct live_change){
                         .kind = ENTITY_SYSTEM, .id = uuid_of(ONE), .fields = buf_str(&fields)},
                     &room, 1);
    buf_clear(&fields);
}

static void test_a_slow_client_is_told_to_fetch_again(void **state)
{
    int fd = join();
    bool told = false;

    (void)state;
    send_packet(fd, "420[\"subscribe\",{\"rooms\":[\"entity:" ONE "\"]}]");
    expect(fd, "430[");
    api_server_do(server, publish_much);
    for (int i = 0; i < 1000 && !told; i++) {
        char *text = read_packet(fd);

        assert_non_null(text);
        told = strcmp(text, "42[\"resync\",{\"room\":\"entity:" ONE "\"}]") == 0;
        free(text);
    }
    assert_true(told);
    close(fd);
}

static void drop_browser(struct server *of)
{
    struct uuid credential = {.bytes = {3}};

    live_drop_credential(server_live(of), &credential);
}

static void test_an_ended_session_ends_its_connections(void **state)
{
    int fd = join();

    (void)state;
    api_server_do(server, drop_browser);
    expect_end(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_reaches_each_follower_once),
        cmocka_unit_test(test_unsubscribed_rooms_are_silent),
        cmocka_unit_test(test_who_comes_back_gets_what_was_missed),
        cmocka_unit_test(test_who_may_not_is_refused),
        cmocka_unit_test(test_what_is_not_understood_ends_the_connection),
        cmocka_unit_test(test_events_before_connect_end_the_connection),
        cmocka_unit_test(test_other_namespaces_are_refused_politely),
        cmocka_unit_test(test_unknown_events_are_ignored),
        cmocka_unit_test(test_too_large_messages_end_the_connection),
        cmocka_unit_test(test_too_many_messages_end_the_connection),
        cmocka_unit_test(test_a_ping_frame_is_answered),
        cmocka_unit_test(test_sockets_of_one_user_are_bounded),
        cmocka_unit_test(test_a_slow_client_is_told_to_fetch_again),
        cmocka_unit_test(test_an_ended_session_ends_its_connections),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
