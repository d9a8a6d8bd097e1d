//! Swoosh: a supervised multi-process server engine.

pub mod config;
pub mod error;
pub mod timer;
