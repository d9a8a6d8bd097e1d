/* PHP's socket streams, whose waiting can be done by somebody else: each step that would block asks `wait` first. */
#include "wrapper.h"
#include "main/php_network.h"
#include <errno.h>

static swoosh_stream_wait wait_for;
static swoosh_stream_wanted is_wanted;
static swoosh_stream_resolve resolve;
static swoosh_stream_leave leave;

/* The operations of one transport, and ours in their place. */
static struct {
    const php_stream_ops *theirs;
    /* What TLS the transport begins with when it is connected; 0: none. */
    int crypto;
    php_stream_ops ours;
    /* Once the bytes on the wire are not those that are read and written. */
    php_stream_ops sealed;
} operations[13];

static const struct {
    const char *name;
    int flag;
    int crypto;
} transports[] = {
    {"tcp", 2, 0},
    {"udp", 4, 0},
    {"unix", 8, 0},
    {"udg", 16, 0},
    {"ssl", 32, STREAM_CRYPTO_METHOD_TLS_ANY_CLIENT},
    {"tls", 64, STREAM_CRYPTO_METHOD_TLS_ANY_CLIENT},
    {"tlsv1.0", 64, STREAM_CRYPTO_METHOD_TLSv1_0_CLIENT},
    {"tlsv1.1", 64, STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT},
    {"tlsv1.2", 64, STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT},
    {"tlsv1.3", 64, STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT},
};

/* SWOOLE_HOOK_STREAM_FUNCTION. */
enum { FUNCTION_FLAG = 128 };

static zif_handler their_pair;
/* The lowest bit of a method of TLS: this side is the client. */
#define CRYPTO_IS_CLIENT 1

static php_stream_transport_factory factories[sizeof(transports) / sizeof(*transports)];

/* How long the handshake that follows at once may take, seconds. */
static double handshake_limit = -1;

/* Which of the operations a stream has, ours or sealed ones. */
static size_t place(const php_stream_ops *ops)
{
    return ((const char *) ops - (const char *) operations) / sizeof(*operations);
}

static const php_stream_ops *theirs(php_stream *stream)
{
    return operations[place(stream->ops)].theirs;
}

static double seconds_of(const struct timeval *time)
{
    return time == NULL || time->tv_sec < 0 ? -1 : time->tv_sec + time->tv_usec / 1e6;
}

static bool blocks(const php_netstream_data_t *sock)
{
    return sock != NULL && sock->socket != -1 && sock->is_blocked && is_wanted(0);
}

static void take_over(php_stream *stream, int crypto);

/* Their option, while the stream looks as if it were theirs: they tell their kinds apart by the operations. */
static int their_option(php_stream *stream, int option, int value, void *parameter)
{
    const php_stream_ops *ours = stream->ops;
    int result;

    stream->ops = theirs(stream);
    result = stream->ops->set_option(stream, option, value, parameter);
    stream->ops = ours;
    if (option == PHP_STREAM_OPTION_CRYPTO_API) {
        php_stream_xport_crypto_param *cparam = parameter;
        if (cparam->op == STREAM_XPORT_CRYPTO_OP_ENABLE && cparam->outputs.returncode > 0) {
            size_t at = place(ours);
            stream->ops = cparam->inputs.activate ? &operations[at].sealed : &operations[at].ours;
        }
    }
    if (option == PHP_STREAM_OPTION_XPORT_API) {
        php_stream_xport_param *xparam = parameter;
        bool connects = xparam->op == STREAM_XPORT_OP_CONNECT || xparam->op == STREAM_XPORT_OP_CONNECT_ASYNC;
        if (xparam->op == STREAM_XPORT_OP_ACCEPT && xparam->outputs.client != NULL) {
            take_over(xparam->outputs.client, 0);
            if (operations[place(ours)].crypto != 0) {
                /* It has shaken hands already. */
                php_stream *client = xparam->outputs.client;
                client->ops = &operations[place(client->ops)].sealed;
            }
        } else if (connects && operations[place(ours)].crypto != 0 && xparam->outputs.returncode >= 0) {
            stream->ops = &operations[place(ours)].sealed;
        }
    }
    return result;
}

