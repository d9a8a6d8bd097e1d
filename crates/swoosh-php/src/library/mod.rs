//! The part of Swoole's API that is best written in PHP. Its files are compiled into the extension and run when one of their
//! classes is used for the first time, so that a script that uses none of them starts no slower.

mod call;
mod curl;
mod files;
pub mod functions;
mod state_leaks;

pub(crate) use call::run;
use files::{ALIASES, FILES, OPEN_SWOOLE};
use std::ffi::CString;
use swoosh_zend::hook::{LibraryClass, install_library, wrap_function};
use swoosh_zend::runtime::{self, ini_bool};
use swoosh_zend::{Call, PhpResult};

/// Makes the classes known to PHP during module startup.
pub fn start_up() {
    if !ini_bool("swoole.enable_library") {
        return;
    }
    install_library(find);
    wrap_function::<61, _, _>("class_exists", load_first);
    wrap_function::<62, _, _>("interface_exists", load_first);
    wrap_function::<63, _, _>("trait_exists", load_first);
    state_leaks::start_up();
}

/// A class of the library by its name in lower case.
fn find(class: &[u8]) -> Option<LibraryClass> {
    if let Some(rest) = class.strip_prefix(b"openswoole\\") {
        return ini_bool("swoole.openswoole_names").then(|| open_swoole(rest)).flatten();
    }
    if !["swoole", "swoosh", "co\\"].iter().any(|prefix| class.starts_with(prefix.as_bytes())) {
        return None;
    }
    if let Some((alias, class)) = ALIASES.iter().find(|(alias, _)| alias.as_bytes().eq_ignore_ascii_case(class)) {
        let is_on = !alias.starts_with("Co\\") || ini_bool("swoole.use_shortname");
        return is_on.then(|| LibraryClass::Alias((*class).to_owned()));
    }
    let file = FILES
        .iter()
        .find(|file| file.classes.iter().any(|declared| declared.as_bytes().eq_ignore_ascii_case(class)))?;
    let name = CString::new(format!("@swoole/library/{}", file.name)).ok()?;
    Some(LibraryClass::Source(name, file.source.strip_prefix("<?php")?.to_owned()))
}

/// A class of OpenSwoole's namespace: Swoole's of the same name, or one with a name of its own.
fn open_swoole(rest: &[u8]) -> Option<LibraryClass> {
    let rest = std::str::from_utf8(rest).ok()?;
    let target = match OPEN_SWOOLE.iter().find(|(own, _)| *own == rest) {
        Some((_, target)) => (*target).to_owned(),
        None => format!("Swoole\\{rest}"),
    };
    Some(LibraryClass::Alias(target))
}

/// `class_exists($name, false)` and its kin: to them, the library's classes exist from the start.
fn load_first(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if call.count() == 2
        && let Some(name) = call.arg(0).and_then(|name| name.bytes())
        && find(&name.strip_prefix(b"\\").unwrap_or(name).to_ascii_lowercase()).is_some()
    {
        runtime::load_class(name);
    }
    Ok(None)
}
