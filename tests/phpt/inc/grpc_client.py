"""Calls of grpcio to the test services, whose messages are plain bytes. Arguments: port, mode, certificate of a TLS server."""
import sys
import threading
import time

import grpc

port, mode = sys.argv[1:3]
if len(sys.argv) > 3:
    credentials = grpc.ssl_channel_credentials(open(sys.argv[3], 'rb').read())
    channel = grpc.secure_channel('127.0.0.1:' + port, credentials, [('grpc.ssl_target_name_override', 'localhost')])
else:
    channel = grpc.insecure_channel('127.0.0.1:' + port, [('grpc.max_receive_message_length', 64 << 20), ('grpc.max_send_message_length', 64 << 20)])


def unary(name, message, **more):
    return channel.unary_unary('/test.Service/' + name)(message, timeout=more.pop('timeout', 20), **more)


def outcome(call):
    try:
        result = call()
        return result if not isinstance(result, bytes) or len(result) < 60 else '%d bytes' % len(result)
    except grpc.RpcError as e:
        # Either side may notice a deadline first, each in its own words.
        return '%s: %s' % (e.code().name, e.details().replace('Deadline Exceeded', 'the deadline has passed'))


def basics():
    print('unary', outcome(lambda: unary('Unary', b'hello')), outcome(lambda: unary('Unary', b'')), outcome(lambda: unary('Unary', b'x' * 1000000)))
    reply, call = channel.unary_unary('/test.Service/Unary').with_call(b'm', timeout=20, metadata=[('x-text', 'plain'), ('x-list', 'a'), ('x-list', 'b'), ('x-bytes-bin', b'\x00\xff\n')])
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    print('metadata', initial['x-text'], initial['x-list'], initial['x-bytes-bin'], trailing['x-trailer'], trailing['x-trailer-bin'], call.code().name)
    print('fail', outcome(lambda: unary('Fail', b'x')))
    try:
        unary('Fail', b'x')
    except grpc.RpcError as e:
        print('trailers', dict(e.trailing_metadata())['x-why'])
    print('broken', outcome(lambda: unary('Broken', b'x')))
    print('unknown', outcome(lambda: unary('Nothing', b'x')))
    print('no reply', outcome(lambda: unary('NoReply', b'x')))
    print('too long', outcome(lambda: unary('Unary', b'x' * ((4 << 20) + 1))))
    print('compressed', outcome(lambda: unary('Unary', b'c' * 100000, compression=grpc.Compression.Gzip)), outcome(lambda: unary('Unary', b'c' * 100000, compression=grpc.Compression.Deflate)))
    print('big reply', outcome(lambda: unary('Big', b'20000000')))
    print('count', list(channel.unary_stream('/test.Service/Count')(b'3', timeout=20)), len(list(channel.unary_stream('/test.Service/Count')(b'20000', timeout=20))))
    print('generator', list(channel.unary_stream('/test.Service/Generator')(b'3', timeout=20)))
    print('join', outcome(lambda: channel.stream_unary('/test.Service/Join')(iter([b'a', b'b', b'', b'c']), timeout=20)), outcome(lambda: channel.stream_unary('/test.Service/Join')(iter([b'abc'] * 20000), timeout=20)))
    print('nothing to join', outcome(lambda: channel.stream_unary('/test.Service/Join')(iter([]), timeout=20)))
    print('unary given two', outcome(lambda: channel.stream_unary('/test.Service/Unary')(iter([b'a', b'b']), timeout=20)))
    print('chat', list(channel.stream_stream('/test.Service/Chat')(iter([b'one', b'two']), timeout=20)))
    print('early', outcome(lambda: channel.stream_unary('/test.Service/Early')(iter([b'x' * 100000] * 50), timeout=20)))
    print('deadline', outcome(lambda: unary('Slow', b'x', timeout=0.2)).split(':')[0])
    print('remaining', 5 < float(unary('Remaining', b'', timeout=15)) < 15.1, channel.unary_unary('/test.Service/Remaining')(b''))
    threads, wrong = [], []

    def many(n):
        for i in range(30):
            if unary('Unary', b'%d %d' % (n, i)) != b'%d %d' % (n, i):
                wrong.append(i)

    for n in range(20):
        threads.append(threading.Thread(target=many, args=(n,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print('many at once, wrong', len(wrong))


def both_ways():
    """Each message is sent after the reply to the one before."""
    ready = threading.Semaphore(1)

    def messages():
        for n in range(100):
            ready.acquire()
            yield b'%d' % n

    replies = []
    for reply in channel.stream_stream('/test.Service/Chat')(messages(), timeout=20):
        replies.append(reply)
        ready.release()
    print('in turn', len(replies), replies[0], replies[99])
    # The head comes before any message.
    call = channel.stream_stream('/test.Service/Chat')(iter(()), timeout=20)
    print('head first', dict(call.initial_metadata()).get('x-begun'), list(call))
    # A client that does not read stops the server's writing; a client that cancels ends its handler.
    call = channel.unary_stream('/test.Service/Endless')(b'x' * 10000, timeout=20)
    next(call)
    time.sleep(0.3)
    call.cancel()
    for _ in range(100):
        written = unary('EndlessEnded', b'')
        if written != b'':
            break
        time.sleep(0.05)
    print('endless ended', written)


for step in mode.split(','):
    {'basics': basics, 'both_ways': both_ways}[step]()
