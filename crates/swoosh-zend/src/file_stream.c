/* Hooks PHP's plain file streams, which pipes and terminals are too: marks the system calls that they make, and reports
 * descriptors that are about to be closed. The calls themselves are hooked in system_calls/files.rs.
 *
 * Invariant: the operations are changed in place, because PHP identifies plain streams by their address. */
#include "wrapper.h"

static php_stream_ops original;
static swoosh_stream_before_close before_close;
/* Whether the next read(2) or write(2) is that of a plain stream. */
static bool stream_call;
/* How many files are being compiled. */
static unsigned compiling;

static zend_op_array *(*original_compile)(zend_file_handle *handle, int type);
static zend_result (*original_open)(zend_file_handle *handle);

static ssize_t file_read(php_stream *stream, char *buffer, size_t count)
{
    ssize_t done;

    stream_call = true;
    done = original.read(stream, buffer, count);
    stream_call = false;
    return done;
}

static ssize_t file_write(php_stream *stream, const char *buffer, size_t count)
{
    ssize_t done;

    stream_call = true;
    done = original.write(stream, buffer, count);
    stream_call = false;
    return done;
}

static int file_close(php_stream *stream, int close_handle)
{
    int descriptor;

    if (close_handle && original.cast(stream, PHP_STREAM_AS_FD_FOR_SELECT, (void **) &descriptor) == SUCCESS) {
        before_close(descriptor);
    }
    return original.close(stream, close_handle);
}

bool swoosh_take_stream_call(void)
{
    bool taken = stream_call;

    stream_call = false;
    return taken;
}

/* A fatal error jumps out of the compiler: the counter is reset then. */
static zend_op_array *compile(zend_file_handle *handle, int type)
{
    zend_op_array *compiled;

    compiling++;
    compiled = original_compile(handle, type);
    compiling--;
    return compiled;
}

/* The opcode cache opens files while its own state is in use. */
static zend_result open_for_compiler(zend_file_handle *handle)
{
    zend_result opened;

    compiling++;
    opened = original_open(handle);
    compiling--;
    return opened;
}

bool swoosh_is_compiling(void)
{
    return compiling > 0;
}

void swoosh_file_hooks_request_end(void)
{
    compiling = 0;
    stream_call = false;
}

void swoosh_install_file_hooks(swoosh_stream_before_close close_hook)
{
    before_close = close_hook;
    original = php_stream_stdio_ops;
    php_stream_stdio_ops.read = file_read;
    php_stream_stdio_ops.write = file_write;
    php_stream_stdio_ops.close = file_close;
    original_compile = zend_compile_file;
    zend_compile_file = compile;
    if (zend_stream_open_function != NULL) {
        original_open = zend_stream_open_function;
        zend_stream_open_function = open_for_compiler;
    }
}
