/* Refuses a command on a MySQL connection on whose answer another coroutine waits, and says when a connection is lost because
 * the wait for an answer was cancelled.
 *
 * mysqlnd itself would report "commands out of sync" (2014), which names neither the connection nor its user. */
#include "wrapper.h"
#include <dlfcn.h>

#if __has_include("ext/mysqlnd/mysqlnd.h")
#include "ext/mysqlnd/mysqlnd.h"
#include "ext/mysqlnd/mysqlnd_structs.h"
#include "ext/mysqlnd/mysqlnd_ext_plugin.h"

static func_mysqlnd_protocol_payload_decoder_factory__send_command original_send;
static func_mysqlnd_error_info__set_client_error original_set_error;

static enum_func_status send_command(MYSQLND_PROTOCOL_PAYLOAD_DECODER_FACTORY *factory,
    const enum php_mysqlnd_server_command command, const zend_uchar *const arg, const size_t arg_len, const bool silent,
    MYSQLND_CONNECTION_STATE *state, MYSQLND_ERROR_INFO *error_info, MYSQLND_UPSERT_STATUS *upsert_status,
    MYSQLND_STATS *stats, func_mysqlnd_conn_data__send_close send_close, void *send_close_ctx)
{
    const MYSQLND_VIO *vio = factory->conn == NULL ? NULL : factory->conn->vio;

    if (vio != NULL && vio->data->stream != NULL && !swoosh_stream_may_request(vio->data->stream)) {
        /* The error is pending. The connection's own state remains that of its user. */
        return FAIL;
    }
    return original_send(factory, command, arg, arg_len, silent, state, error_info, upsert_status, stats, send_close,
        send_close_ctx);
}

#define CANCELLED ": the coroutine's wait for it was cancelled"

static void set_client_error(MYSQLND_ERROR_INFO *const info, const unsigned int number, const char *const state,
    const char *const error)
{
    char text[MYSQLND_ERRMSG_SIZE];

    if (number == CR_SERVER_GONE_ERROR && strstr(error, CANCELLED) == NULL && swoosh_wait_was_cancelled()) {
        /* Programs recognize a lost connection by the first words. An error is copied from a statement to its connection. */
        snprintf(text, sizeof(text), "%s" CANCELLED, error);
        original_set_error(info, number, state, text);
    } else {
        original_set_error(info, number, state, error);
    }
}

void swoosh_guard_mysqlnd(void)
{
    MYSQLND_CLASS_METHODS_TYPE(mysqlnd_error_info) errors;
    struct st_mysqlnd_plugin_methods_xetters *methods;
    MYSQLND_CLASS_METHODS_TYPE(mysqlnd_protocol_payload_decoder_factory) guarded;

    if (original_send != NULL) {
        return;
    }
    /* mysqlnd may be another shared library, or absent. */
    methods = dlsym(RTLD_DEFAULT, "mysqlnd_plugin_methods_xetters");
    if (methods != NULL) {
        guarded = *methods->protocol.get();
        original_send = guarded.send_command;
        guarded.send_command = send_command;
        methods->protocol.set(&guarded);
        errors = *methods->error_info.get();
        original_set_error = errors.set_client_error;
        errors.set_client_error = set_client_error;
        methods->error_info.set(&errors);
    }
}
#else
void swoosh_guard_mysqlnd(void)
{
}
#endif
