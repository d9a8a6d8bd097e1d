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
    file!("connection_pool.php": "Swoole\\ConnectionPool"),
    file!("database_configs.php": "Swoole\\Database\\PDOConfig", "Swoole\\Database\\MysqliConfig", "Swoole\\Database\\RedisConfig"),
    file!("database_object_proxy.php": "Swoole\\Database\\ObjectProxy"),
    file!("detects_lost_connections.php": "Swoole\\Database\\DetectsLostConnections"),
    file!("pdo_proxy.php": "Swoole\\Database\\PDOProxy", "Swoole\\Database\\PDOStatementProxy"),
    file!("mysqli_proxy.php": "Swoole\\Database\\MysqliProxy", "Swoole\\Database\\MysqliStatementProxy", "Swoole\\Database\\MysqliException"),
    file!("database_pools.php": "Swoole\\Database\\PDOPool", "Swoole\\Database\\MysqliPool", "Swoole\\Database\\RedisPool"),
];

/// Other names of classes.
pub(super) const ALIASES: &[(&str, &str)] = &[];
