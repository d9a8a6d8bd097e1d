<?php
// Runs a program of examples/php, and clients that ask for what it shows. Port 0 lets every test run beside every other.

/** How long anything may take, seconds. */
const PATIENCE = 30;

/** A running example: a session of its own, killed with all its processes when the test ends. */
final class Example
{
    /** The ports that it printed, in order. */
    public array $ports = [];
    private string $printed = '';
    /** How much of it waitFor() has passed. */
    private int $seen = 0;
    private $process;
    private $output;
    private int $pid;

    /** Starts it and waits until it has told its address. `$more`: arguments behind the port. */
    public static function start(string $name, string|int ...$more): self
    {
        $example = self::run($name, 0, ...$more);
        $line = $example->waitFor('~^.*127\.0\.0\.1:\d+.*$~m')[0];
        preg_match_all('~127\.0\.0\.1:(\d+)~', $line, $found);
        $example->ports = array_map(intval(...), $found[1]);
        return $example;
    }

    /** Starts it with just these arguments. */
    public static function run(string $name, string|int ...$arguments): self
    {
        return self::command([PHP_BINARY, '-n', ...extensions(), examples() . "/$name.php", ...array_map(strval(...), $arguments)]);
    }

    /** Starts any program. */
    public static function command(array $command): self
    {
        $example = new self();
        $example->process = proc_open(['setsid', ...$command], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['redirect', 1]], $pipes);
        $example->output = $pipes[1];
        stream_set_blocking($example->output, false);
        $example->pid = proc_get_status($example->process)['pid'];
        register_shutdown_function(fn () => $example->kill());
        return $example;
    }

    /** Waits until it prints something like that, behind what was waited for before. */
    public function waitFor(string $pattern): array
    {
        for ($until = microtime(true) + PATIENCE, $more = true; ; $more = $this->read()) {
            if (preg_match($pattern, $this->printed, $found, PREG_OFFSET_CAPTURE, $this->seen)) {
                $this->seen = $found[0][1] + strlen($found[0][0]);
                return array_column($found, 0);
            }
            if (microtime(true) > $until || !$more) {
                throw new Exception("it does not print $pattern, but:\n$this->printed");
            }
        }
    }

    /** Everything it has printed. */
    public function printed(): string
    {
        return $this->printed;
    }

    /** A client of its first, second... port, which speaks lines. */
    public function connect(int $port = 0): Lines
    {
        return new Lines($this->ports[$port]);
    }

    /** Ends it as Ctrl+C does (or SIGTERM), and waits until none of its processes is left. Its exit status. */
    public function stop(int $signal = SIGTERM): int
    {
        posix_kill($this->pid, $signal);
        return $this->end();
    }

    /** Waits until none of its processes is left. Its exit status. */
    public function end(): int
    {
        // Its output ends when the last process that can print has ended.
        for ($until = microtime(true) + PATIENCE; $this->read(); ) {
            if (microtime(true) > $until) {
                throw new Exception("it does not end, and printed:\n$this->printed");
            }
        }
        fclose($this->output);
        $this->output = null;
        return proc_close($this->process);
    }

    public function kill(): void
    {
        if ($this->output) {
            posix_kill(-$this->pid, SIGKILL);
        }
    }

    /** Takes what was printed; `false` at the end. */
    private function read(): bool
    {
        [$read, $write, $except] = [[$this->output], null, null];
        stream_select($read, $write, $except, 0, 50_000);
        $this->printed .= stream_get_contents($this->output);
        return !feof($this->output);
    }
}

/** A client. */
final class Lines
{
    public $stream;

    public function __construct(int $port)
    {
        for ($until = microtime(true) + PATIENCE; !($this->stream = @stream_socket_client("tcp://127.0.0.1:$port")); usleep(5000)) {
            if (microtime(true) > $until) {
                throw new Exception("nobody serves port $port");
            }
        }
        stream_set_timeout($this->stream, PATIENCE);
    }

    public function send(string $line): void
    {
        fwrite($this->stream, "$line\n");
    }

    /** The next line without its end; `false` where the server has closed the connection. */
    public function next(): string|false
    {
        $line = fgets($this->stream);
        if ($line === false && !feof($this->stream)) {
            throw new Exception('no answer came');
        }
        return $line === false ? false : rtrim($line, "\r\n");
    }

    public function ask(string $line): string|false
    {
        $this->send($line);
        return $this->next();
    }

    /** Exactly so many bytes. */
    public function bytes(int $count): string
    {
        for ($got = ''; strlen($got) < $count; $got .= $part) {
            $part = fread($this->stream, $count - strlen($got));
            if ($part === '' || $part === false) {
                throw new Exception('only ' . strlen($got) . " of $count bytes came");
            }
        }
        return $got;
    }

    public function close(): void
    {
        fclose($this->stream);
    }
}

/** Asks again until it is so. */
function until(callable $is_so): void
{
    for ($until = microtime(true) + PATIENCE; !$is_so(); usleep(5000)) {
        if (microtime(true) > $until) {
            throw new Exception('it never came to be so');
        }
    }
}

function examples(): string
{
    return dirname(__DIR__, 3) . '/examples/php';
}

/** What makes another PHP load what this one has: the file of this module, and of the others that are no part of PHP. */
function extensions(): array
{
    preg_match_all('~/\S+\.so$~m', file_get_contents('/proc/self/maps'), $found);
    $modules = preg_grep('~/(libswoosh_php|swoole|posix|pcntl)\.so$~', array_unique($found[0]));
    return array_merge(...array_map(fn ($file) => ['-d', "extension=$file"], array_values($modules)));
}

/** The file of this module. */
function swoosh(): string
{
    return substr(implode('', preg_grep('~swoosh_php\.so$|swoole\.so$~', extensions())), strlen('extension='));
}
