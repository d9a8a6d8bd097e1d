<?php

/**
 * The administration interface of a server: an HTTP server in the master, whose requests are commands to the server's
 * processes.
 *
 * The setting `admin_server` is `host:port`, or `http://TOKEN@host:port`: then every request needs the token in the header
 * `X-ADMIN-SERVER-ACCESS-TOKEN`. Without a token it listens on the loopback interface only, and pages of other origins
 * cannot change anything.
 */

declare(strict_types=1);

namespace Swoole\Server;

use Swoole\Coroutine;
use Swoole\Coroutine\Http\Server as HttpServer;
use Swoole\Http\Request;
use Swoole\Http\Response;
use Swoole\Server;
use Swoole\Timer;

class Admin
{
    /** Bytes, for estimates of memory. */
    public const SIZE_OF_ZVAL = 16;

    public const SIZE_OF_ZEND_STRING = 32;

    public const SIZE_OF_ZEND_OBJECT = 56;

    public const SIZE_OF_ZEND_ARRAY = 56;

    private const FORBIDDEN = 4003;

    private const NOT_FOUND = 4004;

    private const NO_COMMAND = 9012;

    private const INVALID = 505;

    private const NOT_SUPPORTED = 507;

    /** Commands that change something: by POST only. */
    private const ACTIONS = ['server_reload', 'server_shutdown', 'close_session'];

    private static string $accessToken = '';

