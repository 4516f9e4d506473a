//! Files that are nobody else's to read: data, password verifiers, keys, logs, what statements put aside.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rutile_kv_env::Disk;

use crate::error::{Error, Result};

/// What this process is: Linux shows it as the owner of its own entry.
fn own_user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|own| own.uid())
}

pub(crate) fn keep_directory(data_dir: &Path) -> Result<()> {
    let owner_only = Permissions::from_mode(0o700);
    std::fs::set_permissions(data_dir, owner_only)
        .map_err(|source| Error::Io { what: "rights of the data directory", source })
}

/// A link that somebody else has put where the data should be would have us write where he likes.
pub(crate) fn refuse_strange_link(path: &Path) -> Result<()> {
    let Ok(link) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if link.is_symlink() && own_user().is_some_and(|own| own != link.uid()) {
        return Err(Error::StrangeLink { path: path.to_owned() });
    }
    Ok(())
}

/// What an earlier process has left in it is nobody's.
pub(crate) fn empty_directory(disk: &dyn Disk, path: PathBuf) -> Result<PathBuf> {
    let emptied = if disk.exists(&path) { disk.remove_dir_all(&path) } else { Ok(()) };
    emptied
        .and_then(|()| disk.create_dir_all(&path))
        .map_err(|source| Error::Io { what: "directory of temporary files", source })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_our_own_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("data"), folder.path().join("link"));
        std::fs::create_dir(&target).expect("made");
        std::os::unix::fs::symlink(&target, &link).expect("made");
        refuse_strange_link(&link).expect("ours");
        refuse_strange_link(&folder.path().join("none yet")).expect("nothing there");
        keep_directory(&link).expect("ours");
        let mode = std::fs::metadata(&target).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        // Only root can make a link somebody else's.
        if own_user() == Some(0) {
            std::os::unix::fs::lchown(&link, Some(65_534), None).expect("root may");
            let error = refuse_strange_link(&link).expect_err("somebody else's").to_string();
            assert!(error.contains("link"), "{error}");
        }
    }
}
