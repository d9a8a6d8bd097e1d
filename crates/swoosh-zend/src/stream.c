/* Hooks PHP's socket streams: operations that would block call `wait_for` instead.
 *
 * Invariant: each hooked stream has operations from the table below, whose entry names the original ones. PHP's transports
 * identify their streams by the address of the operations, so the originals are restored around calls into them.
 *
 * Length: one transport layer; every function depends on the table of operations. */
#include "wrapper.h"
#include "main/php_network.h"
#include <errno.h>

static swoosh_stream_wait wait_for;
static swoosh_stream_is_enabled is_enabled;
static swoosh_stream_resolve resolve;
static swoosh_stream_before_close before_close;
static swoosh_stream_may_use may_use;
static swoosh_stream_was_cancelled was_cancelled;

/* The original operations of a transport, and the hooked ones that replace them. */
static struct {
    const php_stream_ops *original;
    /* The TLS method with which the transport starts after connecting; 0: none. */
    int crypto;
    php_stream_ops hooked;
    /* Used while TLS is active. */
    php_stream_ops hooked_tls;
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

static zif_handler original_pair;
/* The lowest bit of a TLS method: this side is the client. */
#define CRYPTO_IS_CLIENT 1

static php_stream_transport_factory factories[sizeof(transports) / sizeof(*transports)];

/* The timeout, in seconds, of a handshake that directly follows a connect; negative: the stream's own. */
static double handshake_limit = -1;

/* The table index of a hooked stream's operations. */
static size_t place(const php_stream_ops *ops)
{
    return ((const char *) ops - (const char *) operations) / sizeof(*operations);
}

static const php_stream_ops *original(php_stream *stream)
{
    return operations[place(stream->ops)].original;
}

static double seconds_of(const struct timeval *time)
{
    return time == NULL || time->tv_sec < 0 ? -1 : time->tv_sec + time->tv_usec / 1e6;
}

static bool blocks(const php_netstream_data_t *sock)
{
    return sock != NULL && sock->socket != -1 && sock->is_blocked && is_enabled(0);
}

static void take_over(php_stream *stream, int crypto);

/* Calls the original set_option with the original operations in place, and updates the hooked ones when TLS starts or ends. */
static int original_option(php_stream *stream, int option, int value, void *parameter)
{
    const php_stream_ops *hooked = stream->ops;
    int result;

    stream->ops = original(stream);
    result = stream->ops->set_option(stream, option, value, parameter);
    stream->ops = hooked;
    if (option == PHP_STREAM_OPTION_CRYPTO_API) {
        php_stream_xport_crypto_param *cparam = parameter;
        if (cparam->op == STREAM_XPORT_CRYPTO_OP_ENABLE && cparam->outputs.returncode > 0) {
            size_t at = place(hooked);
            stream->ops = cparam->inputs.activate ? &operations[at].hooked_tls : &operations[at].hooked;
        }
    }
    if (option == PHP_STREAM_OPTION_XPORT_API) {
        php_stream_xport_param *xparam = parameter;
        bool connects = xparam->op == STREAM_XPORT_OP_CONNECT || xparam->op == STREAM_XPORT_OP_CONNECT_ASYNC;
        if (xparam->op == STREAM_XPORT_OP_ACCEPT && xparam->outputs.client != NULL) {
            take_over(xparam->outputs.client, 0);
            if (operations[place(hooked)].crypto != 0) {
                /* The handshake is complete. */
                php_stream *client = xparam->outputs.client;
                client->ops = &operations[place(client->ops)].hooked_tls;
            }
        } else if (connects && operations[place(hooked)].crypto != 0 && xparam->outputs.returncode >= 0) {
            stream->ops = &operations[place(hooked)].hooked_tls;
        }
    }
    return result;
}

/* Whether the running function sends requests by the stream and awaits their answers, as database clients do. PHP's own
 * functions write to a stream that another coroutine reads. */
static bool is_request(void)
{
    const zend_execute_data *frame = EG(current_execute_data);
    const zend_module_entry *module;

    if (frame == NULL || frame->func == NULL || frame->func->type != ZEND_INTERNAL_FUNCTION) {
        return false;
    }
    module = frame->func->internal_function.module;
    return module != NULL && strcmp(module->name, "standard") != 0 && strcmp(module->name, "SPL") != 0;
}

const char *swoosh_running_function(const char **class_name)
{
    const zend_execute_data *frame = EG(current_execute_data);
    const zend_function *function = frame == NULL ? NULL : frame->func;

    if (function == NULL || function->type != ZEND_INTERNAL_FUNCTION || function->common.function_name == NULL) {
        return NULL;
    }
    *class_name = function->common.scope == NULL ? NULL : ZSTR_VAL(function->common.scope->name);
    return ZSTR_VAL(function->common.function_name);
}

bool swoosh_wait_was_cancelled(void)
{
    return was_cancelled != NULL && was_cancelled();
}

/* Whether another coroutine has a claim to what the caller is about to do; an error is pending then. */
static bool is_taken(const php_netstream_data_t *sock, bool writes)
{
    return !may_use(sock->socket, !writes || is_request(), writes);
}

bool swoosh_stream_may_request(php_stream *stream)
{
    const php_netstream_data_t *sock = stream->abstract;
    bool is_hooked = place(stream->ops) < sizeof(operations) / sizeof(*operations);

    return !is_hooked || sock == NULL || sock->socket == -1 || !is_enabled(0) || may_use(sock->socket, true, true);
}

/* Calls the original read or write without blocking; sets errno to EAGAIN if it would block. */
static ssize_t tls_step(php_stream *stream, char *buffer, size_t count, bool writes)
{
    php_netstream_data_t *sock = stream->abstract;
    const php_stream_ops *ops = original(stream);
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

/* Waits for the stream's timeout. False, with the stream's state updated, if the operation has to fail. */
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

/* Reads or writes with TLS. Decrypted bytes may be buffered without the descriptor being readable, so each step is tried
 * before waiting. */
static ssize_t tls_io(php_stream *stream, char *buffer, size_t count, bool writes)
{
    php_netstream_data_t *sock = stream->abstract;

    if (!blocks(sock)) {
        return writes ? original(stream)->write(stream, buffer, count) : original(stream)->read(stream, buffer, count);
    }
    if (is_taken(sock, writes)) {
        return -1;
    }
    for (;;) {
        ssize_t done = tls_step(stream, buffer, count, writes);
        if (done > 0 || stream->eof || errno != EAGAIN) {
            return done;
        }
        if (!is_ready(stream, writes)) {
            return -1;
        }
    }
}

static ssize_t tls_read(php_stream *stream, char *buffer, size_t count)
{
    return tls_io(stream, buffer, count, false);
}

static ssize_t tls_write(php_stream *stream, const char *buffer, size_t count)
{
    return tls_io(stream, (char *) buffer, count, true);
}

/* Performs a TLS handshake. PHP returns 0 for each step that would block and has to be called again. */
static int hooked_crypto(php_stream *stream, int option, int value, php_stream_xport_crypto_param *cparam)
{
    php_netstream_data_t *sock = stream->abstract;
    double limit = handshake_limit >= 0 ? handshake_limit : seconds_of(&sock->timeout);
    int result, ready;

    handshake_limit = -1;
    for (;;) {
        php_set_sock_blocking(sock->socket, false);
        sock->is_blocked = 0;
        result = original_option(stream, option, value, cparam);
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
    return original(stream)->read(stream, buffer, count);
}

static ssize_t hooked_write(php_stream *stream, const char *buffer, size_t count)
{
    php_netstream_data_t *sock = stream->abstract;

    if (!blocks(sock)) {
        return original(stream)->write(stream, buffer, count);
    }
    if (is_taken(sock, true)) {
        return -1;
    }
    for (;;) {
        int ready;
        ssize_t written = send(sock->socket, buffer, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written >= 0) {
            php_stream_notify_progress_increment(PHP_STREAM_CONTEXT(stream), written, 0);
            return written;
        }
        if (errno != EAGAIN && errno != EINTR) {
            /* The original write gets the same error and reports it. */
            return original(stream)->write(stream, buffer, count);
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
        before_close(sock->socket);
    }
    return original(stream)->close(stream, close_handle);
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

/* Fails with PHP's own error for a name without an address. */
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

/* Gives the context option `bindto` an address where it has the documented forms "0:PORT" and ":PORT", for which PHP looks
 * for an interface of that name and binds to nothing. Stores the option to restore in `*before`. */
static bool complete_bindto(php_stream *stream, const php_stream_xport_param *xparam, zval *before)
{
    php_stream_context *context = PHP_STREAM_CONTEXT(stream);
    zval *given = context == NULL ? NULL : php_stream_context_get_option(context, "socket", "bindto");
    const char *port;
    zval complete;

    if (given == NULL || Z_TYPE_P(given) != IS_STRING) {
        return false;
    }
    port = Z_STRVAL_P(given) + (Z_STRVAL_P(given)[0] == '0');
    if (*port != ':') {
        return false;
    }
    ZVAL_COPY(before, given);
    ZVAL_STR(&complete, strpprintf(0, "%s%s", *xparam->inputs.name == '[' ? "[::]" : "0.0.0.0", port));
    php_stream_context_set_option(context, "socket", "bindto", &complete);
    zval_ptr_dtor(&complete);
    return true;
}

/* Connects to one address and waits. Returns the result of the original; stores an errno in `*code`, 0 if connected. */
static int connect_once(php_stream *stream, int option, int value, php_stream_xport_param *xparam, int *code)
{
    php_netstream_data_t *sock = stream->abstract;
    socklen_t size = sizeof(*code);
    int result, ready;
    zval bindto;
    bool completed = complete_bindto(stream, xparam, &bindto);

    xparam->op = STREAM_XPORT_OP_CONNECT_ASYNC;
    if (operations[place(stream->ops)].crypto == 0) {
        result = original_option(stream, option, value, xparam);
    } else {
        /* The original would start the handshake before the connection is established. */
        const php_stream_ops *hooked = stream->ops;
        stream->ops = original(stream);
        result = php_stream_socket_ops.set_option(stream, option, value, xparam);
        stream->ops = hooked;
    }
    xparam->op = STREAM_XPORT_OP_CONNECT;
    if (completed) {
        php_stream_context_set_option(PHP_STREAM_CONTEXT(stream), "socket", "bindto", &bindto);
        zval_ptr_dtor(&bindto);
    }
    *code = 0;
    if (sock->socket == -1) {
        *code = xparam->outputs.error_code != 0 ? xparam->outputs.error_code : EHOSTUNREACH;
    } else if (xparam->outputs.returncode < 0) {
        /* Unlike others, a Unix socket stays open when its connect fails. */
        *code = xparam->outputs.error_code != 0 ? xparam->outputs.error_code : ECONNREFUSED;
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

/* Connects to the addresses of a service, one per line, until one accepts. */
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

    /* Host names are resolved without blocking. */
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
    /* A path has no other addresses to try. */
    if (sock->socket == -1 || xparam->outputs.returncode < 0) {
        return result;
    }
    if (code != 0 && code != ETIMEDOUT && code != ECANCELED && !is_service) {
        /* The name may have other addresses, which PHP tries itself. */
        close_socket(sock);
        return original_option(stream, option, value, xparam);
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

    if (option == PHP_STREAM_OPTION_XPORT_API && sock != NULL && is_enabled(0)) {
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
                /* The original performs the client's handshake immediately, with the operations that this stream has now. */
                return original(stream)->set_option(stream, option, value, parameter);
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
    return original_option(stream, option, value, parameter);
}

/* Replaces a stream's operations by hooked ones. Does nothing if the table is full. */
static void take_over(php_stream *stream, int crypto)
{
    for (size_t at = 0; at < sizeof(operations) / sizeof(*operations); at++) {
        if (operations[at].original == NULL) {
            operations[at].original = stream->ops;
            operations[at].crypto = crypto;
            operations[at].hooked = *stream->ops;
            operations[at].hooked.read = hooked_read;
            operations[at].hooked.write = hooked_write;
            operations[at].hooked.set_option = hooked_option;
            operations[at].hooked.close = hooked_close;
            operations[at].hooked_tls = operations[at].hooked;
            operations[at].hooked_tls.read = tls_read;
            operations[at].hooked_tls.write = tls_write;
        }
        if (operations[at].original == stream->ops && operations[at].crypto == crypto) {
            stream->ops = &operations[at].hooked;
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
            if (stream != NULL && is_enabled(transports[at].flag)) {
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

    original_pair(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    if (Z_TYPE_P(return_value) != IS_ARRAY || !is_enabled(FUNCTION_FLAG)) {
        return;
    }
    ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(return_value), end) {
        php_stream *stream = zend_fetch_resource2_ex(end, NULL, php_file_le_stream(), php_file_le_pstream());
        if (stream != NULL) {
            take_over(stream, 0);
        }
    } ZEND_HASH_FOREACH_END();
}

void swoosh_install_stream_hooks(swoosh_stream_wait wait, swoosh_stream_is_enabled enabled,
    swoosh_stream_resolve resolve_host, swoosh_stream_before_close close_hook, swoosh_stream_may_use use_hook,
    swoosh_stream_was_cancelled cancelled_hook)
{
    wait_for = wait;
    is_enabled = enabled;
    resolve = resolve_host;
    before_close = close_hook;
    may_use = use_hook;
    was_cancelled = cancelled_hook;
    for (size_t at = 0; at < sizeof(transports) / sizeof(*transports); at++) {
        const char *name = transports[at].name;
        php_stream_transport_factory known = zend_hash_str_find_ptr(php_stream_xport_get_hash(), name, strlen(name));
        if (known != NULL) {
            factories[at] = known;
            php_stream_xport_register(name, hooked_factory);
        }
    }
    swoosh_replace_function(ZEND_STRL("stream_socket_pair"), hooked_pair, &original_pair);
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
#if PHP_VERSION_ID >= 80400
    /* The compiler would call a second implementation directly, which needs no frame. */
    function->internal_function.frameless_function_infos = NULL;
#endif
    return true;
}

bool swoosh_module_loaded(const char *name, size_t length)
{
    return zend_hash_str_exists(&module_registry, name, length);
}

/* A copy of the argument descriptions of a function, the first of which is its return type; PHP frees it with the function
   that it belongs to. */
static void copy_arg_info(zend_internal_function *function)
{
    size_t count = (size_t) function->num_args + 1 + ((function->fn_flags & ZEND_ACC_VARIADIC) != 0);
    __typeof__(function->arg_info) copy;
    zend_type *type;

    if (function->arg_info == NULL || !(function->fn_flags & (ZEND_ACC_HAS_RETURN_TYPE | ZEND_ACC_HAS_TYPE_HINTS))) {
        return;
    }
    copy = pemalloc(count * sizeof(*copy), 1);
    memcpy(copy, function->arg_info - 1, count * sizeof(*copy));
    for (size_t at = 0; at < count; at++) {
        if (ZEND_TYPE_HAS_LIST(copy[at].type)) {
            zend_type_list *list = ZEND_TYPE_LIST(copy[at].type);
            zend_type_list *own = pemalloc(ZEND_TYPE_LIST_SIZE(list->num_types), 1);
            memcpy(own, list, ZEND_TYPE_LIST_SIZE(list->num_types));
            ZEND_TYPE_SET_PTR(copy[at].type, own);
        }
        ZEND_TYPE_FOREACH(copy[at].type, type) {
            if (ZEND_TYPE_HAS_NAME(*type)) {
                zend_string_addref(ZEND_TYPE_NAME(*type));
            }
        } ZEND_TYPE_FOREACH_END();
    }
    function->arg_info = copy + 1;
}

bool swoosh_alias_function(const char *name, size_t length, const char *of, size_t of_length)
{
    zend_function *function = zend_hash_str_find_ptr(CG(function_table), of, of_length);
    zend_internal_function copy;

    if (function == NULL || function->type != ZEND_INTERNAL_FUNCTION || zend_hash_str_exists(CG(function_table), name, length)) {
        return false;
    }
    copy = function->internal_function;
    copy.function_name = zend_string_init_interned(name, length, 1);
    copy.attributes = NULL;
#if PHP_VERSION_ID >= 80400
    copy.frameless_function_infos = NULL;
    copy.doc_comment = NULL;
#endif
    copy_arg_info(&copy);
    return zend_hash_add_mem(CG(function_table), copy.function_name, &copy, sizeof(copy)) != NULL;
}
