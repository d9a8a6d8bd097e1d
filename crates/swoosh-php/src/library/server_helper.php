<?php

declare(strict_types=1);

namespace Swoole\Server;

use Swoole\Server;
use Swoole\Timer;

/** The parts of a server that are written in PHP: the administration interface, and statistics in a file. */
class Helper
{
    /** Milliseconds. */
    public const STATS_TIMER_INTERVAL_TIME = 1000;

    public const GLOBAL_OPTIONS = [
        'debug_mode' => true,
        'display_errors' => true,
        'dns_server' => true,
        'http2_enable_push' => true,
        'http2_header_table_size' => true,
        'http2_init_window_size' => true,
        'http2_max_concurrent_streams' => true,
        'http2_max_frame_size' => true,
        'http2_max_header_list_size' => true,
        'http2_max_headers' => true,
        'log_date_format' => true,
        'log_date_with_microseconds' => true,
        'log_file' => true,
        'log_level' => true,
        'log_rotation' => true,
        'socket_buffer_size' => true,
        'socket_connect_timeout' => true,
        'socket_dns_timeout' => true,
        'socket_read_timeout' => true,
        'socket_recv_timeout' => true,
        'socket_send_timeout' => true,
        'socket_timeout' => true,
        'socket_write_timeout' => true,
        'trace_flags' => true,
    ];

    public const SERVER_OPTIONS = [
        'bootstrap' => true,
        'buffer_input_size' => true,
        'buffer_output_size' => true,
        'chroot' => true,
        'compression_level' => true,
        'compression_min_length' => true,
        'compression_types' => true,
        'cpu_affinity_ignore' => true,
        'daemonize' => true,
        'discard_timeout_request' => true,
        'dispatch_func' => true,
        'dispatch_mode' => true,
        'document_root' => true,
        'enable_coroutine' => true,
        'enable_delay_receive' => true,
        'enable_reuse_port' => true,
        'enable_static_handler' => true,
        'enable_unsafe_event' => true,
        'event_object' => true,
        'group' => true,
        'heartbeat_check_interval' => true,
        'heartbeat_idle_time' => true,
        'http_autoindex' => true,
        'http_compression' => true,
        'http_compression_level' => true,
        'http_compression_min_length' => true,
        'http_compression_types' => true,
        'http_gzip_level' => true,
        'http_index_files' => true,
        'http_parse_cookie' => true,
        'http_parse_files' => true,
        'http_parse_post' => true,
        'init_arguments' => true,
        'input_buffer_size' => true,
        'max_concurrency' => true,
        'max_conn' => true,
        'max_connection' => true,
        'max_queued_bytes' => true,
        'max_request' => true,
        'max_request_grace' => true,
        'max_wait_time' => true,
        'message_queue_key' => true,
        'open_cpu_affinity' => true,
        'output_buffer_size' => true,
        'pid_file' => true,
        'reactor_num' => true,
        'reload_async' => true,
        'send_timeout' => true,
        'send_yield' => true,
        'single_thread' => true,
        'start_session_id' => true,
        'static_handler_locations' => true,
        'task_enable_coroutine' => true,
        'task_ipc_mode' => true,
        'task_max_request' => true,
        'task_max_request_grace' => true,
        'task_object' => true,
        'task_tmpdir' => true,
        'task_use_object' => true,
        'task_worker_num' => true,
        'upload_max_filesize' => true,
        'upload_tmp_dir' => true,
        'url_rewrite_rules' => true,
        'user' => true,
        'websocket_compression' => true,
        'worker_max_concurrency' => true,
        'worker_num' => true,
    ];

    public const PORT_OPTIONS = [
        'backlog' => true,
        'buffer_high_watermark' => true,
        'buffer_low_watermark' => true,
        'heartbeat_idle_time' => true,
        'kernel_socket_recv_buffer_size' => true,
        'kernel_socket_send_buffer_size' => true,
        'max_idle_time' => true,
        'open_eof_check' => true,
        'open_eof_split' => true,
        'open_http2_protocol' => true,
        'open_http_protocol' => true,
        'open_length_check' => true,
        'open_mqtt_protocol' => true,
        'open_redis_protocol' => true,
        'open_tcp_keepalive' => true,
        'open_tcp_nodelay' => true,
        'open_websocket_close_frame' => true,
        'open_websocket_ping_frame' => true,
        'open_websocket_pong_frame' => true,
        'open_websocket_protocol' => true,
        'package_body_offset' => true,
        'package_body_start' => true,
        'package_eof' => true,
        'package_length_func' => true,
        'package_length_offset' => true,
        'package_length_type' => true,
        'package_max_length' => true,
        'socket_buffer_size' => true,
        'ssl_allow_self_signed' => true,
        'ssl_cafile' => true,
        'ssl_capath' => true,
        'ssl_cert_file' => true,
        'ssl_ciphers' => true,
        'ssl_client_cert_file' => true,
        'ssl_compress' => true,
        'ssl_dhparam' => true,
        'ssl_ecdh_curve' => true,
        'ssl_key_file' => true,
        'ssl_prefer_server_ciphers' => true,
        'ssl_protocols' => true,
        'ssl_sni_certs' => true,
        'ssl_verify_depth' => true,
        'ssl_verify_peer' => true,
        'tcp_defer_accept' => true,
        'tcp_fastopen' => true,
        'tcp_keepcount' => true,
        'tcp_keepidle' => true,
        'tcp_keepinterval' => true,
        'tcp_user_timeout' => true,
        'websocket_subprotocol' => true,
    ];

