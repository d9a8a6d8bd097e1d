"""A client of gRPC's health checks on grpcio: by the package grpcio-health-checking if it is installed, else by bytes. Argument: port."""
import sys
import time

import grpc

try:
    from grpc_health.v1 import health_pb2, health_pb2_grpc
except ImportError:
    health_pb2 = None

channel = grpc.insecure_channel('127.0.0.1:' + sys.argv[1])
NAMES = {0: 'UNKNOWN', 1: 'SERVING', 2: 'NOT_SERVING', 3: 'SERVICE_UNKNOWN'}


def request(service):
    return health_pb2.HealthCheckRequest(service=service) if health_pb2 else b'\n' + bytes([len(service)]) + service.encode()


def name(response):
    return NAMES[response.status if health_pb2 else response[1]]


if health_pb2:
    stub = health_pb2_grpc.HealthStub(channel)
    check, watch = stub.Check, stub.Watch
else:
    check = channel.unary_unary('/grpc.health.v1.Health/Check')
    watch = channel.unary_stream('/grpc.health.v1.Health/Watch')


def outcome(service):
    try:
        return name(check(request(service), timeout=20))
    except grpc.RpcError as e:
        return e.code().name


def set_status(service, status):
    channel.unary_unary('/test.Health/Set')(('%s=%d' % (service, status)).encode(), timeout=20)


def watchers():
    return channel.unary_unary('/test.Health/Watchers')(b'', timeout=20)


print('check', outcome(''), outcome('shop.Orders'), outcome('shop.Carts'))
server, carts = watch(request(''), timeout=60), watch(request('shop.Carts'), timeout=60)
print('watch', name(next(server)), name(next(carts)))
set_status('shop.Carts', 1)
print('set', name(next(carts)))
set_status('', 2)
set_status('shop.Carts', 2)
print('set', name(next(server)), name(next(carts)), outcome(''), outcome('shop.Carts'))
carts.cancel()
for _ in range(1000):
    if watchers() == b'1':
        break
    time.sleep(0.02)
print('watchers', watchers(), flush=True)
try:
    print('more', name(next(server)))
    next(server)
except grpc.RpcError as e:
    print('shutdown', e.code().name)
