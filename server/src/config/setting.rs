//! The types of settings.

use std::path::PathBuf;
use std::time::Duration;

/// A value as somebody wrote it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Written<'a> {
    /// Behind a flag, where everything is text.
    Flag(&'a str),
    /// A TOML string.
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
    /// Any other TOML value, by the name of its type.
    Other(&'static str),
}

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// What to write, for messages and the sample file.
    const FORM: &'static str;

    fn parse(written: Written<'_>) -> Result<Self, String>;

    /// As behind a flag.
    fn text(&self) -> String;

    /// Whether TOML wants quotes around it.
    const QUOTED: bool;

    /// What bounds are compared with.
    fn magnitude(&self) -> u64 {
        0
    }

    /// A bound as a value of this type is written.
    fn bound(magnitude: u64) -> String {
        magnitude.to_string()
    }
}

fn wrong<T>(form: &str, written: Written<'_>) -> Result<T, String> {
    Err(match written {
        Written::Flag(text) | Written::Text(text) => format!("{text:?} is not {form}"),
        Written::Integer(number) => format!("{number} is not {form}"),
        Written::Boolean(_) => format!("expected {form}, found boolean"),
        Written::Other(kind) => format!("expected {form}, found {kind}"),
    })
}

macro_rules! whole_numbers {
    ($($ty:ty),+) => {
        $(impl Setting for $ty {
            const FORM: &'static str = "a whole number";
            const QUOTED: bool = false;

            fn parse(written: Written<'_>) -> Result<Self, String> {
                let number = match written {
                    Written::Flag(text) => text.parse().ok(),
                    Written::Integer(number) => number.try_into().ok(),
                    Written::Text(_) | Written::Boolean(_) | Written::Other(_) => None,
                };
                number.map_or_else(|| wrong(Self::FORM, written), Ok)
            }

            fn text(&self) -> String {
                self.to_string()
            }

            fn magnitude(&self) -> u64 {
                u64::from(*self)
            }
        })+
    };
}

whole_numbers!(u16, u32);

/// A size of memory or of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) usize);

impl Setting for Bytes {
    const FORM: &'static str = "a size such as 512MiB or 4GiB";
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        match written {
            Written::Flag(text) | Written::Text(text) => parse_bytes(text).map(Self),
            Written::Integer(number) => {
                usize::try_from(number).map_or_else(|_| wrong(Self::FORM, written), |bytes| Ok(Self(bytes)))
            }
            Written::Boolean(_) | Written::Other(_) => wrong(Self::FORM, written),
        }
    }

    fn text(&self) -> String {
        Self::bound(self.magnitude())
    }

    fn magnitude(&self) -> u64 {
        self.0 as u64
    }

    fn bound(magnitude: u64) -> String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if magnitude >= 1 << shift && magnitude.is_multiple_of(1 << shift) {
                return format!("{}{unit}", magnitude >> shift);
            }
        }
        magnitude.to_string()
    }
}

/// `512MiB`, `4G`, `1000000`. Decimal and binary suffixes are both binary, as in MySQL's option files.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        other => return Err(format!("`{other}` is no unit; use KiB, MiB, GiB")),
    };
    let number: usize = digits.parse().map_err(|_| format!("{text:?} is not a number of bytes"))?;
    Ok(number.checked_mul(1 << shift).ok_or("more than this machine can address")?)
}

impl Setting for Duration {
    const FORM: &'static str = "a time such as 500ms, 10s, 5m or 1h";
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        let (Written::Flag(text) | Written::Text(text)) = written else {
            return wrong(Self::FORM, written);
        };
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(unit_at);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            _ => return wrong(Self::FORM, written),
        };
        let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
        number.map_or_else(|| wrong(Self::FORM, written), |millis| Ok(Self::from_millis(millis)))
    }

    fn text(&self) -> String {
        Self::bound(self.magnitude())
    }

    fn magnitude(&self) -> u64 {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX)
    }

    fn bound(magnitude: u64) -> String {
        for (millis, unit) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
            if magnitude >= millis && magnitude.is_multiple_of(millis) {
                return format!("{}{unit}", magnitude / millis);
            }
        }
        format!("{magnitude}ms")
    }
}

impl Setting for bool {
    const FORM: &'static str = "true or false";
    const QUOTED: bool = false;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        match written {
            Written::Boolean(answer) => Ok(answer),
            Written::Flag("true") => Ok(true),
            Written::Flag("false") => Ok(false),
            _ => wrong(Self::FORM, written),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    const FORM: &'static str = "a text";
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        match written {
            Written::Flag(text) | Written::Text(text) => Ok(text.to_owned()),
            Written::Integer(_) | Written::Boolean(_) | Written::Other(_) => wrong(Self::FORM, written),
        }
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl Setting for PathBuf {
    const FORM: &'static str = "a path";
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        match String::parse(written) {
            Ok(text) if !text.is_empty() => Ok(Self::from(text)),
            _ => wrong(Self::FORM, written),
        }
    }

    fn text(&self) -> String {
        self.display().to_string()
    }
}

/// A path that need not be given; in the file an empty text says so.
impl Setting for Option<PathBuf> {
    const FORM: &'static str = "a path, or nothing";
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        match String::parse(written) {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => Ok(Some(PathBuf::from(text))),
            Err(_) => wrong(Self::FORM, written),
        }
    }

    fn text(&self) -> String {
        self.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }
}

/// A setting with a few named values.
pub(crate) trait Choice: Copy + PartialEq + 'static {
    const FORM: &'static str;
    const NAMES: &'static [(&'static str, Self)];
}

impl<T: Choice> Setting for T {
    const FORM: &'static str = <T as Choice>::FORM;
    const QUOTED: bool = true;

    fn parse(written: Written<'_>) -> Result<Self, String> {
        let (Written::Flag(text) | Written::Text(text)) = written else {
            return wrong(<T as Choice>::FORM, written);
        };
        let found = T::NAMES.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        found.map_or_else(|| wrong(<T as Choice>::FORM, written), Ok)
    }

    fn text(&self) -> String {
        let name = T::NAMES.iter().find(|(_, value)| value == self).map(|(name, _)| *name);
        name.unwrap_or_default().to_owned()
    }
}
