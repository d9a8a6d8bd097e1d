//! The classes, one file each.

pub mod atomic;
pub mod event;
pub mod exception;
pub mod timer;

/// Registers every class; a class comes after those it comes from.
pub fn register() {
    exception::register();
    timer::register();
    event::register();
    atomic::register();
}
