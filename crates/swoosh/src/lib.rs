//! Swoosh: a supervised multi-process server engine.

pub mod config;
pub mod error;
pub mod log;
pub mod proto;
pub mod settings;
pub mod sys;
