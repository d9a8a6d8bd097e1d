//! Values of a dynamic language, and their conversion to numbers and truth values by PHP's rules.

use super::types::DispatchFunc;
use std::fmt;
use swoosh_proto::framing::LengthFunc;

/// A setting's value in a dynamic language.
///
/// ```
/// use swoosh::config::Value;
///
/// assert_eq!(Value::from("8").whole_number(), Some(8));
/// assert_eq!(Value::from("8M").whole_number(), Some(8 << 20));
/// assert!(!Value::from("0").to_bool());
/// ```
#[derive(Clone)]
pub enum Value {
    /// The setting is treated as if it were not given.
    Null,
    /// As a number: 1 or 0.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// As a whole number: truncated.
    Float(f64),
    /// Bytes. As a number: the number they spell; as a truth value: false if empty or `0`.
    Str(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(Vec<(String, Value)>),
    /// A function.
    Func(Callback),
}

/// A function of user code, wrapped by the front end for the setting that it belongs to.
#[derive(Clone)]
pub enum Callback {
    /// For `dispatch_func`.
    Dispatch(DispatchFunc),
    /// For `package_length_func`.
    Length(LengthFunc),
}

impl Value {
    /// The truth value, as PHP converts it.
    pub fn to_bool(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(value) => !matches!(value.as_slice(), b"" | b"0"),
            Value::List(values) => !values.is_empty(),
            Value::Map(values) => !values.is_empty(),
            Value::Func(_) => true,
        }
    }

    /// The whole number; `None` where the value is not numeric or does not fit an `i64`.
    pub fn whole_number(&self) -> Option<i64> {
        match self {
            Value::Null => Some(0),
            Value::Bool(value) => Some((*value).into()),
            Value::Int(value) => Some(*value),
            Value::Float(value) => truncate(*value),
            Value::Str(bytes) => {
                let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
                // Rust also reads `inf` and `nan`, which PHP does not.
                if let Some(size) = size(text) {
                    return Some(size);
                }
                let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                if !numeric {
                    return None;
                }
                text.parse().ok().or_else(|| truncate(text.parse().ok()?))
            }
            Value::List(_) | Value::Map(_) | Value::Func(_) => None,
        }
    }

    /// Like [`whole_number`](Self::whole_number), with the fraction.
    pub fn real_number(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Str(bytes) if self.whole_number().is_some() => {
                std::str::from_utf8(bytes).ok()?.trim_ascii().parse().ok()
            }
            _ => self.whole_number().map(|number| number as f64),
        }
    }

    /// The number that PHP's cast gives: a leading number counts, anything else is 0.
    pub fn to_float(&self) -> f64 {
        match self {
            Value::Str(bytes) => leading_number(bytes),
            Value::List(_) | Value::Map(_) | Value::Func(_) => f64::from(u8::from(self.to_bool())),
            _ => self.real_number().unwrap_or(0.0),
        }
    }

    /// Like [`to_float`](Self::to_float), truncated.
    pub fn to_int(&self) -> i64 {
        self.whole_number().or_else(|| truncate(self.to_float())).unwrap_or(0)
    }

    /// The bytes of a string; `None` for any other type.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Str(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Str(text.as_bytes().to_vec())
    }
}

/// A size with a unit of php.ini: `8k`, `8m`, `8g` in powers of 1024.
fn size(text: &str) -> Option<i64> {
    let unit = text.bytes().last()?.to_ascii_lowercase();
    let shift = [(b'k', 10), (b'm', 20), (b'g', 30)].into_iter().find(|(letter, _)| *letter == unit)?.1;
    let digits = &text[..text.len() - 1];
    let number: i64 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    number.checked_mul(1 << shift)
}

fn truncate(number: f64) -> Option<i64> {
    let whole = number.trunc();
    // Both bounds are exactly representable: -2^63 and 2^63.
    (whole >= i64::MIN as f64 && whole < -(i64::MIN as f64)).then_some(whole as i64)
}

/// The number at the beginning of a text, 0 if there is none.
fn leading_number(bytes: &[u8]) -> f64 {
    let text = bytes.trim_ascii_start();
    let numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let length = text.iter().take_while(|byte| numeric(byte)).count();
    let text = std::str::from_utf8(&text[..length]).unwrap_or_default();
    (0..=length).rev().find_map(|end| text[..end].parse().ok()).unwrap_or(0.0)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Str(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Value::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(values) => {
                f.write_str("[")?;
                for (index, (name, value)) in values.iter().enumerate() {
                    write!(f, "{}{name} => {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Func(_) => f.write_str("a function"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
