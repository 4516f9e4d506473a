//! Ways into the readers of files for fuzz targets: bytes in, nothing out. What they must not do is panic.

use crate::accounts;
use crate::config::Settings;

/// A configuration file, and what is printed of it: that is read as the same settings.
pub fn configuration(bytes: &[u8]) {
    let mut settings = Settings::default();
    if settings.take_text(bytes).is_ok() {
        let mut again = Settings::default();
        assert!(again.take_text(settings.print().as_bytes()).is_ok(), "what is printed is read");
        assert_eq!(again, settings, "a setting changes when it is written down");
    }
}

/// The file of password verifiers.
pub fn accounts(bytes: &[u8]) {
    let _ = accounts::parse(bytes);
}
