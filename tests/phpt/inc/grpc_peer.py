"""A gRPC server on grpcio whose messages are plain bytes. Prints its port; with a certificate and a key, it uses TLS."""
import sys
import threading
from concurrent import futures

import grpc


def metadata_back(context):
    sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith('x-')]
    context.send_initial_metadata(sent)
    context.set_trailing_metadata([('x-trailer', 'yes'), ('x-trailer-bin', b'\x00\xff,')])


def unary(request, context):
    metadata_back(context)
    return request


def fail(request, context):
    context.set_trailing_metadata([('x-why', 'test')])
    context.abort(grpc.StatusCode.NOT_FOUND, 'gibt es nicht: ü % 100')


def broken(request, context):
    raise ValueError('a fault of the server')


def slow(request, context):
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait(30)
    return b'late'


def remaining(request, context):
    left = context.time_remaining()
    return b'none' if left is None or left > 1e9 else str(left).encode()


def big(request, context):
    return b'b' * int(request)


def compressed(request, context):
    context.set_compression(grpc.Compression.Gzip)
    return request * 1000


def count(request, context):
    metadata_back(context)
    for n in range(int(request)):
        yield b'message %d' % n


def count_and_fail(request, context):
    yield b'one'
    context.abort(grpc.StatusCode.DATA_LOSS, 'after one')


def join(requests, context):
    return b'|'.join(requests)


def early(requests, context):
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, 'not today')


def chat(requests, context):
    context.send_initial_metadata([('x-begun', 'yes')])
    for request in requests:
        yield b'you said ' + request


KINDS = {
    'Unary': grpc.unary_unary_rpc_method_handler(unary), 'Fail': grpc.unary_unary_rpc_method_handler(fail),
    'Broken': grpc.unary_unary_rpc_method_handler(broken), 'Slow': grpc.unary_unary_rpc_method_handler(slow),
    'Remaining': grpc.unary_unary_rpc_method_handler(remaining), 'Big': grpc.unary_unary_rpc_method_handler(big),
    'Compressed': grpc.unary_unary_rpc_method_handler(compressed),
    'Count': grpc.unary_stream_rpc_method_handler(count), 'CountAndFail': grpc.unary_stream_rpc_method_handler(count_and_fail),
    'Join': grpc.stream_unary_rpc_method_handler(join), 'Early': grpc.stream_unary_rpc_method_handler(early),
    'Chat': grpc.stream_stream_rpc_method_handler(chat),
}
server = grpc.server(futures.ThreadPoolExecutor(40))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('test.Peer', KINDS),))
if len(sys.argv) > 1:
    certificate, key = (open(name, 'rb').read() for name in sys.argv[1:3])
    port = server.add_secure_port('127.0.0.1:0', grpc.ssl_server_credentials([(key, certificate)]))
else:
    port = server.add_insecure_port('127.0.0.1:0')
server.start()
print(port, flush=True)
server.wait_for_termination()
