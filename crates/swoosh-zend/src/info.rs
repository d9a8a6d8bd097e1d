//! The module's section of `phpinfo()` and `php --ri`.

use super::class::c_string;
use super::ffi;

/// A table in the section; it ends when this is dropped.
pub struct Info(());

impl Info {
    /// Prints the start of the table.
    pub(super) fn new() -> Self {
        // SAFETY: called from the module's info function, where PHP's output is set up.
        unsafe { ffi::php_info_print_table_start() };
        Info(())
    }

    /// Prints a row.
    pub fn row(&mut self, name: &str, value: &str) {
        // SAFETY: the count of 2 matches the two C strings, which have static lifetime.
        unsafe { ffi::php_info_print_table_row(2, c_string(name), c_string(value)) };
    }
}

impl Drop for Info {
    fn drop(&mut self) {
        // SAFETY: `new` has started the table, and the value is dropped once.
        unsafe { ffi::php_info_print_table_end() };
    }
}
