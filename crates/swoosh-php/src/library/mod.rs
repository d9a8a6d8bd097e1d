//! The part of Swoole's API that is best written in PHP. Its files are compiled into the extension and run when one of their
//! classes is used for the first time, so that a script that uses none of them starts no slower.

mod files;
pub mod functions;

use files::{ALIASES, FILES};
use std::ffi::CString;
use swoosh_zend::hook::{install_library, wrap_function};
use swoosh_zend::runtime::{self, ini_bool};
use swoosh_zend::{Call, PhpResult};

/// Makes the classes known to PHP during module startup.
pub fn start_up() {
    if !ini_bool("swoole.enable_library") {
        return;
    }
    install_library(source_of);
    wrap_function::<40, _, _>("class_exists", load_first);
    wrap_function::<41, _, _>("interface_exists", load_first);
    wrap_function::<42, _, _>("trait_exists", load_first);
}

/// The name and the source of the file that declares a class, whose name is in lower case.
fn source_of(class: &[u8]) -> Option<(CString, String)> {
    if !class.starts_with(b"swoole") && !class.starts_with(b"co\\") {
        return None;
    }
    if let Some((alias, class)) = ALIASES.iter().find(|(alias, _)| alias.as_bytes().eq_ignore_ascii_case(class)) {
        if alias.starts_with("Co\\") && !ini_bool("swoole.use_shortname") {
            return None;
        }
        return Some((c"@swoole/library/aliases.php".to_owned(), format!("class_alias('{class}', '{alias}');")));
    }
    let file = FILES
        .iter()
        .find(|file| file.classes.iter().any(|declared| declared.as_bytes().eq_ignore_ascii_case(class)))?;
    let name = CString::new(format!("@swoole/library/{}", file.name)).ok()?;
    Some((name, file.source.strip_prefix("<?php")?.to_owned()))
}

/// `class_exists($name, false)` and its kin: to them, the library's classes exist from the start.
fn load_first(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if call.count() == 2
        && let Some(name) = call.arg(0).and_then(|name| name.bytes())
        && source_of(&name.strip_prefix(b"\\").unwrap_or(name).to_ascii_lowercase()).is_some()
    {
        runtime::load_class(name);
    }
    Ok(None)
}
