/* Everything is read and judged before the socket is made, so that checking is opening short of it.
 */
#include "control/api/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"

static enum err check_exposure(const struct listener_options *options, const struct addr *address)
{
    if ((options->tls_cert != NULL) != (options->tls_key != NULL))
        return fail(ERR_INVALID, "listen_invalid", "--tls-cert and --tls-key belong together");
    if (!options->tls_cert && !addr_is_loopback(address) && !options->insecure_http)
        return fail(
            ERR_INVALID, "listen_invalid",
            "--listen %s is not a loopback address: give --tls-cert and --tls-key, or allow "
            "plain HTTP with --insecure-http",
            options->listen);
    return OK;
}

static struct file_marks marks_of(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return (struct file_marks){0};
    return (struct file_marks){
        .inode = status.st_ino,
        .size = status.st_size,
        .changed_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec,
    };
}

static bool marks_differ(const struct file_marks *a, const struct file_marks *b)
{
    return a->inode != b->inode || a->size != b->size || a->changed_ns != b->changed_ns;
}

/* Before the files are read, so that what changes meanwhile is seen the next time. */
static void read_marks(struct listener *listener)
{
    listener->cert_marks = marks_of(listener->options.tls_cert);
    listener->key_marks = marks_of(listener->options.tls_key);
}

static enum err read_certificate(const struct listener_options *options, SSL_CTX **ret_context)
{
    const char *version = options->tls_min_version ? options->tls_min_version : "1.3";

    if (strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0)
        return fail(ERR_INVALID, "listen_invalid", "--tls-min-version has to be 1.2 or 1.3, not %s",
                    version);
    return tls_server_context_new(options->tls_cert, options->tls_key,
                                  strcmp(version, "1.2") == 0 ? TLS_1_2 : TLS_1_3, ret_context);
}

static enum err read_options(const struct listener_options *options, struct listener *listener)
{
    if (!addr_parse(str_of(options->listen), &listener->address))
        return fail(ERR_INVALID, "listen_invalid",
                    "--listen %s is not an address and port such as 127.0.0.1:8080",
                    options->listen);
    TRY(check_exposure(options, &listener->address));
    TRY(addr_networks_read(options->trusted_proxies, &listener->proxies));
    listener->options = *options;
    if (!options->tls_cert)
        return OK;
    read_marks(listener);
    return read_certificate(options, &listener->tls);
}

static enum err bind_address(const char *listen, struct listener *listener)
{
    socklen_t len = sizeof listener->address;

    listener->fd =
        socket(listener->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return fail(ERR_UNAVAILABLE, "listen_failed", "socket: %s", strerrordesc_np(errno));
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener->fd, &listener->address.any, addr_len(&listener->address)) < 0)
        return fail(ERR_UNAVAILABLE, "listen_failed", "Cannot listen on %s: %s", listen,
                    strerrordesc_np(errno));
    getsockname(listener->fd, &listener->address.any, &len);
    return OK;
}

enum err listener_check(const struct listener_options *options)
{
    struct listener listener = LISTENER_NONE;
    enum err err = read_options(options, &listener);

    listener_close(&listener);
    return err;
}

enum err listener_open(const struct listener_options *options, struct listener *ret_listener)
{
    struct listener listener = LISTENER_NONE;
    enum err err = read_options(options, &listener);

    if (err == OK)
        err = bind_address(options->listen, &listener);
    if (err == OK)
        *ret_listener = listener;
    else
        listener_close(&listener);
    return err;
}

static void tell_renewed(const struct listener *listener)
{
    char not_after[TIMESTAMP_BYTES];

    timestamp_format(tls_server_context_not_after_ms(listener->tls), not_after);
    log_info("certificate.renewed", "file=%s not_after=%s", listener->options.tls_cert, not_after);
}

bool listener_renew(struct listener *listener)
{
    struct listener before = *listener;
    SSL_CTX *context = NULL;

    if (!listener->tls)
        return false;
    read_marks(listener);
    if (!marks_differ(&before.cert_marks, &listener->cert_marks) &&
        !marks_differ(&before.key_marks, &listener->key_marks))
        return false;
    if (read_certificate(&listener->options, &context) != OK) {
        log_error("certificate.renewal_failed", "detail=\"%s\"", failure_last()->detail);
        failure_clear();
        return false;
    }
    tls_context_free(listener->tls);
    listener->tls = context;
    tell_renewed(listener);
    return true;
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    tls_context_free(listener->tls);
    *listener = LISTENER_NONE;
}
