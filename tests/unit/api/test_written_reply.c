/* A reply that waits until the engine knows what was written. */
#include "tests/unit/unit_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/attrs.h"

#include "tests/unit/api/api_client.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards written */
static struct written *written;

static bool keep_written(void *context, struct written *given)
{
    (void)context;
    pthread_mutex_lock(&mutex);
    written = given;
    pthread_mutex_unlock(&mutex);
    return true;
}

static void use_keep_written(struct server_config *config)
{
    config->after_write = keep_written;
}

static struct written *take_written(void)
{
    struct written *taken = NULL;

    for (int i = 0; i < 500 && !taken; i++) {
        pthread_mutex_lock(&mutex);
        taken = TAKE(written);
        pthread_mutex_unlock(&mutex);
        if (!taken)
            poll(NULL, 0, 10);
    }
    return taken;
}

static struct written *to_release;

static void release(struct server *of)
{
    (void)of;
    server_release_reply(to_release);
}

static bool is_quiet(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    return poll(&waiting, 1, 100) == 0;
}

static int start(void **state)
{
    (void)state;
    server = api_server_start(use_keep_written);
    return 0;
}

static void test_a_reply_waits_for_its_release(void **state)
{
    int fd = dial();
    char *answer;

    (void)state;
    say(fd, POST(KEY, "25\r\n\r\n{\"key\":\"a\",\"change\":true}"));
    to_release = take_written();
    assert_non_null(to_release);
    assert_int_equal(to_release->count, 1);
    assert_int_equal(to_release->changes[0].kind, ENTITY_SYSTEM);
    assert_true(is_quiet(fd));
    api_server_do(server, release);
    answer = hear(fd);
    assert_has(answer, "201 Created");
    free(answer);
    close(fd);
}

static void test_a_reply_leaves_when_the_release_is_late(void **state)
{
    int fd = dial();
    char *answer;

    (void)state;
    say(fd, POST(KEY, "25\r\n\r\n{\"key\":\"a\",\"change\":true}"));
    to_release = take_written();
    answer = hear(fd);
    assert_has(answer, "201 Created");
    api_server_do(server, release);
    free(answer);
    close(fd);
}

static void test_a_release_after_the_client_has_gone_is_harmless(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, POST(KEY, "25\r\n\r\n{\"key\":\"a\",\"change\":true}"));
    to_release = take_written();
    close(fd);
    api_server_do(server, release);
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reply_waits_for_its_release),
        cmocka_unit_test(test_a_reply_leaves_when_the_release_is_late),
        cmocka_unit_test(test_a_release_after_the_client_has_gone_is_harmless),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
