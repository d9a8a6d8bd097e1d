//! The PHP files and their classes.

/// A PHP file.
pub(super) struct File {
    /// Its name, which stack traces show.
    pub(super) name: &'static str,
    /// The classes that it declares.
    pub(super) classes: &'static [&'static str],
    pub(super) source: &'static str,
}

macro_rules! file {
    ($name:literal: $($class:literal),+) => {
        File { name: $name, classes: &[$($class),+], source: include_str!($name) }
    };
}

/// All files.
pub(super) const FILES: &[File] = &[
    file!("functions.php": "Swoole\\Internal\\Functions"),
    file!("swoole_library.php": "SwooleLibrary"),
    file!("constant.php": "Swoole\\Constant"),
    file!("array_object.php": "Swoole\\ArrayObject"),
    file!("array_key_not_exists.php": "Swoole\\Exception\\ArrayKeyNotExists"),
    file!("string_object.php": "Swoole\\StringObject"),
    file!("multibyte_string_object.php": "Swoole\\MultibyteStringObject"),
    file!("object_proxy.php": "Swoole\\ObjectProxy"),
    file!("http_status.php": "Swoole\\Http\\Status"),
    file!("error_page.php": "Swoosh\\Internal\\ErrorPage"),
    file!("connection_pool.php": "Swoole\\ConnectionPool"),
    file!("database_configs.php": "Swoole\\Database\\PDOConfig", "Swoole\\Database\\MysqliConfig", "Swoole\\Database\\RedisConfig"),
    file!("database_object_proxy.php": "Swoole\\Database\\ObjectProxy"),
    file!("detects_lost_connections.php": "Swoole\\Database\\DetectsLostConnections"),
    file!("pdo_proxy.php": "Swoole\\Database\\PDOProxy", "Swoole\\Database\\PDOStatementProxy"),
    file!("mysqli_proxy.php": "Swoole\\Database\\MysqliProxy", "Swoole\\Database\\MysqliStatementProxy", "Swoole\\Database\\MysqliException"),
    file!("database_pools.php": "Swoole\\Database\\PDOPool", "Swoole\\Database\\MysqliPool", "Swoole\\Database\\RedisPool"),
    file!("fastcgi.php": "Swoole\\FastCGI"),
    file!("fastcgi_records.php": "Swoole\\FastCGI\\Record", "Swoole\\FastCGI\\Record\\AbortRequest", "Swoole\\FastCGI\\Record\\BeginRequest", "Swoole\\FastCGI\\Record\\Data", "Swoole\\FastCGI\\Record\\EndRequest", "Swoole\\FastCGI\\Record\\Params", "Swoole\\FastCGI\\Record\\GetValues", "Swoole\\FastCGI\\Record\\GetValuesResult", "Swoole\\FastCGI\\Record\\Stderr", "Swoole\\FastCGI\\Record\\Stdin", "Swoole\\FastCGI\\Record\\Stdout", "Swoole\\FastCGI\\Record\\UnknownType", "Swoole\\FastCGI\\FrameParser"),
    file!("fastcgi_messages.php": "Swoole\\FastCGI\\Message", "Swoole\\FastCGI\\Request", "Swoole\\FastCGI\\Response", "Swoole\\FastCGI\\HttpResponse"),
    file!("fastcgi_http_request.php": "Swoole\\FastCGI\\HttpRequest"),
    file!("fastcgi_client.php": "Swoole\\Coroutine\\FastCGI\\Client", "Swoole\\Coroutine\\FastCGI\\Client\\Exception"),
    file!("fastcgi_proxy.php": "Swoole\\Coroutine\\FastCGI\\Proxy"),
    file!("server_admin.php": "Swoole\\Server\\Admin"),
    file!("server_helper.php": "Swoole\\Server\\Helper"),
    file!("remote_object.php": "Swoole\\RemoteObject", "Swoole\\RemoteObject\\Client", "Swoole\\RemoteObject\\Context", "Swoole\\RemoteObject\\Exception", "Swoole\\RemoteObject\\ProxyTrait", "Swoole\\RemoteObject\\Server"),
    file!("mongodb_client.php": "Swoole\\MongoDB\\Client"),
    file!("mail.php": "Swoole\\Internal\\Mail"),
    file!("buffer.php": "Swoole\\Buffer"),
    file!("old_names.php": "Swoole\\Mmap", "Swoole\\Serialize", "Swoole\\Coroutine\\ObjectPool"),
    file!("coroutine_mysql.php": "Swoole\\Coroutine\\MySQL", "Swoole\\Coroutine\\MySQL\\Exception", "Swoole\\Coroutine\\MySQL\\Statement"),
    file!("coroutine_redis.php": "Swoole\\Coroutine\\Redis"),
    file!("coroutine_postgresql.php": "Swoole\\Coroutine\\PostgreSQL", "Swoole\\Coroutine\\PostgreSQLStatement"),
    file!("open_swoole.php": "Swoole\\Internal\\OpenSwooleConstant", "Swoole\\Internal\\OpenSwooleUtil"),
    file!("grpc_status.php": "Swoosh\\Grpc\\Status", "Swoosh\\Grpc\\Exception", "Swoosh\\Grpc\\Internal\\Settings"),
    file!("grpc_protocol.php": "Swoosh\\Grpc\\Metadata", "Swoosh\\Grpc\\Messages"),
    file!("grpc_client.php": "Swoosh\\Grpc\\Client", "Swoosh\\Grpc\\ClientCall"),
    file!("grpc_call.php": "Swoosh\\Grpc\\ServerCall", "Swoosh\\Grpc\\Internal\\Transport", "Swoosh\\Grpc\\Internal\\StreamTransport", "Swoosh\\Grpc\\Internal\\HttpTransport"),
    file!("grpc_server.php": "Swoosh\\Grpc\\Service", "Swoosh\\Grpc\\Server"),
    file!("grpc_stub.php": "Swoosh\\Grpc\\BaseStub", "Swoosh\\Grpc\\StubCall"),
    file!("multiplex_client.php": "Swoole\\Coroutine\\Http2\\MultiplexClient"),
    file!("curl_handler.php": "Swoole\\Curl\\Exception", "Swoole\\Curl\\Handler"),
    file!("state_leaks.php": "Swoole\\Internal\\StateLeaks"),
];

/// Other names of classes.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("Co\\FastCGI\\Client", "Swoole\\Coroutine\\FastCGI\\Client"),
    ("Co\\MySQL", "Swoole\\Coroutine\\MySQL"),
    ("Co\\PostgreSQL", "Swoole\\Coroutine\\PostgreSQL"),
    ("Co\\Redis", "Swoole\\Coroutine\\Redis"),
    ("swoole_buffer", "Swoole\\Buffer"),
    ("swoole_mmap", "Swoole\\Mmap"),
    ("swoole_serialize", "Swoole\\Serialize"),
    ("Co\\FastCGI\\Proxy", "Swoole\\Coroutine\\FastCGI\\Proxy"),
];

/// The classes of OpenSwoole, in lower case, that have other names in Swoole.
pub(super) const OPEN_SWOOLE: &[(&str, &str)] = &[
    ("constant", "Swoole\\Internal\\OpenSwooleConstant"),
    ("util", "Swoole\\Internal\\OpenSwooleUtil"),
    ("core\\coroutine\\waitgroup", "Swoole\\Coroutine\\WaitGroup"),
    ("core\\coroutine\\client\\clientproxy", "Swoole\\ObjectProxy"),
    ("core\\coroutine\\pool\\clientpool", "Swoole\\ConnectionPool"),
];