/* One of their steps, which does not block: it says EAGAIN in place of that. */
static ssize_t sealed_step(php_stream *stream, char *buffer, size_t count, bool writes)
{
    php_netstream_data_t *sock = stream->abstract;
    const php_stream_ops *ops = theirs(stream);
    ssize_t done;
    int code;

    php_set_sock_blocking(sock->socket, false);
    sock->is_blocked = 0;
    errno = 0;
    done = writes ? ops->write(stream, buffer, count) : ops->read(stream, buffer, count);
    code = errno;
    sock->is_blocked = 1;
    php_set_sock_blocking(sock->socket, true);
    errno = code;
    return done;
}

/* Waits as long as the stream's timeout says; false, and the stream knows why, where there is nothing to be done then. */
static bool is_ready(php_stream *stream, bool writes)
{
    php_netstream_data_t *sock = stream->abstract;
    int ready = wait_for(sock->socket, writes, seconds_of(&sock->timeout));

    if (sock->socket == -1 || ready < 0) {
        stream->eof = stream->eof || ready == -2;
        return false;
    }
    sock->timeout_event = ready == 0;
    return ready > 0;
}

/* Bytes may be there already that nobody would tell of: each step is tried before anything is waited for. */
static ssize_t sealed_io(php_stream *stream, char *buffer, size_t count, bool writes)
{
    php_netstream_data_t *sock = stream->abstract;

    if (!blocks(sock)) {
        return writes ? theirs(stream)->write(stream, buffer, count) : theirs(stream)->read(stream, buffer, count);
    }
    for (;;) {
        ssize_t done = sealed_step(stream, buffer, count, writes);
        if (done > 0 || stream->eof || errno != EAGAIN) {
            return done;
        }
        if (!is_ready(stream, writes)) {
            return -1;
        }
    }
}

static ssize_t sealed_read(php_stream *stream, char *buffer, size_t count)
{
    return sealed_io(stream, buffer, count, false);
}

static ssize_t sealed_write(php_stream *stream, const char *buffer, size_t count)
{
    return sealed_io(stream, (char *) buffer, count, true);
}

/* A handshake: of each step that cannot go on yet PHP says 0, and wants to be called again. */
static int hooked_crypto(php_stream *stream, int option, int value, php_stream_xport_crypto_param *cparam)
{
    php_netstream_data_t *sock = stream->abstract;
    double limit = handshake_limit >= 0 ? handshake_limit : seconds_of(&sock->timeout);
    int result, ready;

    handshake_limit = -1;
    for (;;) {
        php_set_sock_blocking(sock->socket, false);
        sock->is_blocked = 0;
        result = their_option(stream, option, value, cparam);
        sock->is_blocked = 1;
        php_set_sock_blocking(sock->socket, true);
        if (result != PHP_STREAM_OPTION_RETURN_OK || cparam->outputs.returncode != 0) {
            return result;
        }
        ready = wait_for(sock->socket, false, limit);
        if (sock->socket == -1 || ready <= 0) {
            if (ready == 0) {
                php_error_docref(NULL, E_WARNING, "SSL: Handshake timed out");
            }
            cparam->outputs.returncode = -1;
            return result;
        }
    }
}

static ssize_t hooked_read(php_stream *stream, char *buffer, size_t count)
{
    php_netstream_data_t *sock = stream->abstract;

    if (blocks(sock) && !is_ready(stream, false)) {
        return -1;
    }
    return theirs(stream)->read(stream, buffer, count);
}

static ssize_t hooked_write(php_stream *stream, const char *buffer, size_t count)
{
    php_netstream_data_t *sock = stream->abstract;

    if (!blocks(sock)) {
        return theirs(stream)->write(stream, buffer, count);
    }
    for (;;) {
        int ready;
        ssize_t written = send(sock->socket, buffer, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written >= 0) {
            php_stream_notify_progress_increment(PHP_STREAM_CONTEXT(stream), written, 0);
            return written;
        }
        if (errno != EAGAIN && errno != EINTR) {
            /* They meet the same error, and tell of it. */
            return theirs(stream)->write(stream, buffer, count);
        }
        ready = wait_for(sock->socket, true, seconds_of(&sock->timeout));
        if (sock->socket == -1 || ready <= 0) {
            sock->timeout_event = ready == 0;
            return -1;
        }
    }
}

