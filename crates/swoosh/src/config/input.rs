//! One given value on its way to its field: the conversions to the field's type, checked against the setting's kind.

use super::kind::{A_STRING, Kind, refusal};
use super::value::Value;
use crate::error::Result;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// A remark for the log about a value that was changed to a possible one.
pub(super) type Note = Option<String>;

/// A value with the name it was given under and the kind of its setting.
pub(super) struct Input<'a> {
    /// The name as the user wrote it: the setting's own or an alias.
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) value: &'a Value,
}

impl Input<'_> {
    /// Stores the value, checked against the setting's kind.
    pub(super) fn store<T: FromInput>(&self, field: &mut T) -> Result<Note> {
        *field = T::from_input(self)?;
        Ok(None)
    }

    /// Like [`store`](Self::store); 0 restores the default.
    pub(super) fn store_or_default<C: Default, T: FromInput + Clone>(
        &self,
        config: &mut C,
        field: fn(&mut C) -> &mut T,
    ) -> Result<Note> {
        if self.value.whole_number() == Some(0) {
            *field(config) = field(&mut C::default()).clone();
            return Ok(None);
        }
        self.store(field(config))
    }

    /// Stores the choice whose number, counted from the kind's minimum, was given.
    pub(super) fn store_choice<T: Copy>(&self, field: &mut T, choices: &[T]) -> Result<Note> {
        let (min, _) = self.kind.bounds();
        *field = choices[self.number::<i64>()?.abs_diff(min) as usize];
        Ok(None)
    }

    pub(super) fn refused<T>(&self, expected: impl Into<String>) -> Result<T> {
        Err(refusal(self.name, self.value, expected))
    }

    /// A whole number within the kind's range.
    pub(super) fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        let (min, max) = self.kind.bounds();
        let number = self.value.whole_number().filter(|number| (min..=max).contains(number));
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.refused(self.kind.expected()),
        }
    }

    /// A whole number by PHP's cast, clamped to the kind's range, and a remark if that has changed it.
    pub(super) fn clamped(&self) -> (i64, Note) {
        let (min, max) = self.kind.bounds();
        let wanted = self.value.to_int();
        let used = wanted.clamp(min, max);
        let expected = || self.kind.expected();
        (
            used,
            (used != wanted)
                .then(|| format!("setting {}: {wanted} is out of range, {used} is used: {}", self.name, expected())),
        )
    }

    /// Seconds by PHP's cast; `None` for a time that is zero, negative or not finite, which mean no limit.
    pub(super) fn limit(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.value.to_float()).ok().filter(|limit| !limit.is_zero())
    }

    /// The bytes of a string or of a printed number.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        match printed(self.value) {
            Some(bytes) => Ok(bytes),
            None => self.refused(A_STRING),
        }
    }

    /// `None`: an empty string.
    pub(super) fn text(&self) -> Result<Option<String>> {
        let Ok(text) = String::from_utf8(self.bytes()?) else {
            return self.refused(Kind::Text.expected());
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// `None`: an empty string.
    pub(super) fn path(&self) -> Result<Option<PathBuf>> {
        let bytes = self.bytes()?;
        if bytes.contains(&0) {
            return self.refused(Kind::Path.expected());
        }
        Ok(Some(PathBuf::from(OsString::from_vec(bytes))).filter(|path| !path.as_os_str().is_empty()))
    }

    /// As [`strings`](Self::strings); bytes that are not UTF-8 are replaced.
    pub(super) fn texts(&self) -> Vec<String> {
        self.strings().iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// Folders; none for false and an empty string.
    pub(super) fn folders(&self) -> Result<Vec<PathBuf>> {
        let folders = match self.value {
            Value::Bool(true) => vec![b".".to_vec()],
            Value::List(_) | Value::Map(_) => self.strings(),
            _ => vec![self.bytes()?],
        };
        if folders.iter().any(|folder| folder.contains(&0)) {
            return self.refused(self.kind.expected());
        }
        Ok(folders
            .into_iter()
            .filter(|folder| !folder.is_empty())
            .map(|f| PathBuf::from(OsString::from_vec(f)))
            .collect())
    }

    /// The strings of a list; of anything else none.
    pub(super) fn strings(&self) -> Vec<Vec<u8>> {
        match self.value {
            Value::List(values) => values.iter().filter_map(printed).collect(),
            Value::Map(values) => values.iter().filter_map(|(_, value)| printed(value)).collect(),
            _ => Vec::new(),
        }
    }
}

fn printed(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Str(bytes) => Some(bytes.clone()),
        Value::Int(number) => Some(number.to_string().into_bytes()),
        Value::Float(number) => Some(number.to_string().into_bytes()),
        Value::Bool(true) => Some(b"1".to_vec()),
        Value::Bool(false) | Value::Null => Some(Vec::new()),
        Value::List(_) | Value::Map(_) | Value::Func(_) => None,
    }
}

/// The type of a field that settings can be stored in.
pub(super) trait FromInput: Sized {
    /// The value, if the setting takes it.
    fn from_input(input: &Input<'_>) -> Result<Self>;
}

impl FromInput for bool {
    fn from_input(input: &Input<'_>) -> Result<Self> {
        Ok(input.value.to_bool())
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl FromInput for $number {
            fn from_input(input: &Input<'_>) -> Result<Self> {
                input.number()
            }
        })*
    };
}
numbers!(u8 u32 u64 i32 i64);

/// Whole seconds of an integer kind; of [`Kind::Seconds`] with the fraction.
impl FromInput for Duration {
    fn from_input(input: &Input<'_>) -> Result<Self> {
        let Kind::Seconds { min, max } = input.kind else {
            return input.number().map(Duration::from_secs);
        };
        match input.value.real_number().filter(|number| (min as f64..=max as f64).contains(number)) {
            Some(seconds) => Ok(Duration::from_millis((seconds * 1000.0).round() as u64)),
            None => input.refused(input.kind.expected()),
        }
    }
}

impl FromInput for Option<PathBuf> {
    fn from_input(input: &Input<'_>) -> Result<Self> {
        input.path()
    }
}

impl FromInput for Option<String> {
    fn from_input(input: &Input<'_>) -> Result<Self> {
        input.text()
    }
}

/// A list of numbers; a single number is not a list.
impl FromInput for Vec<u32> {
    fn from_input(input: &Input<'_>) -> Result<Self> {
        let numbers: Option<Vec<u32>> = match input.value {
            Value::List(values) => values.iter().map(Value::small_number).collect(),
            Value::Map(values) => values.iter().map(|(_, value)| value.small_number()).collect(),
            _ => None,
        };
        numbers.map_or_else(|| input.refused(input.kind.expected()), Ok)
    }
}
