<?php
// An example: phpunit -c kit/phpunit, or phpunit kit/phpunit/ExampleTest.php

use PHPUnit\Framework\TestCase;
use Swoole\Coroutine;
use Swoole\Coroutine\Channel;
use Swoole\Coroutine\Http\Client;
use Swoole\Coroutine\Http\Server;

require_once __DIR__ . '/InCoroutines.php';

final class ExampleTest extends TestCase
{
    use InCoroutines;

    public function testWaitsOverlap(): void
    {
        $order = $this->inCoroutines(function (): array {
            $order = new Channel(3);
            $this->together(
                function () use ($order) { Coroutine::sleep(0.02); $order->push('slow'); },
                function () use ($order) { usleep(1000); $order->push('quick'); },
            );
            return [$order->pop(), $order->pop()];
        });
        $this->assertSame(['quick', 'slow'], $order);
    }

    public function testAServerAndItsClient(): void
    {
        $this->inCoroutines(function (): void {
            $server = new Server('127.0.0.1', 0);
            $server->handle('/', fn ($request, $response) => $response->end('hello ' . $request->get['name']));
            go(fn () => $server->start());
            $client = new Client('127.0.0.1', $server->port);
            $this->assertTrue($client->get('/?name=you'));
            $this->assertSame('hello you', $client->body);
            $client->close();
            $server->shutdown();
        });
    }

    public function testAnExceptionIsTheTests(): void
    {
        $this->expectException(DomainException::class);
        $this->inCoroutines(fn () => $this->together(fn () => throw new DomainException('as wanted')));
    }
}
