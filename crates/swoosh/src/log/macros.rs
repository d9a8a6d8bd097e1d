//! The macros of the log levels.

/// Writes a line of level [`Level::Debug`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Debug, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Info`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Info, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Notice`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_notice {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Notice, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Warning`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Warning, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Error`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Error, format_args!($($message)+)) };
}
