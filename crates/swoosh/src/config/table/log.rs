//! Settings of the log.

use super::rows::settings;
use crate::config::kind::Kind;
use crate::config::setting::{Setter, Target};
use crate::log::LogRotation;

settings! { LOG in Target::Log;
    /// The log file; it is opened again on SIGRTMIN. Without one the log goes to standard error.
    log_file: Kind::Path, "none" => Setter::Server(|c, v| v.store(&mut c.log_file));
    /// The least level that is logged: 0 debug, 1 trace, 2 info, 3 notice, 4 warning, 5 error, 6 none.
    log_level: Kind::int(0, 6, "a level"), "2" => Setter::Server(|c, v| v.store(&mut c.log_level));
    /// The period of one log file: 0 no rotation, 1 a month, 2 a day, 3 an hour, 4 a minute. Each period has its own file.
    log_rotation: Kind::int(0, 4, "a period"), "0" =>
        Setter::Server(|c, v| v.store_choice(&mut c.log_rotation, &LOG_ROTATIONS));
    /// The format of dates, strftime(3).
    log_date_format: Kind::Text, "`%Y-%m-%d %H:%M:%S`" => Setter::Server(|c, v| v.store(&mut c.log_date_format));
    /// Dates have microseconds.
    log_date_with_microseconds: Kind::Bool, "false" =>
        Setter::Server(|c, v| v.store(&mut c.log_date_with_microseconds));
    /// More log output.
    debug_mode: Kind::Bool, "false" => Setter::Unsupported(USE_LOG_LEVEL);
    /// Parts of the engine to trace.
    trace_flags: Kind::int(i64::MIN, i64::MAX, "flags"), "0" => Setter::Unsupported(USE_LOG_LEVEL);
    /// PHP errors are printed.
    display_errors: Kind::Bool, "PHP's" => Setter::Ignored("PHP's own `display_errors` counts");
}

const USE_LOG_LEVEL: &str = "log_level says how much is logged";
const LOG_ROTATIONS: [LogRotation; 5] =
    [LogRotation::Single, LogRotation::Monthly, LogRotation::Daily, LogRotation::Hourly, LogRotation::EveryMinute];
