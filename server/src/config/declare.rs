//! `settings!`: one declaration from which the struct, its defaults, its checks, the flags and the reference follow.

use super::setting::Written;

/// When a changed setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At a reload (SIGHUP).
    Live,
    /// At the next start.
    Restart,
}

/// One setting with its present value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: &'static str,
    /// Its documentation, a line each.
    pub(crate) doc: &'static [&'static str],
    pub(crate) form: &'static str,
    /// Lowest and highest value, as they are written.
    pub(crate) bounds: Option<(String, String)>,
    pub(crate) when: When,
    /// The flag of `rutile start` that sets it.
    pub(crate) flag: Option<&'static str>,
    /// As behind a flag.
    pub(crate) text: String,
    /// Whether TOML wants quotes around it.
    pub(crate) quoted: bool,
}

/// The settings of one owner: a table of the file.
pub(crate) trait Section {
    fn name(&self) -> &'static str;

    fn doc(&self) -> &'static [&'static str];

    fn entries(&self) -> Vec<Entry>;

    /// Changes one setting; the error says what is wrong with the value. `None` for a key of no setting.
    fn set(&mut self, key: &str, written: Written<'_>) -> Option<Result<(), String>>;
}

/// Declares the settings of one owner:
///
/// ```text
/// settings! {
///     /// What the table is about.
///     LogSettings in "log" {
///         /// What the setting does.
///         level: String = "info".to_owned(), live, flag "log-level";
///         size: Bytes = Bytes(1 << 20), [1_024 to 1_073_741_824], restart;
///     }
/// }
/// ```
/// Bounds are in the unit of [`super::Setting::magnitude`].
macro_rules! settings {
    (
        $(#[doc = $section_doc:literal])+
        $name:ident in $section:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $ty:ty = $default:expr,
                $([$min:literal to $max:literal],)?
                $when:ident $(, flag $flag:literal)?;
            )+
        }
    ) => {
        $(#[doc = $section_doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name {
            $($(#[doc = $doc])+ pub(crate) $field: $ty,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $crate::config::Section for $name {
            fn name(&self) -> &'static str {
                $section
            }

            fn doc(&self) -> &'static [&'static str] {
                &[$($section_doc),+]
            }

            fn entries(&self) -> Vec<$crate::config::Entry> {
                use $crate::config::Setting;
                vec![$($crate::config::Entry {
                    key: stringify!($field),
                    doc: &[$($doc),+],
                    form: <$ty as Setting>::FORM,
                    bounds: settings!(@bounds $ty $(, $min, $max)?),
                    when: settings!(@when $when),
                    flag: settings!(@flag $($flag)?),
                    text: self.$field.text(),
                    quoted: <$ty as Setting>::QUOTED,
                },)+]
            }

            fn set(
                &mut self,
                key: &str,
                written: $crate::config::Written<'_>,
            ) -> Option<Result<(), String>> {
                use $crate::config::Setting;
                Some(match key {
                    $(stringify!($field) => <$ty as Setting>::parse(written).and_then(|value| {
                        settings!(@check value, $ty $(, $min, $max)?)?;
                        self.$field = value;
                        Ok(())
                    }),)+
                    _ => return None,
                })
            }
        }
    };
    (@bounds $ty:ty) => { None };
    (@bounds $ty:ty, $min:literal, $max:literal) => {
        Some((<$ty as Setting>::bound($min), <$ty as Setting>::bound($max)))
    };
    (@check $value:ident, $ty:ty) => { Ok::<(), String>(()) };
    (@check $value:ident, $ty:ty, $min:literal, $max:literal) => {
        if ($min..=$max).contains(&$value.magnitude()) {
            Ok(())
        } else {
            let (min, max) = (<$ty as Setting>::bound($min), <$ty as Setting>::bound($max));
            Err(format!("{} is not from {min} to {max}", $value.text()))
        }
    };
    (@when live) => { $crate::config::When::Live };
    (@when restart) => { $crate::config::When::Restart };
    (@flag) => { None };
    (@flag $flag:literal) => { Some($flag) };
}

pub(crate) use settings;
