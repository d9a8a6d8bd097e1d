//! The module's part of `phpinfo()` and `php --ri`.

use super::class::c_string;
use super::ffi;

/// A table that is being printed.
pub struct Info(());

impl Info {
    /// Begins a table.
    pub(super) fn new() -> Self {
        // SAFETY: PHP calls the module's info function with its output ready; so below.
        unsafe { ffi::php_info_print_table_start() };
        Info(())
    }

    /// Prints a row.
    pub fn row(&mut self, name: &str, value: &str) {
        // SAFETY: as many C strings as are announced.
        unsafe { ffi::php_info_print_table_row(2, c_string(name), c_string(value)) };
    }
}

impl Drop for Info {
    fn drop(&mut self) {
        // SAFETY: ends the table that `new` began.
        unsafe { ffi::php_info_print_table_end() };
    }
}