    public const AIO_OPTIONS = [
        'aio_core_worker_num' => true,
        'aio_max_idle_time' => true,
        'aio_max_wait_time' => true,
        'aio_worker_num' => true,
        'dns_cache_refresh_time' => true,
        'dns_lookup_random' => true,
        'enable_coroutine' => true,
        'enable_signalfd' => true,
        'iouring_entries' => true,
        'iouring_flag' => true,
        'iouring_workers' => true,
        'max_thread_num' => true,
        'min_thread_num' => true,
        'socket_dontwait' => true,
        'thread_num' => true,
        'use_async_resolver' => true,
        'wait_signal' => true,
    ];

    public const COROUTINE_OPTIONS = [
        'c_stack_size' => true,
        'dns_cache_capacity' => true,
        'dns_cache_expire' => true,
        'enable_deadlock_check' => true,
        'enable_preemptive_scheduler' => true,
        'hook_flags' => true,
        'max_coro_num' => true,
        'max_coroutine' => true,
        'name_resolver' => true,
        'stack_size' => true,
    ];

    public const HELPER_OPTIONS = [
        'admin_server' => true,
        'stats_file' => true,
        'stats_timer_interval' => true,
    ];

    /** Warns about options that a server does not know. */
    public static function checkOptions(array $input_options): void
    {
        $known = self::GLOBAL_OPTIONS + self::SERVER_OPTIONS + self::PORT_OPTIONS + self::AIO_OPTIONS + self::COROUTINE_OPTIONS + self::HELPER_OPTIONS;
        foreach (array_keys($input_options) as $name) {
            if (!isset($known[strtolower((string) $name)])) {
                trigger_error("unsupported option [{$name}]", E_USER_WARNING);
            }
        }
    }

    /** Adds the helper to the callbacks of a server that is about to start. */
    public static function install(Server $server): void
    {
        self::onBeforeStart($server);
        $hooks = [
            'start' => [self::class, 'onStart'], 'beforeShutdown' => [self::class, 'onBeforeShutdown'],
            'workerStart' => [self::class, 'onWorkerStart'], 'workerExit' => [self::class, 'onWorkerExit'],
        ];
        foreach ($hooks as $event => $hook) {
            $own = $server->getCallback($event);
            $server->on($event, function (Server $server, ...$arguments) use ($hook, $own): void {
                $hook($server, ...$arguments);
                if ($own !== null) {
                    $own($server, ...$arguments);
                }
            });
        }
    }

    public static function onBeforeStart(Server $server): void
    {
        if (!empty($server->setting['admin_server'])) {
            Admin::init($server);
        }
    }

    public static function onBeforeShutdown(Server $server): void
    {
        if ($server->admin_server !== null) {
            $server->admin_server->shutdown();
            $server->admin_server = null;
        }
    }

    public static function onWorkerStart(Server $server, int $workerId): void
    {
        $file = $server->setting['stats_file'] ?? '';
        if ($file === '' || $workerId !== 0) {
            return;
        }
        $interval = (int) ($server->setting['stats_timer_interval'] ?? 0);
        $server->stats_timer = Timer::tick($interval > 0 ? $interval : self::STATS_TIMER_INTERVAL_TIME, function () use ($server, $file): void {
            // A reader never sees a part.
            $whole = json_encode($server->stats(), JSON_PRETTY_PRINT) . "\n";
            if (file_put_contents("{$file}.new", $whole) !== false) {
                rename("{$file}.new", $file);
            }
        });
    }

    public static function onWorkerExit(Server $server, int $workerId): void
    {
        if ($server->stats_timer !== null) {
            Timer::clear($server->stats_timer);
            $server->stats_timer = null;
        }
    }

    public static function onWorkerStop(Server $server, int $workerId)
    {
    }

    public static function onStart(Server $server): void
    {
        if (!empty($server->setting['admin_server'])) {
            Admin::start($server);
        }
    }

    public static function onShutdown(Server $server)
    {
    }

    public static function onBeforeReload(Server $server)
    {
    }

    public static function onAfterReload(Server $server)
    {
    }

    public static function onManagerStart(Server $server)
    {
    }

    public static function onManagerStop(Server $server)
    {
    }

    public static function onWorkerError(Server $server)
    {
    }
}
