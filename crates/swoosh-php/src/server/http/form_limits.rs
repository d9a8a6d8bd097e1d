//! The limits of forms: PHP's own settings, and the length of a request with a form of files.

use swoosh::config::PortSettings;
use swoosh_zend::runtime;

/// The longest request with a form of files, bytes: the fields as in any request, and every file of the longest size. 0
/// without `upload_max_filesize`.
pub fn max_form_length(upload_max_filesize: u64, port: &PortSettings) -> u64 {
    match upload_max_filesize {
        0 => 0,
        each => each
            .saturating_mul(FormLimits::of_php().files as u64)
            .saturating_add(port.package_max_length().unwrap_or(2 << 20)),
    }
}

/// PHP's limits of a form.
pub struct FormLimits {
    /// `max_input_vars`.
    pub fields: usize,
    /// `max_file_uploads`.
    pub files: usize,
    /// `max_multipart_body_parts`; by default the sum of the two others.
    pub parts: usize,
}

impl FormLimits {
    /// From php.ini.
    pub fn of_php() -> Self {
        let (fields, files) = (Self::max_fields(), ini_number("max_file_uploads", MAX_FILES));
        FormLimits { fields, files, parts: ini_number("max_multipart_body_parts", fields.saturating_add(files)) }
    }

    /// `max_input_vars` alone.
    pub fn max_fields() -> usize {
        runtime::max_input_vars()
    }
}

/// A number of php.ini; `default` where it is not set or negative.
fn ini_number(name: &str, default: usize) -> usize {
    runtime::ini_number(name).unwrap_or(default)
}

/// PHP's default of `max_file_uploads`.
const MAX_FILES: usize = 20;
