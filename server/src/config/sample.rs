//! The configuration as TOML: with what each setting means, or just the effective values.

use std::fmt::Write as _;

use super::declare::{Entry, When};
use super::settings::Settings;

impl Settings {
    /// The sample file: every setting with its default, commented out.
    #[cfg(test)]
    pub(super) fn sample() -> String {
        let mut text = String::from(
            "# Configuration of `rutile start --config FILE`. Every setting is here with its default, commented out.\n\
             # Flags win over this file. `live` settings follow a SIGHUP, the others the next start.\n",
        );
        for section in Self::default().sections() {
            text.push('\n');
            for line in section.doc() {
                let _ = writeln!(text, "#{line}");
            }
            let _ = writeln!(text, "[{}]", section.name());
            for entry in section.entries() {
                text.push('\n');
                for line in entry.doc {
                    let _ = writeln!(text, "#{line}");
                }
                let flag = entry.flag.map(|flag| format!("; --{flag}")).unwrap_or_default();
                let _ = writeln!(text, "# {}{flag}.\n#{} = {}", facts(&entry), entry.key, literal(&entry));
            }
        }
        text
    }

    /// The effective values, as a file that would set them.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        for section in self.sections() {
            // Writing to a String does not fail.
            for line in section.doc() {
                let _ = writeln!(text, "#{line}");
            }
            let _ = writeln!(text, "[{}]", section.name());
            for entry in section.entries() {
                let _ = writeln!(text, "{} = {}", entry.key, literal(&entry));
            }
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// `A whole number, 1 to 100000; live`
pub(crate) fn facts(entry: &Entry) -> String {
    let mut text = entry.form.to_owned();
    if let Some((min, max)) = &entry.bounds {
        let _ = write!(text, ", {min} to {max}");
    }
    text.push_str(match entry.when {
        When::Live => "; live",
        When::Restart => "; restart",
    });
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

fn literal(entry: &Entry) -> String {
    if entry.quoted { serde_json::Value::from(entry.text.as_str()).to_string() } else { entry.text.clone() }
}