static int hooked_close(php_stream *stream, int close_handle)
{
    php_netstream_data_t *sock = stream->abstract;

    if (close_handle && sock != NULL && sock->socket != -1) {
        leave(sock->socket);
    }
    return theirs(stream)->close(stream, close_handle);
}

static void refuse(php_stream_xport_param *xparam, int code)
{
    xparam->outputs.error_code = code;
    xparam->outputs.returncode = -1;
    if (xparam->want_errortext) {
        if (xparam->outputs.error_text) {
            zend_string_release(xparam->outputs.error_text);
        }
        xparam->outputs.error_text = php_socket_error_str(code);
    }
}

/* What PHP says of a name without an address. */
static int unknown_host(php_stream_xport_param *xparam)
{
    const char *colon = memrchr(xparam->inputs.name, ':', xparam->inputs.namelen);
    int length = colon == NULL ? (int) xparam->inputs.namelen : (int) (colon - xparam->inputs.name);
    zend_string *text = strpprintf(0, "php_network_getaddresses: getaddrinfo for %.*s failed: %s", length,
        xparam->inputs.name, "Name or service not known");

    if (!EG(exception)) {
        php_error_docref(NULL, E_WARNING, "%s", ZSTR_VAL(text));
    }
    xparam->outputs.returncode = -1;
    xparam->outputs.error_code = 0;
    if (xparam->want_errortext) {
        if (xparam->outputs.error_text) {
            zend_string_release(xparam->outputs.error_text);
        }
        xparam->outputs.error_text = text;
    } else {
        zend_string_release(text);
    }
    return PHP_STREAM_OPTION_RETURN_OK;
}

/* Connects to one address, and waits: what theirs says. `code`: why not, 0 where it is connected. */
static int connect_once(php_stream *stream, int option, int value, php_stream_xport_param *xparam, int *code)
{
    php_netstream_data_t *sock = stream->abstract;
    socklen_t size = sizeof(*code);
    int result, ready;

    xparam->op = STREAM_XPORT_OP_CONNECT_ASYNC;
    if (operations[place(stream->ops)].crypto == 0) {
        result = their_option(stream, option, value, xparam);
    } else {
        /* Theirs would begin to shake hands before there is a connection. */
        const php_stream_ops *ours = stream->ops;
        stream->ops = theirs(stream);
        result = php_stream_socket_ops.set_option(stream, option, value, xparam);
        stream->ops = ours;
    }
    xparam->op = STREAM_XPORT_OP_CONNECT;
    *code = 0;
    if (sock->socket == -1) {
        *code = xparam->outputs.error_code != 0 ? xparam->outputs.error_code : EHOSTUNREACH;
    } else if (xparam->outputs.returncode == 1) {
        ready = wait_for(sock->socket, true, seconds_of(xparam->inputs.timeout));
        if (ready < 0) {
            *code = ECANCELED;
        } else if (ready == 0) {
            *code = ETIMEDOUT;
        } else if (getsockopt(sock->socket, SOL_SOCKET, SO_ERROR, (char *) code, &size) != 0) {
            *code = errno;
        }
    }
    return result;
}

static void close_socket(php_netstream_data_t *sock)
{
    if (sock->socket != -1) {
        closesocket(sock->socket);
        sock->socket = -1;
    }
}

/* Connects to the addresses of a service, one in a line, until one takes it. */
static int connect_service(php_stream *stream, int option, int value, php_stream_xport_param *xparam, char *line, int *code)
{
    int result;

    for (;;) {
        char *end = strchr(line, '\n');
        *end = '\0';
        xparam->inputs.name = line;
        xparam->inputs.namelen = end - line;
        result = connect_once(stream, option, value, xparam, code);
        line = end + 1;
        if (*code == 0 || *code == ECANCELED || *line == '\0') {
            return result;
        }
        close_socket(stream->abstract);
        if (xparam->outputs.error_text) {
            zend_string_release(xparam->outputs.error_text);
            xparam->outputs.error_text = NULL;
        }
    }
}

