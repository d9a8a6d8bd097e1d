//! Parses function signatures in PHP syntax, from which the arginfo for reflection is built:
//! `static tick(int $ms, callable $callback, mixed ...$params): int|false`.
//!
//! A last parameter `...` without a name means that the function accepts more arguments than reflection shows.

/// A parsed signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    /// The function's or method's name, with its namespace.
    pub name: String,
    /// `ZEND_ACC_*` bits of the modifiers; public by default.
    pub flags: u32,
    /// Its parameters in order.
    pub params: Vec<Param>,
    /// The number of required parameters.
    pub required: usize,
    /// The return type; empty if not declared.
    pub returns: Type,
    /// Whether it accepts more arguments than it declares.
    pub open: bool,
}

/// One parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Param {
    /// Without the dollar sign.
    pub name: String,
    /// Its type; empty if not declared.
    pub kind: Type,
    /// Passed by reference.
    pub by_ref: bool,
    /// `...$name`.
    pub variadic: bool,
    /// The default as PHP code.
    pub default: Option<String>,
}

/// A type: bits for PHP's own, names for classes (`A|B`).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Type {
    /// MAY_BE_* bits.
    pub mask: u32,
    /// Class names, joined by `|`.
    pub classes: Option<String>,
}

impl Signature {
    /// Parses a signature. Panics on a syntax error, since signatures are constants of the program.
    pub fn parse(text: &str) -> Self {
        let open_paren = text.find('(').unwrap_or_else(|| panic!("signature without `(`: {text}"));
        let close = text.rfind(')').unwrap_or_else(|| panic!("signature without `)`: {text}"));
        let mut words: Vec<&str> = text[..open_paren].split_whitespace().collect();
        let name = words.pop().unwrap_or_else(|| panic!("signature without a name: {text}")).to_owned();
        let mut flags = 0;
        for word in words {
            flags |= match word {
                "public" => 1,
                "protected" => 2,
                "private" => 4,
                "static" => 16,
                "final" => 32,
                "abstract" => 64,
                _ => panic!("unknown modifier `{word}`: {text}"),
            };
        }
        if flags & 7 == 0 {
            flags |= 1;
        }
        let returns = text[close + 1..].trim().strip_prefix(':').map(Type::parse).unwrap_or_default();
        let mut params = Vec::new();
        let mut open = false;
        for part in split(&text[open_paren + 1..close]) {
            if part == "..." {
                open = true;
            } else {
                params.push(Param::parse(part));
            }
        }
        let required = params.iter().take_while(|p| p.default.is_none() && !p.variadic).count();
        Signature { name, flags, params, required, returns, open }
    }
}

impl Param {
    fn parse(text: &str) -> Self {
        let (left, default) = match text.split_once('=') {
            Some((left, default)) => (left.trim(), Some(default.trim().to_owned())),
            None => (text, None),
        };
        let dollar = left.find('$').unwrap_or_else(|| panic!("parameter without `$`: {text}"));
        let mut kind = left[..dollar].trim();
        let variadic = kind.ends_with("...");
        kind = kind.trim_end_matches("...").trim_end();
        let by_ref = kind.ends_with('&');
        kind = kind.trim_end_matches('&').trim_end();
        Param { name: left[dollar + 1..].to_owned(), kind: Type::parse(kind), by_ref, variadic, default }
    }
}

impl Type {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let mut kind = Type::default();
        let mut classes = Vec::new();
        let bare = text.strip_prefix('?').unwrap_or(text);
        if bare.len() != text.len() {
            kind.mask |= 1 << 1;
        }
        for part in bare.split('|').filter(|part| !part.is_empty()) {
            match part {
                "null" => kind.mask |= 1 << 1,
                "false" => kind.mask |= 1 << 2,
                "bool" => kind.mask |= 1 << 2 | 1 << 3,
                "int" => kind.mask |= 1 << 4,
                "float" => kind.mask |= 1 << 5,
                "string" => kind.mask |= 1 << 6,
                "array" => kind.mask |= 1 << 7,
                "object" => kind.mask |= 1 << 8,
                "mixed" => kind.mask |= 0x3fe,
                "callable" => kind.mask |= 1 << 12,
                "void" => kind.mask |= 1 << 14,
                "static" => kind.mask |= 1 << 15,
                class => classes.push(class),
            }
        }
        if !classes.is_empty() {
            kind.classes = Some(classes.join("|"));
        }
        kind
    }
}

/// Splits a parameter list at commas outside of brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut depth, mut quote) = (Vec::new(), 0, 0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}
