//! Process titles, as ps(1) shows them.

use crate::context::Context;
use std::sync::{Mutex, OnceLock};

/// Sets the title of this process: by the handler, where it does that, else by the engine.
pub(super) fn set(context: &Context, role: &str) {
    // Read once: the title overwrites the arguments.
    static PROGRAM: OnceLock<String> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        // The whole command line: a search for `php server.php` goes on finding the process.
        let command = std::fs::read("/proc/self/cmdline").unwrap_or_default();
        let words = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
        let folder = words.split(' ').next().and_then(|program| program.rfind('/')).map_or(0, |slash| slash + 1);
        words[folder..].to_string()
    });
    let title = format!("{program}: swoosh {role}");
    if !context.handler().set_title(&title) {
        overwrite_arguments(&title);
    }
    crate::sys::title::name_thread(&format!("swoosh {role}"));
}

fn overwrite_arguments(title: &str) {
    static TITLE: Mutex<Option<crate::sys::title::Title>> = Mutex::new(None);
    let Ok(mut own) = TITLE.try_lock() else { return };
    if own.is_none() {
        *own = crate::sys::title::Title::take().ok();
    }
    if let Some(own) = own.as_mut() {
        own.set(title);
    }
}