static int hooked_connect(php_stream *stream, int option, int value, php_stream_xport_param *xparam)
{
    php_netstream_data_t *sock = stream->abstract;
    int crypto = operations[place(stream->ops)].crypto;
    int result, code;

    char found[2048];
    char *name = xparam->inputs.name;
    size_t length = xparam->inputs.namelen;
    ptrdiff_t known;
    bool is_service;

    /* A name that must be asked for is asked for by somebody who does not block. */
    known = name == NULL ? 0 : resolve(name, length, found, sizeof(found));
    if (known < 0) {
        return unknown_host(xparam);
    }
    is_service = known > 0 && found[known - 1] == '\n';
    if (is_service) {
        result = connect_service(stream, option, value, xparam, found, &code);
    } else {
        if (known > 0) {
            xparam->inputs.name = found;
            xparam->inputs.namelen = known;
        }
        result = connect_once(stream, option, value, xparam, &code);
    }
    xparam->inputs.name = name;
    xparam->inputs.namelen = length;
    if (sock->socket == -1) {
        return result;
    }
    if (code != 0 && code != ETIMEDOUT && code != ECANCELED && !is_service) {
        /* The name may have other addresses: they are tried as always. */
        close_socket(sock);
        return their_option(stream, option, value, xparam);
    }
    if (code != 0) {
        refuse(xparam, code);
    } else {
        xparam->outputs.returncode = 0;
        xparam->outputs.error_code = 0;
    }
    php_set_sock_blocking(sock->socket, true);
    sock->is_blocked = 1;
    if (crypto != 0 && xparam->outputs.returncode == 0) {
        php_stream_context *context = PHP_STREAM_CONTEXT(stream);
        zval *wanted = context == NULL ? NULL : php_stream_context_get_option(context, "ssl", "crypto_method");
        if (wanted != NULL && crypto == STREAM_CRYPTO_METHOD_TLS_ANY_CLIENT) {
            crypto = (int) zval_get_long(wanted) | CRYPTO_IS_CLIENT;
        }
        handshake_limit = seconds_of(xparam->inputs.timeout);
        if (php_stream_xport_crypto_setup(stream, crypto, NULL) < 0 || php_stream_xport_crypto_enable(stream, 1) < 0) {
            php_error_docref(NULL, E_WARNING, "Failed to enable crypto");
            xparam->outputs.returncode = -1;
        }
        handshake_limit = -1;
    }
    return result;
}

static int hooked_option(php_stream *stream, int option, int value, void *parameter)
{
    php_netstream_data_t *sock = stream->abstract;
    php_stream_xport_param *xparam = parameter;

    if (option == PHP_STREAM_OPTION_XPORT_API && sock != NULL && is_wanted(0)) {
        switch (xparam->op) {
        case STREAM_XPORT_OP_CONNECT:
            return hooked_connect(stream, option, value, xparam);
        case STREAM_XPORT_OP_ACCEPT:
        case STREAM_XPORT_OP_RECV:
            if (blocks(sock)) {
                bool accepts = xparam->op == STREAM_XPORT_OP_ACCEPT;
                const struct timeval *time = accepts ? xparam->inputs.timeout : &sock->timeout;
                int ready = wait_for(sock->socket, false, seconds_of(time));
                if (ready <= 0) {
                    refuse(xparam, ready == 0 ? ETIMEDOUT : ECANCELED);
                    return PHP_STREAM_OPTION_RETURN_OK;
                }
            }
            if (xparam->op == STREAM_XPORT_OP_ACCEPT && operations[place(stream->ops)].crypto != 0) {
                /* Theirs shakes hands with the client at once, whose operations are those that this stream has now. */
                return theirs(stream)->set_option(stream, option, value, parameter);
            }
            break;
        case STREAM_XPORT_OP_SEND:
            if (blocks(sock)) {
                int ready = wait_for(sock->socket, true, seconds_of(&sock->timeout));
                if (ready <= 0) {
                    refuse(xparam, ready == 0 ? ETIMEDOUT : ECANCELED);
                    return PHP_STREAM_OPTION_RETURN_OK;
                }
            }
            break;
        default:
            break;
        }
    }
    if (option == PHP_STREAM_OPTION_CRYPTO_API && blocks(sock)) {
        php_stream_xport_crypto_param *cparam = parameter;
        if (cparam->op == STREAM_XPORT_CRYPTO_OP_ENABLE && cparam->inputs.activate) {
            return hooked_crypto(stream, option, value, cparam);
        }
    }
    return their_option(stream, option, value, parameter);
}

