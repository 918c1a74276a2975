/* Everything is read and judged before the socket is made, so that checking is opening short of it.
 */
#include "control/api/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static enum err read_options(const struct listener_options *options, struct listener *listener)
{
    if (!addr_parse(str_of(options->listen), &listener->address))
        return fail(ERR_INVALID, "listen_invalid",
                    "--listen %s is not an address and port such as 127.0.0.1:8080",
                    options->listen);
    TRY(check_exposure(options, &listener->address));
    if (options->tls_cert)
        return tls_server_context_new(options->tls_cert, options->tls_key, &listener->tls);
    return OK;
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

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    tls_context_free(listener->tls);
    *listener = LISTENER_NONE;
}
