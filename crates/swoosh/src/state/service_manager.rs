//! The service manager that started this program (systemd), if it wants reports.

use crate::sys::sd_notify::{self, Notifier};
use std::time::Duration;

/// A service manager that waits for reports of the server: `Type=notify`, `WatchdogSec=`.
#[derive(Debug)]
pub struct ServiceManager {
    /// Its socket. Only the process that called `start` reports.
    pub notifier: Notifier,
    /// It ends a server that does not report its health within this time.
    pub watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names. One that cannot be reached is logged: the server serves without it.
    pub fn from_env() -> Option<Self> {
        match Notifier::from_env() {
            Ok(notifier) => Some(ServiceManager { notifier: notifier?, watchdog: sd_notify::watchdog_interval() }),
            Err(e) => {
                crate::log::warn!("{e}");
                None
            }
        }
    }

    /// How often the manager process and the reactor threads record that they are alive.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|interval| interval / 4)
    }
}