/* Puts our operations in the place of a stream's own, if they are one of the few kinds there are. */
static void take_over(php_stream *stream, int crypto)
{
    for (size_t at = 0; at < sizeof(operations) / sizeof(*operations); at++) {
        if (operations[at].theirs == NULL) {
            operations[at].theirs = stream->ops;
            operations[at].crypto = crypto;
            operations[at].ours = *stream->ops;
            operations[at].ours.read = hooked_read;
            operations[at].ours.write = hooked_write;
            operations[at].ours.set_option = hooked_option;
            operations[at].ours.close = hooked_close;
            operations[at].sealed = operations[at].ours;
            operations[at].sealed.read = sealed_read;
            operations[at].sealed.write = sealed_write;
        }
        if (operations[at].theirs == stream->ops && operations[at].crypto == crypto) {
            stream->ops = &operations[at].ours;
            return;
        }
    }
}

static php_stream *hooked_factory(const char *proto, size_t protolen, const char *resourcename, size_t resourcenamelen,
    const char *persistent_id, int options, int flags, struct timeval *timeout, php_stream_context *context STREAMS_DC)
{
    for (size_t at = 0; at < sizeof(transports) / sizeof(*transports); at++) {
        if (strlen(transports[at].name) == protolen && memcmp(transports[at].name, proto, protolen) == 0) {
            php_stream *stream = factories[at](proto, protolen, resourcename, resourcenamelen, persistent_id, options,
                flags, timeout, context STREAMS_REL_CC);
            if (stream != NULL && is_wanted(transports[at].flag)) {
                take_over(stream, transports[at].crypto);
            }
            return stream;
        }
    }
    return NULL;
}

static void hooked_pair(INTERNAL_FUNCTION_PARAMETERS)
{
    zval *end;

    their_pair(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    if (Z_TYPE_P(return_value) != IS_ARRAY || !is_wanted(FUNCTION_FLAG)) {
        return;
    }
    ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(return_value), end) {
        php_stream *stream = zend_fetch_resource2_ex(end, NULL, php_file_le_stream(), php_file_le_pstream());
        if (stream != NULL) {
            take_over(stream, 0);
        }
    } ZEND_HASH_FOREACH_END();
}

void swoosh_install_stream_hooks(swoosh_stream_wait wait, swoosh_stream_wanted wanted, swoosh_stream_resolve ask,
    swoosh_stream_leave go)
{
    leave = go;
    resolve = ask;
    wait_for = wait;
    is_wanted = wanted;
    for (size_t at = 0; at < sizeof(transports) / sizeof(*transports); at++) {
        const char *name = transports[at].name;
        php_stream_transport_factory known = zend_hash_str_find_ptr(php_stream_xport_get_hash(), name, strlen(name));
        if (known != NULL) {
            factories[at] = known;
            php_stream_xport_register(name, hooked_factory);
        }
    }
    swoosh_replace_function(ZEND_STRL("stream_socket_pair"), hooked_pair, &their_pair);
}

bool swoosh_stream_has_buffered(zval *resource)
{
    php_stream *stream = zend_fetch_resource2_ex(resource, NULL, php_file_le_stream(), php_file_le_pstream());
    return stream != NULL && stream->writepos - stream->readpos > 0;
}

bool swoosh_replace_function(const char *name, size_t length, zif_handler handler, zif_handler *before)
{
    zend_function *function = zend_hash_str_find_ptr(CG(function_table), name, length);
    if (function == NULL || function->type != ZEND_INTERNAL_FUNCTION) {
        return false;
    }
    *before = function->internal_function.handler;
    function->internal_function.handler = handler;
    return true;
}
