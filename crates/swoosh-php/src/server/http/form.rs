//! Forms, uploads and cookies of a request, named as PHP names them.

use super::form_limits::FormLimits;
use crate::server::http::settings::HttpSettings;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use swoosh::http::form::{Body, BodySlice, Part, parts, percent_decode};
use swoosh::proto::http1::request::{Field, field};
use swoosh_zend::form::{self, register};
use swoosh_zend::{Array, IntoZval, Zval, runtime};

/// A parsed `multipart/form-data` body.
#[derive(Default)]
pub struct Form {
    /// Text fields; `None` if there are none.
    pub post: Option<Array>,
    /// Uploaded files, as in `$_FILES`.
    pub files: Option<Array>,
    /// Paths of the stored uploads.
    pub tmpfiles: Vec<String>,
}

/// The cookies of every `Cookie` field; `None` without such a field. The first of two cookies with one name counts.
pub fn cookies<'a>(headers: impl Iterator<Item = Field<'a>>) -> Option<Array> {
    let (mut found, mut count, most) = (None, 0, FormLimits::max_fields());
    for header in headers.filter(|h| h.is("cookie")) {
        let all = found.get_or_insert_with(Array::new);
        for pair in header.value.split(|&b| b == b';') {
            if count >= most {
                break;
            }
            let pair = pair.trim_ascii_start();
            let (name, value) = match memchr::memchr(b'=', pair) {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &b""[..]),
            };
            let value = percent_decode(value);
            let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            if name.is_empty() {
                continue;
            } else if plain {
                count += usize::from(all.add(name, &*value).is_ok());
            } else if name.contains(&b'[') || all.find(name).is_none() {
                count += 1;
                register(all, name, &*value);
            }
        }
    }
    found
}

/// Parses a `multipart/form-data` body (RFC 7578). `Err`: the status code to reject the request with.
pub fn multipart(config: &HttpSettings, headers: &[Field<'_>], body: Body<'_>) -> Result<Form, u16> {
    let mut form = Form::default();
    let found = parts(field(headers, "content-type").unwrap_or_default(), body).map_err(unreadable)?;
    let limits = FormLimits::of_php();
    let (mut fields, mut files, mut text) = (0, 0, 0);
    for part in found.ok_or(400u16)?.iter().take(limits.parts) {
        let is_file = part.filename.is_some();
        match is_file {
            // A field without a chosen file counts for nothing, as in PHP.
            true => files += usize::from(part.filename.as_ref().is_some_and(|name| !name.is_empty())),
            false => (fields, text) = (fields + 1, text + part.data.len()),
        }
        if text > config.max_length {
            // Only files may exceed the length of a request in memory.
            return Err(413);
        }
        if fields > limits.fields && !is_file || files > limits.files && is_file {
            continue;
        }
        form.take_part(config, part)?;
    }
    if fields > limits.fields || files > limits.files {
        swoosh::log::notice!(
            "a form has {fields} fields and {files} files: those beyond max_input_vars ({}) and max_file_uploads ({}) are dropped",
            limits.fields,
            limits.files
        );
    }
    Ok(form)
}

/// Logs that a spilled body cannot be read; returns the status code of the response.
pub fn unreadable(cause: swoosh::Error) -> u16 {
    swoosh::log::error!("request failed with 500: {cause}");
    500
}

impl Form {
    fn take_part(&mut self, config: &HttpSettings, part: &Part<'_>) -> Result<(), u16> {
        let data = &part.data;
        let Some(file) = &part.filename else {
            let value = data.bytes().map_err(unreadable)?;
            register(self.post.get_or_insert_with(Array::new), &part.name, &*value);
            return Ok(());
        };
        let files = self.files.get_or_insert_with(Array::new);
        let (mut path, mut error) = (String::new(), 0);
        if file.is_empty() {
            error = NO_FILE;
        } else if config.upload_max > 0 && data.len() > config.upload_max {
            error = TOO_LARGE;
        } else {
            match store(&config.upload_dir, data) {
                Ok(stored) => path = stored,
                Err(e) => {
                    swoosh::log::error!("store an uploaded file in {}: {e}", config.upload_dir);
                    error = CANNOT_WRITE;
                }
            }
        }
        let kind = if error == NO_FILE { b"" } else { &part.content_type[..] };
        let size = if error == 0 { data.len() } else { 0 };
        let brackets = memchr::memchr(b'[', &part.name).filter(|at| *at > 0 && config.parse_files);
        if let Some(at) = brackets {
            // As in $_FILES: `form[a]` is the element `a` of each property of `form`.
            let (name, keys) = part.name.split_at(at);
            let mut put = |property: &str, value: Zval| {
                register(files, &[name, b"[", property.as_bytes(), b"]", keys].concat(), value);
            };
            put("name", file[..].into_zval());
            put("type", kind.into_zval());
            put("tmp_name", path.as_str().into_zval());
            put("error", error.into_zval());
            put("size", size.into_zval());
        } else {
            let mut about = Array::new();
            about.insert("type", kind);
            about.insert("tmp_name", path.as_str());
            about.insert("size", size);
            about.insert("name", &file[..]);
            about.insert("error", error);
            register(files, &part.name, about.into_zval());
        }
        if !path.is_empty() {
            form::register_upload(&path);
            note_stored(&path);
            self.tmpfiles.push(path);
        }
        Ok(())
    }
}

/// Writes an uploaded file, mode 0600, under a random name.
fn store(folder: &str, data: &BodySlice<'_>) -> Result<String, swoosh::Error> {
    loop {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), data.len());
        let letter = |n: u32| char::from_digit((random >> (n * 6)) as u32 % 36, 36).unwrap_or('0');
        let path = format!("{folder}/swoole.upfile.{}", (0..6).map(letter).collect::<String>());
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                if let Err(e) = data.save(&file) {
                    let _ = std::fs::remove_file(&path);
                    return Err(e);
                }
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(swoosh::Error::system("make", path, e)),
        }
    }
}

thread_local! {
    /// The uploads that are stored now, and the process that has stored them, see [`runtime::generation`].
    static STORED: RefCell<(u32, HashSet<String>)> = RefCell::default();
}

fn note_stored(path: &str) {
    STORED.with_borrow_mut(|(process, paths)| {
        if *process != runtime::generation() {
            // The parent process removes its own uploads.
            paths.clear();
            *process = runtime::generation();
        }
        paths.insert(path.to_owned());
    });
}

/// Removes the uploads of a request that this process has stored, unless `move_uploaded_file` has moved them.
pub fn remove(files: &[String]) {
    STORED.with_borrow_mut(|(process, paths)| {
        if *process == runtime::generation() {
            files.iter().filter(|path| paths.remove(*path)).for_each(|path| remove_file(path));
        }
    });
}

/// Removes all uploads that this process has stored: it ends, and user code may still hold their requests.
pub fn remove_all() {
    let (process, paths) = STORED.take();
    if process == runtime::generation() {
        paths.iter().for_each(|path| remove_file(path));
    }
}

fn remove_file(path: &str) {
    if form::unregister_upload(path) {
        let _ = std::fs::remove_file(path);
    }
}

/// UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_NO_FILE and UPLOAD_ERR_CANT_WRITE.
const TOO_LARGE: i32 = 1;
const NO_FILE: i32 = 4;
const CANNOT_WRITE: i32 = 7;
