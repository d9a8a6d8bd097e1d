//! Paths of requests and of links.

/// The path without dots and empty segments; `None` if it contains a zero byte or leads above the root.
pub(super) fn normalize(path: &[u8]) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") || path.contains(&0) {
        return None;
    }
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&b| b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    let mut out = vec![b'/'];
    out.extend(segments.join(&b'/'));
    let is_directory = path.ends_with(b"/") && out.len() > 1;
    out.extend_from_slice(if is_directory { b"/" } else { b"" });
    Some(out)
}

/// Text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A byte of a path, percent-encoded for a link if necessary.
pub(super) fn percent_encode(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}
