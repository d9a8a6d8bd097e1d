//! Types and ranges of settings.

use super::value::Value;
use crate::error::{Error, Result};
use std::fmt;

/// The type of a setting, with its range.
///
/// ```
/// let backlog = swoosh::config::find("tcp_keepcount").unwrap();
/// assert_eq!(backlog.kind.to_string(), "int, 0 to 127 (probes)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A truth value.
    Bool,
    /// A whole number.
    Int {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: Max,
        /// The unit that the message of an error names.
        unit: &'static str,
    },
    /// Seconds, with a fraction down to a millisecond.
    Seconds {
        /// The least value, seconds.
        min: i64,
        /// The greatest value, seconds.
        max: i64,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A string of that many bytes.
    Bytes {
        /// The least length.
        min: usize,
        /// The greatest length.
        max: usize,
    },
    /// A string.
    Text,
    /// A path of a file or directory.
    Path,
    /// A list of strings.
    Strings,
    /// Folders: true for the current one, a path or a list of paths.
    Folders,
    /// A list of whole numbers.
    Numbers,
    /// Values by name.
    Map,
    /// A list of objects of the front end's language.
    Objects,
    /// A function; the text describes its arguments and result.
    Function(&'static str),
}

/// The greatest value of a whole number.
///
/// ```
/// assert_eq!(swoosh::config::Max::Fixed(7).get(), 7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Max {
    /// A value that does not depend on the machine.
    Fixed(i64),
    /// So many for each core of the machine.
    PerCore(i64),
}

impl Max {
    /// The value on this machine.
    pub fn get(self) -> i64 {
        match self {
            Max::Fixed(max) => max,
            Max::PerCore(each) => each * std::thread::available_parallelism().map_or(1, |cores| cores.get() as i64),
        }
    }
}

impl Kind {
    /// A whole number up to a fixed maximum.
    pub(super) const fn int(min: i64, max: i64, unit: &'static str) -> Self {
        Kind::Int { min, max: Max::Fixed(max), unit }
    }

    /// The least and the greatest number.
    pub(super) fn bounds(&self) -> (i64, i64) {
        match *self {
            Kind::Int { min, max, .. } => (min, max.get()),
            Kind::Seconds { min, max } => (min, max),
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// The values that a setting of this kind takes, for the message of an error.
    pub(super) fn expected(&self) -> String {
        match *self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Int { min, max, unit } => format!("a whole number from {min} to {} ({unit})", max.get()),
            Kind::Seconds { min, max } => format!("a number from {min} to {max} (seconds)"),
            Kind::OneOf(words) => words.join(" or "),
            Kind::Bytes { min, max } => format!("{min} to {max} bytes"),
            Kind::Text => "a string in UTF-8".to_owned(),
            Kind::Path => "a path, which has no NUL byte".to_owned(),
            Kind::Strings => "a list of strings".to_owned(),
            Kind::Folders => "true, a folder or a list of folders".to_owned(),
            Kind::Numbers => "a list of whole numbers from 0".to_owned(),
            Kind::Map => "values by name".to_owned(),
            Kind::Objects => "a list of objects".to_owned(),
            Kind::Function(signature) => signature.to_owned(),
        }
    }

    /// Checks the type of a value that is not null, but not its range.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not of this type and no conversion makes it so.
    pub(super) fn check_type(&self, name: &str, value: &Value) -> Result<()> {
        let is_list = matches!(value, Value::List(_) | Value::Map(_));
        let fits = match *self {
            Kind::Int { .. } => value.whole_number().is_some(),
            Kind::Seconds { .. } => value.real_number().is_some_and(f64::is_finite),
            Kind::OneOf(_) | Kind::Bytes { .. } | Kind::Text | Kind::Path => !is_list,
            // `false` and an empty string are an empty list.
            Kind::Strings | Kind::Map => is_list || !value.to_bool(),
            Kind::Bool | Kind::Folders | Kind::Numbers | Kind::Objects | Kind::Function(_) => true,
        };
        if fits { Ok(()) } else { Err(refusal(name, value, self.expected())) }
    }

    /// Checks type and range of a value that is not null.
    ///
    /// # Errors
    /// [`Error::Setting`] if a setting of this kind does not take it.
    pub(super) fn check_value(&self, name: &str, value: &Value) -> Result<()> {
        self.check_type(name, value)?;
        let (min, max) = self.bounds();
        let fits = match *self {
            Kind::Int { .. } => value.whole_number().is_some_and(|number| (min..=max).contains(&number)),
            Kind::Seconds { .. } => value.real_number().is_some_and(|n| (min as f64..=max as f64).contains(&n)),
            Kind::OneOf(words) => value.bytes().is_some_and(|given| words.iter().any(|word| word.as_bytes() == given)),
            Kind::Path => value.bytes().is_none_or(|path| !path.contains(&0)),
            _ => true,
        };
        if fits { Ok(()) } else { Err(refusal(name, value, self.expected())) }
    }

    /// Checks a number against the range.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is out of range.
    pub(super) fn check(&self, name: &str, number: u64) -> Result<()> {
        let (min, max) = match *self {
            // The field of such a setting holds whole seconds.
            Kind::Seconds { min, max } => return Kind::int(min, max, "seconds").check(name, number),
            _ => self.bounds(),
        };
        match i64::try_from(number) {
            Ok(value) if (min..=max).contains(&value) => Ok(()),
            _ => Err(refusal(name, number, self.expected())),
        }
    }
}

impl fmt::Display for Kind {
    /// The type and range as `docs/SETTINGS.md` shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::Bool => f.write_str("bool"),
            Kind::Int { min: i64::MIN, max: Max::Fixed(i64::MAX), .. } => f.write_str("int"),
            Kind::Int { min, max: Max::Fixed(max), unit } => write!(f, "int, {min} to {max} ({unit})"),
            Kind::Int { min, max: Max::PerCore(each), unit } => {
                write!(f, "int, {min} to {each} for each core ({})", unit.split(':').next().unwrap_or(unit))
            }
            Kind::Seconds { min, max } => write!(f, "seconds, {min} to {max}, with fractions"),
            Kind::OneOf(words) => write!(f, "`{}`", words.join("` or `")),
            Kind::Bytes { min, max } => write!(f, "string, {min} to {max} bytes"),
            Kind::Text => f.write_str("string"),
            Kind::Path => f.write_str("path"),
            Kind::Strings => f.write_str("list of strings"),
            Kind::Folders => f.write_str("true, folder or list of folders"),
            Kind::Numbers => f.write_str("list of int"),
            Kind::Map => f.write_str("map"),
            Kind::Objects => f.write_str("list of objects"),
            Kind::Function(_) => f.write_str("function"),
        }
    }
}

/// The error of a value that a setting does not take.
pub(super) fn refusal(name: &str, value: impl fmt::Display, expected: impl Into<String>) -> Error {
    Error::Setting { name: name.to_owned(), value: value.to_string(), expected: expected.into() }
}

/// `expected` of a value that is no string at all.
pub(super) const A_STRING: &str = "a string";

/// The values of the integer kinds' bounds.
pub(super) const U32_MAX: i64 = u32::MAX as i64;
/// As [`U32_MAX`].
pub(super) const I32_MAX: i64 = i32::MAX as i64;

impl Value {
    /// A whole number from 0 to 2^32 - 1.
    pub(super) fn small_number(&self) -> Option<u32> {
        self.whole_number().and_then(|number| u32::try_from(number).ok())
    }
}
