/*
 * The private Redis: on a Unix socket only, with everything it knows in an append-only file. It is
 * rebuilt from PostgreSQL whenever it is empty, so a bound on its memory is safe.
 *
 * Who may connect is first a matter of DIR, which is its owner's alone until the operator opens it
 * to a group. We are the default user, with the password in DIR/redis/password; everybody else
 * signs in as the user `subscriber`, who may read em:* and subscribe and nothing else.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/crypto.h"
#include "shared/mem.h"

#include "control/embedded_private.h"

#define SOCKET_FILE       "redis.sock"
#define PASSWORD_FILE     "redis/password"
#define PASSWORD_BYTES    24
#define ANSWER_TIMEOUT_MS 200

const struct server_kind redis_kind = {
    .name = "redis",
    .stop_signal = SIGTERM,
    .grace_ms = 5000,
    .pid_file = "redis.pid",
};

static const char *const programs[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server",
                                       "/usr/sbin/redis-server", "/usr/bin/valkey-server"};

static const char configuration[] =
    "port 0\n"
    "unixsocketperm 770\n"
    "daemonize no\n"
    "supervised no\n"
    "loglevel notice\n"
    "logfile \"\"\n"
    "databases 1\n"
    "appendonly yes\n"
    "appendfsync everysec\n"
    "save \"\"\n"
    "maxmemory 256mb\n"
    "maxmemory-policy noeviction\n"
    "maxclients 1000\n"
    "client-output-buffer-limit pubsub 32mb 8mb 60\n"
    "user subscriber on nopass resetkeys %R~em:* resetchannels &em:* -@all +@read +@pubsub "
    "+@connection -@dangerous -publish -spublish -scan -randomkey -dbsize\n";

static enum err need_program(const char **ret_program)
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (access(programs[i], X_OK) == 0) {
            *ret_program = programs[i];
            return OK;
        }
    }
    return fail(ERR_NOT_FOUND, "program_missing",
                "Redis is not installed: install the package redis-server, or name a server with "
                "--redis URL");
}

static enum err need_password(const struct data_dir *dir, char **ret_password)
{
    uint8_t bytes[PASSWORD_BYTES];
    char text[2 * PASSWORD_BYTES + 1];
    enum err err = data_dir_read(dir, PASSWORD_FILE, ret_password);

    if (err == OK && strlen(*ret_password) == sizeof text - 1)
        return OK;
    if (err == OK)
        free(*ret_password);

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    TRY(data_dir_write(dir, PASSWORD_FILE, text));
    *ret_password = xstrdup(text);
    return OK;
}

static enum err write_configuration(const struct server_child *server, const struct data_dir *dir,
                                    const char *password)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    buf_append_text(&text, configuration);
    buf_printf(&text, "user default on >%s ~* &* +@all\n", password);
    buf_printf(&text, "unixsocket \"%s/" SOCKET_FILE "\"\n", data_dir_path(dir));
    buf_printf(&text, "dir \"%s\"\n", server->folder);
    buf_printf(&text, "pidfile \"%s/%s\"\n", server->folder, redis_kind.pid_file);
    return data_dir_write(dir, "redis/redis.conf", text.data);
}

enum err redis_set_up(struct server_child *server, const struct embedded_options *options,
                      char **ret_url, char **ret_password)
{
    CLEANUP(xfree_p) char *password = NULL;
    const char *program;

    TRY(need_program(&program));
    TRY(data_dir_make_folder(options->dir, redis_kind.name));
    TRY(server_child_end_stale(server));
    TRY(need_password(options->dir, &password));
    TRY(write_configuration(server, options->dir, password));
    server_child_argument(server, "%s", program);
    server_child_argument(server, "%s/redis.conf", server->folder);
    *ret_url = xasprintf("unix://%s/" SOCKET_FILE, data_dir_path(options->dir));
    *ret_password = TAKE(password);
    return OK;
}

enum err redis_forget(const struct embedded_options *options)
{
    CLEANUP(xfree_p) char *folder = data_dir_file(options->dir, "redis/appendonlydir");

    return server_remove_folder(options->spawner, folder);
}

static int connect_socket(const struct data_dir *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/" SOCKET_FILE, data_dir_path(dir));
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads until the answer holds the word, the server ends the connection, or it has had its time. */
static bool reads_word(int fd, const char *word)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char answer[128] = "";
    size_t len = 0;

    while (len < sizeof answer - 1 && poll(&wait, 1, ANSWER_TIMEOUT_MS) == 1) {
        ssize_t got = read(fd, answer + len, sizeof answer - 1 - len);

        if (got <= 0)
            return false;
        len += (size_t)got;
        if (strstr(answer, word))
            return true;
        if (strstr(answer, "-"))
            return false; /* "-LOADING …": it reads its file still */
    }
    return false;
}

bool redis_answers(const struct data_dir *dir)
{
    static const char question[] = "AUTH subscriber -\r\nPING\r\n";
    int fd = connect_socket(dir);
    bool is_good;

    if (fd < 0)
        return false;
    is_good = write(fd, question, sizeof question - 1) == (ssize_t)(sizeof question - 1) &&
              reads_word(fd, "+PONG");
    close(fd);
    return is_good;
}
