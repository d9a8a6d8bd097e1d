//! The notation of the table: documentation, name, aliases, kind, default and setter.

/// Defines a table of rows: `/// documentation`, then `name | alias: kind, "default" => setter;`.
macro_rules! settings {
    ($table:ident in $target:expr; $(
        $(#[doc = $doc:literal])+
        $name:ident $(| $alias:ident)*: $kind:expr, $default:literal => $setter:expr;
    )+) => {
        pub(in crate::config) const $table: &[$crate::config::setting::Setting] = &[$($crate::config::setting::Setting {
            name: stringify!($name),
            aliases: &[$(stringify!($alias)),*],
            kind: $kind,
            default: $default,
            target: $target,
            doc: concat!($($doc),+),
            setter: $setter,
        }),+];
    };
}
pub(super) use settings;
