/* Refuses a command on a MySQL connection on whose answer another coroutine waits.
 *
 * mysqlnd itself would report "commands out of sync" (2014), which names neither the connection nor its user. */
#include "wrapper.h"
#include <dlfcn.h>

#if __has_include("ext/mysqlnd/mysqlnd.h")
#include "ext/mysqlnd/mysqlnd.h"
#include "ext/mysqlnd/mysqlnd_structs.h"
#include "ext/mysqlnd/mysqlnd_ext_plugin.h"

static func_mysqlnd_protocol_payload_decoder_factory__send_command original_send;

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

void swoosh_guard_mysqlnd(void)
{
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
    }
}
#else
void swoosh_guard_mysqlnd(void)
{
}
#endif
