//! The password that the operator gives to root.

use std::ffi::OsString;
use std::path::Path;

use rutile_kv_env::Disk;

use crate::error::{Error, Result};

/// Environment variable for places where a file is awkward; read once, never logged.
pub(crate) const VARIABLE: &str = "RUTILE_ROOT_PASSWORD";

/// The password from the file, else from the environment, else none.
pub(crate) fn given(
    disk: &dyn Disk,
    file: Option<&Path>,
    variable: Option<OsString>,
) -> Result<Option<String>> {
    let Some(path) = file else {
        return variable.map(|text| text.into_string().map_err(|_| Error::PasswordText)).transpose();
    };
    let content = disk.read(path).map_err(|source| Error::PasswordFile { path: path.to_owned(), source })?;
    let text = String::from_utf8(content).map_err(|_| Error::PasswordText)?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn the_file_wins_and_ends_at_its_first_line() {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        let path = Path::new("/secret");
        disk.write_atomic(path, b"open sesame\nnot this\n").expect("memory");
        let from_file = given(disk, Some(path), Some("other".into())).expect("readable");
        assert_eq!(from_file.as_deref(), Some("open sesame"));
        assert_eq!(given(disk, None, Some("other".into())).expect("text").as_deref(), Some("other"));
        assert_eq!(given(disk, None, None).expect("none"), None);
        assert!(given(disk, Some(Path::new("/absent")), None).is_err());
    }
}