    /** Registers the commands, before the server starts. */
    public static function init(Server $server): void
    {
        $all = SWOOLE_SERVER_COMMAND_MASTER | SWOOLE_SERVER_COMMAND_MANAGER | SWOOLE_SERVER_COMMAND_EVENT_WORKER | SWOOLE_SERVER_COMMAND_TASK_WORKER;
        $commands = [
            'get_resources' => 'handlerGetResources', 'get_worker_info' => 'handlerGetWorkerInfo', 'get_timer_list' => 'handlerGetTimerList',
            'get_coroutine_list' => 'handlerGetCoroutineList', 'coroutine_list' => 'handlerGetCoroutineList', 'get_objects' => 'handlerGetObjects',
            'get_class_info' => 'handlerGetClassInfo', 'get_function_info' => 'handlerGetFunctionInfo',
            'get_object_by_handle' => 'handlerGetObjectByHandle', 'get_version_info' => 'handlerGetVersionInfo',
            'get_defined_functions' => 'handlerGetDefinedFunctions', 'get_declared_classes' => 'handlerGetDeclaredClasses',
            'get_static_property_value' => 'handlerGetStaticPropertyValue',
        ];
        foreach ($commands as $name => $method) {
            $server->addCommand($name, $all, [self::class, $method]);
        }
        $more = [
            'coroutine_stats' => fn () => Coroutine::stats(),
            'coroutine_bt' => fn (array $given) => isset($given['cid'])
                ? (Coroutine::getBackTrace((int) $given['cid'], DEBUG_BACKTRACE_IGNORE_ARGS) ?: [])
                : debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS),
            'get_included_files' => fn () => ['files' => get_included_files()],
            'get_declared_interfaces' => fn () => get_declared_interfaces(),
            'get_declared_traits' => fn () => get_declared_traits(),
            'get_defined_constants' => fn () => get_defined_constants(),
            'get_loaded_extensions' => function () {
                $list = [];
                foreach (get_loaded_extensions() as $id => $name) {
                    $list[$id + 1] = ['id' => $id + 1, 'name' => $name, 'version' => phpversion($name) ?: ''];
                }
                return $list;
            },
        ];
        foreach ($more as $name => $command) {
            $server->addCommand($name, $all, function (Server $server, string $message) use ($command, $name): string {
                $given = self::given($message);
                if ($name === 'coroutine_bt' && isset($given['cid']) && !Coroutine::exists((int) $given['cid'])) {
                    return self::reply(self::NOT_FOUND, "there is no coroutine {$given['cid']}");
                }
                return self::reply(0, $command($given));
            });
        }
        $server->addCommand('close_session', SWOOLE_SERVER_COMMAND_EVENT_WORKER, [self::class, 'handlerCloseSession']);
        foreach (['get_connections', 'get_connection_info'] as $name) {
            $server->addCommand($name, SWOOLE_SERVER_COMMAND_EVENT_WORKER, fn (Server $server, string $message): string => self::connections($server, $name, null, self::given($message)));
        }
        $server->addCommand('get_extension_info', $all, fn (Server $server, string $message): string => self::extensionInfo(self::given($message)));
        $server->addCommand('get_composer_packages', $all, fn (): string => self::composerPackages());
    }

    public static function getAccessToken(): string
    {
        return self::$accessToken;
    }

    /** Starts the HTTP server, in the master. */
    public static function start(Server $server): void
    {
        $address = (string) $server->setting['admin_server'];
        $parts = parse_url(str_contains($address, '://') ? $address : "http://{$address}");
        [$host, $port] = [trim($parts['host'] ?? '', '[]'), $parts['port'] ?? 0];
        self::$accessToken = rawurldecode($parts['pass'] ?? $parts['user'] ?? '');
        if ($host === '' || $port === 0) {
            trigger_error("admin_server: \"{$address}\" is no address", E_USER_WARNING);
            return;
        }
        if (self::$accessToken === '' && !in_array($host, ['127.0.0.1', '::1', 'localhost'], true)) {
            trigger_error("admin_server: {$host} can be reached from other machines; give it a token: http://TOKEN@{$host}:{$port}", E_USER_WARNING);
            return;
        }
        Coroutine::create(function () use ($server, $host, $port): void {
            try {
                $admin = new HttpServer($host === 'localhost' ? '127.0.0.1' : $host, $port);
            } catch (\Throwable $failure) {
                trigger_error("admin_server: {$failure->getMessage()}", E_USER_WARNING);
                return;
            }
            $server->admin_server = $admin;
            $admin->handle('/', function (Request $request, Response $response) use ($server): void {
                self::answer($server, $request, $response);
            });
            $admin->start();
        });
    }

    public static function handlerGetResources(Server $server, string $msg)
    {
        $list = [];
        foreach (get_resources() as $resource) {
            $type = get_resource_type($resource);
            $info = in_array($type, ['stream', 'persistent stream'], true) ? stream_get_meta_data($resource) : [];
            $list[] = ['id' => (int) $resource, 'type' => $type, 'info' => array_filter($info, fn ($value) => !is_resource($value) && !is_object($value))];
        }
        return self::reply(0, $list);
    }

    public static function handlerGetWorkerInfo(Server $server, string $msg)
    {
        return self::reply(0, [
            'id' => $server->getWorkerId(), 'pid' => $server->getWorkerPid(), 'gc_status' => gc_status(),
            'memory_usage' => memory_get_usage(), 'memory_real_usage' => memory_get_usage(true), 'process_status' => self::processStatus(getmypid()),
            'coroutine_stats' => Coroutine::stats(), 'timer_stats' => Timer::stats(), 'vm_status' => swoole_get_vm_status(),
        ]);
    }

    public static function handlerCloseSession(Server $server, string $msg)
    {
        $given = self::given($msg);
        if (empty($given['session_id'])) {
            return self::reply(self::FORBIDDEN, 'session_id is missing');
        }
        if (!$server->exists((int) $given['session_id'])) {
            return self::reply(self::NOT_FOUND, ['error' => "there is no connection {$given['session_id']}"]);
        }
        return self::reply(0, ['closed' => $server->close((int) $given['session_id'])]);
    }

    public static function handlerGetTimerList(Server $server, string $msg)
    {
        $list = [];
        foreach (Timer::list() as $id) {
            $list[] = ['id' => $id, 'info' => Timer::info($id)];
        }
        return self::reply(0, $list);
    }

    public static function handlerGetCoroutineList(Server $server, string $msg)
    {
        $list = [];
        foreach (Coroutine::list() as $cid) {
            // The coroutine of this command itself is no news.
            if ($cid !== Coroutine::getCid()) {
                $list[] = ['id' => $cid, 'elapsed' => Coroutine::getElapsed($cid), 'stack_usage' => Coroutine::getStackUsage($cid), 'backTrace' => Coroutine::getBackTrace($cid, DEBUG_BACKTRACE_IGNORE_ARGS), 'source_line' => ''];
            }
        }
        return self::reply(0, $list);
    }

    public static function handlerGetObjects(Server $server, string $msg)
    {
        $list = [];
        foreach (swoole_get_objects() ?: [] as $object) {
            $class = new \ReflectionClass($object);
            $list[] = [
                'id' => spl_object_id($object), 'hash' => spl_object_hash($object), 'class' => $class->getName(),
                'filename' => (string) $class->getFileName(), 'line' => self::lines($class), 'memory_size' => self::sizeOf($class),
            ];
        }
        return self::reply(0, $list);
    }

    public static function handlerGetClassInfo(Server $server, string $msg)
    {
        $given = self::given($msg);
        if (empty($given['class_name'])) {
            return self::reply(self::NOT_FOUND, ['error' => 'class_name is missing']);
        }
        if (!class_exists($given['class_name'], false) && !interface_exists($given['class_name'], false)) {
            return self::reply(self::FORBIDDEN, "there is no class {$given['class_name']}");
        }
        $class = new \ReflectionClass($given['class_name']);
        $constants = array_map(fn (\ReflectionClassConstant $one) => [
            'name' => $one->getName(), 'value' => self::exportable($one->getValue()), 'type' => get_debug_type($one->getValue()),
        ], $class->getReflectionConstants());
        $static = $plain = ['properties' => [], 'methods' => []];
        foreach ($class->getProperties() as $property) {
            $one = ['name' => $property->getName(), 'type' => (string) $property->getType(), 'modifiers' => implode(' ', \Reflection::getModifierNames($property->getModifiers()))];
            $property->isStatic() ? $static['properties'][] = $one : $plain['properties'][] = $one;
        }
        foreach ($class->getMethods() as $method) {
            $one = ['name' => $method->getName(), 'line' => self::lines($method), 'modifiers' => implode(' ', \Reflection::getModifierNames($method->getModifiers()))];
            $method->isStatic() ? $static['methods'][] = $one : $plain['methods'][] = $one;
        }
        return self::reply(0, [
            'filename' => $class->getFileName(), 'constants' => $constants, 'staticProperties' => $static['properties'],
            'properties' => $plain['properties'], 'staticMethods' => $static['methods'], 'methods' => $plain['methods'],
            'parentClass' => $class->getParentClass() ? $class->getParentClass()->getName() : '', 'interface' => $class->getInterfaceNames(),
        ]);
    }

    public static function handlerGetFunctionInfo(Server $server, string $msg)
    {
        $given = self::given($msg);
        try {
            $function = match (true) {
                !empty($given['class_name']) => new \ReflectionMethod($given['class_name'], $given['function_name'] ?? ''),
                !empty($given['function_name']) => new \ReflectionFunction($given['function_name']),
                default => throw new \ReflectionException('function_name is missing'),
            };
        } catch (\ReflectionException $failure) {
            return self::reply(self::NOT_FOUND, $failure->getMessage());
        }
        $parameters = [];
        foreach ($function->getParameters() as $parameter) {
            $default = $parameter->isDefaultValueAvailable() ? var_export($parameter->getDefaultValue(), true) : '';
            $parameters[] = [
                'optional' => $parameter->isOptional() ? 'optional' : '', 'type' => (string) $parameter->getType(),
                'is_passed_by_reference' => $parameter->isPassedByReference() ? '&' : '', 'is_variadic' => $parameter->isVariadic() ? '...' : '',
                'name' => $parameter->getName(), 'default' => $default, 'full' => (string) $parameter,
            ];
        }
        return self::reply(0, [
            'filename' => $function->getFileName(), 'line' => self::lines($function), 'num' => $function->getNumberOfParameters(),
            'user_defined' => $function->isUserDefined(), 'extension' => (string) $function->getExtensionName(),
            'is_static' => $function instanceof \ReflectionMethod && $function->isStatic(), 'params' => $parameters,
        ]);
    }

    public static function handlerGetObjectByHandle(Server $server, string $msg)
    {
        $given = self::given($msg);
        $object = swoole_get_object_by_handle((int) ($given['object_id'] ?? 0));
        if ($object === false || spl_object_hash($object) !== ($given['object_hash'] ?? '')) {
            return self::reply(self::NOT_FOUND, ['error' => 'there is no such object']);
        }
        return self::reply(0, var_export($object, true));
    }

    public static function handlerGetVersionInfo(Server $server, string $msg)
    {
        $addresses = array_diff(swoole_get_local_ip() ?: [], ['127.0.0.1']);
        return self::reply(0, ['os' => php_uname('s') . '-' . php_uname('r'), 'swoole' => SWOOLE_VERSION, 'php' => PHP_VERSION, 'ip' => (string) reset($addresses)]);
    }

    public static function handlerGetDefinedFunctions(Server $server, string $msg)
    {
        $functions = get_defined_functions();
        $functions['user'] = array_map(function (string $name): array {
            $function = new \ReflectionFunction($name);
            return ['function' => $name, 'filename' => (string) $function->getFileName(), 'line' => (int) $function->getStartLine()];
        }, $functions['user']);
        return self::reply(0, $functions);
    }

    public static function handlerGetDeclaredClasses(Server $server, string $msg)
    {
        return self::reply(0, array_map(function (string $name): array {
            $class = new \ReflectionClass($name);
            return ['class' => $name, 'filename' => (string) $class->getFileName(), 'line' => self::lines($class)];
        }, get_declared_classes()));
    }

    public static function handlerGetServerMemoryUsage(Server $server, string $msg)
    {
        $usage = array_map(fn (int $pid): int => self::processStatus($pid)['VmRSS'] ?? 0, self::processes($server));
        preg_match('/^MemTotal:\s+(\d+)/m', (string) @file_get_contents('/proc/meminfo'), $memory);
        return self::reply(0, $usage + ['total' => array_sum($usage), 'memory_size' => (int) ($memory[1] ?? 0) * 1024]);
    }

    public static function handlerGetServerCpuUsage(Server $server, string $msg)
    {
        $usage = array_map(fn (int $pid): int => self::cpuTime($pid), self::processes($server));
        return self::reply(0, $usage + ['total' => array_sum($usage), 'cpu_num' => swoole_cpu_num()]);
    }

    public static function handlerGetStaticPropertyValue(Server $server, string $msg)
    {
        $given = self::given($msg);
        if (empty($given['class_name']) || empty($given['property_name'])) {
            return self::reply(self::NOT_FOUND, 'class_name or property_name is missing');
        }
        if (!class_exists($given['class_name'], false)) {
            return self::reply(self::NOT_FOUND, "there is no class {$given['class_name']}");
        }
        $value = (new \ReflectionClass($given['class_name']))->getStaticPropertyValue($given['property_name'], null);
        return self::reply(0, ['value' => var_export($value, true)]);
    }

    /** Answers a request: `/api/COMMAND/PROCESS`. */
    private static function answer(Server $server, Request $request, Response $response): void
    {
        if (!preg_match('~^/api(?:/([^/]*))?(?:/([^/]*))?/?$~', $request->server['request_uri'], $found)) {
            $response->status(404);
            $response->end();
            return;
        }
        $response->header('Server', 'swoole-admin-server');
        $response->header('Access-Control-Allow-Origin', '*');
        $response->header('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
        $response->header('Access-Control-Allow-Headers', 'X-ACCESS-TOKEN, X-ADMIN-SERVER-ACCESS-TOKEN');
        $method = $request->server['request_method'];
        if ($method === 'OPTIONS') {
            $response->end();
            return;
        }
        [$command, $process] = [$found[1] ?? '', ($found[2] ?? '') !== '' ? $found[2] : 'master'];
        $is_action = in_array($command, self::ACTIONS, true);
        $token = $request->header['x-admin-server-access-token'] ?? $request->header['x-access-token'] ?? '';
        $refusal = match (true) {
            self::$accessToken !== '' && !hash_equals(self::$accessToken, $token) => 'the access token is wrong or missing',
            $command === '' => 'a command is missing',
            $is_action && $method !== 'POST' => "{$command} needs the method POST",
            $is_action && self::$accessToken === '' && isset($request->header['origin']) => 'pages of other origins need an access token',
            default => null,
        };
        if ($refusal !== null) {
            $response->status(403);
            $response->end(self::reply(self::FORBIDDEN, $refusal));
            return;
        }
        $given = $is_action ? (array) $request->post : (array) $request->get;
        $message = json_encode($given, JSON_FORCE_OBJECT | JSON_INVALID_UTF8_SUBSTITUTE);
        $response->end(self::run($server, $command, $process, $given, $message));
        if ($command === 'server_shutdown') {
            $server->shutdown();
        }
    }

    /** The reply of a command. */
    private static function run(Server $server, string $command, string $process, array $given, string $message): string
    {
        switch ($command) {
            case 'server_stats':
                return self::reply(0, $server->stats());
            case 'server_setting':
                return self::reply(0, array_filter($server->setting, fn ($value) => !is_object($value)) + [
                    'mode' => $server->mode, 'host' => $server->host, 'port' => $server->port,
                    'master_pid' => $server->master_pid, 'manager_pid' => $server->manager_pid,
                ]);
            case 'server_reload':
                return self::reply($server->reload() ? 0 : -1, 'the workers are replaced');
            case 'server_shutdown':
                return self::reply(0, 'the server ends');
            case 'close_session':
                // In process mode any worker can close a connection, in base mode its own.
                $count = $server->mode === SWOOLE_BASE ? $server->setting['worker_num'] : 1;
                for ($id = 0; $id < $count; $id++) {
                    $reply = @$server->command($command, $id, SWOOLE_SERVER_COMMAND_EVENT_WORKER, $message, false);
                    if ($reply !== false && json_decode($reply, true)['code'] !== self::NOT_FOUND) {
                        return $reply;
                    }
                }
                return $reply === false ? self::reply(self::NO_COMMAND, 'no worker answers') : $reply;
            case 'get_server_memory_usage':
                return self::handlerGetServerMemoryUsage($server, $message);
            case 'get_server_cpu_usage':
                return self::handlerGetServerCpuUsage($server, $message);
            case 'get_connections':
            case 'get_connection_info':
                if (!preg_match('/^reactor-(\d+)$/', $process, $found)) {
                    return self::reply(self::NOT_SUPPORTED, "{$command} needs a reactor thread: /api/{$command}/reactor-0");
                }
                if ($server->mode !== SWOOLE_BASE) {
                    return self::connections($server, $command, (int) $found[1], $given);
                }
                // In base mode each worker is the reactor of its connections.
                $reply = @$server->command($command, (int) $found[1], SWOOLE_SERVER_COMMAND_EVENT_WORKER, $message, false);
                return $reply === false ? self::reply(self::INVALID, "there is no {$process}") : $reply;
        }
        $targets = self::targets($server, $process);
        if ($targets === null) {
            return self::reply(self::INVALID, "there is no process {$process}");
        }
        $replies = [];
        foreach ($targets as $name => [$type, $id]) {
            $reply = @$server->command($command, $id, $type, $message, false);
            if ($reply === false) {
                return self::reply(self::NO_COMMAND, "there is no command {$command} for {$name}");
            }
            $replies[$name] = json_decode($reply, true);
        }
        $is_one = !in_array($process, ['all', 'all_worker', 'all_task', 'specific'], true);
        return $is_one ? json_encode(reset($replies), self::JSON) : self::reply(0, $replies);
    }

    /** Processes by their names in a path; `null` if there is none. */
    private static function targets(Server $server, string $process): ?array
    {
        $master = ['master' => [SWOOLE_SERVER_COMMAND_MASTER, 0]];
        $manager = ['manager' => [SWOOLE_SERVER_COMMAND_MANAGER, 0]];
        $workers = $tasks = [];
        for ($id = 0; $id < $server->setting['worker_num']; $id++) {
            $workers["worker-{$id}"] = [SWOOLE_SERVER_COMMAND_EVENT_WORKER, $id];
        }
        for ($id = 0; $id < ($server->setting['task_worker_num'] ?? 0); $id++) {
            $tasks["task_worker-{$id}"] = [SWOOLE_SERVER_COMMAND_TASK_WORKER, $server->setting['worker_num'] + $id];
        }
        return match (true) {
            $process === 'master' => $master,
            $process === 'manager' => $manager,
            $process === 'all' => $master + $manager + $workers + $tasks,
            $process === 'all_worker' => $workers,
            $process === 'all_task' => $tasks,
            $process === 'specific' => [],
            isset($workers[$process]) => [$process => $workers[$process]],
            isset($tasks['task_worker-' . substr($process, 5)]) && str_starts_with($process, 'task-') => [$process => $tasks['task_worker-' . substr($process, 5)]],
            default => null,
        };
    }

    /** `$reactor`: the thread whose connections are wanted; `null`: those of this process. */
    private static function connections(Server $server, string $command, ?int $reactor, array $given): string
    {
        $describe = function (int $id) use ($server): array {
            $info = $server->getClientInfo($id);
            return [
                'address' => $info['remote_ip'] ?? '', 'connect_time' => (float) ($info['connect_time'] ?? 0), 'fd' => $info['socket_fd'] ?? 0,
                'last_dispatch_time' => (float) ($info['last_dispatch_time'] ?? 0), 'last_recv_time' => (float) ($info['last_recv_time'] ?? 0),
                'last_send_time' => (float) ($info['last_send_time'] ?? 0), 'overflow' => 0, 'port' => $info['remote_port'] ?? 0,
                'reactor_id' => $info['reactor_id'] ?? 0, 'recv_queued_bytes' => $info['recv_queued_bytes'] ?? 0,
                'send_queued_bytes' => $info['send_queued_bytes'] ?? 0, 'server_port' => (string) ($info['server_port'] ?? ''),
                'session_id' => $id, 'total_recv_bytes' => 0, 'total_send_bytes' => 0, 'uid' => $info['uid'] ?? 0,
            ];
        };
        if ($command === 'get_connection_info') {
            $id = (int) ($given['session_id'] ?? 0);
            return match (true) {
                $id === 0 => self::reply(self::FORBIDDEN, 'session_id is missing'),
                !$server->exists($id) => self::reply(self::NOT_FOUND, "there is no connection {$id}"),
                default => self::reply(0, $describe($id)),
            };
        }
        $list = [];
        foreach ($server->connections as $id) {
            $one = $describe($id);
            if ($reactor === null || $one['reactor_id'] === $reactor) {
                $list[] = $one;
            }
        }
        return self::reply(0, $list);
    }

    private static function extensionInfo(array $given): string
    {
        $name = $given['extension_name'] ?? '';
        if (!extension_loaded($name)) {
            return self::reply(self::FORBIDDEN, "there is no extension {$name}");
        }
        $extension = new \ReflectionExtension($name);
        ob_start();
        $extension->info();
        $info = ob_get_clean();
        return self::reply(0, [
            'classes' => $extension->getClassNames(), 'version' => (string) $extension->getVersion(),
            'constants' => array_map([self::class, 'exportable'], $extension->getConstants()), 'ini_entries' => $extension->getINIEntries(),
            'dependencies' => $extension->getDependencies(), 'functions' => array_keys($extension->getFunctions()), 'info' => $info,
        ]);
    }

    private static function composerPackages(): string
    {
        if (!class_exists('Composer\InstalledVersions')) {
            return self::reply(self::FORBIDDEN, 'the program does not use Composer');
        }
        return self::reply(0, \Composer\InstalledVersions::getAllRawData());
    }

    /** The processes that have a process of their own. */
    private static function processes(Server $server): array
    {
        $processes = ['manager' => (int) $server->manager_pid, 'master' => (int) $server->master_pid];
        $count = $server->setting['worker_num'] + ($server->setting['task_worker_num'] ?? 0);
        for ($id = 0; $id < $count; $id++) {
            $processes["worker-{$id}"] = (int) $server->getWorkerPid($id);
        }
        return array_filter($processes);
    }

    /** The numbers of /proc/PID/status (proc(5)); sizes in bytes. */
    private static function processStatus(int $pid): array
    {
        $status = [];
        foreach (explode("\n", (string) @file_get_contents("/proc/{$pid}/status")) as $line) {
            if (preg_match('/^(\w+):\s+(.*?)( kB)?$/', $line, $found)) {
                $status[$found[1]] = isset($found[3]) ? (int) $found[2] * 1024 : $found[2];
            }
        }
        return $status;
    }

    /** The processor time of a process, in clock ticks (proc(5)). */
    private static function cpuTime(int $pid): int
    {
        $stat = (string) @file_get_contents("/proc/{$pid}/stat");
        $fields = explode(' ', substr($stat, (int) strrpos($stat, ')') + 2));
        return (int) ($fields[11] ?? 0) + (int) ($fields[12] ?? 0);
    }

    private static function lines(\ReflectionClass|\ReflectionFunctionAbstract $of): string
    {
        return $of->getStartLine() === false ? '' : "{$of->getStartLine()}-{$of->getEndLine()}";
    }

    private static function sizeOf(\ReflectionClass $class): int
    {
        return self::SIZE_OF_ZEND_OBJECT + self::SIZE_OF_ZVAL * count($class->getProperties());
    }

    private static function exportable(mixed $value): mixed
    {
        return is_scalar($value) || $value === null ? $value : get_debug_type($value);
    }

    private static function given(string $message): array
    {
        $given = json_decode($message, true);
        return is_array($given) ? $given : [];
    }

    private static function reply(int $code, mixed $data): string
    {
        return json_encode(['code' => $code, 'data' => $data], self::JSON);
    }

    private const JSON = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION;
}
