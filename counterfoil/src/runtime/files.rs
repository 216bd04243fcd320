//! Writing files so that a reader, or a crash at any moment, sees the old content or the new and never a part.
//! The new content is made beside the target under a name nobody else may have taken (`create_new` follows no
//! link that the unprivileged owner of a directory might have planted), synced, and renamed over it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::account::Account;
use super::error::RuntimeError;

/// Replaces `path` with `content`, with exactly this mode and owner.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32, owner: Account) -> Result<(), RuntimeError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    match fs::remove_file(beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(RuntimeError::file("remove", beside)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(beside)
        .map_err(RuntimeError::file("create", beside))?;
    file.set_permissions(fs::Permissions::from_mode(mode))
        .and_then(|()| owner.own_file(&file))
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all())
        .map_err(RuntimeError::file("write", beside))?;
    rename(beside, path)
}

/// Replaces a file that others may have to read as well: owner and group stay whoever they are, and so does its mode,
/// but for everybody else. A link stays one: what it leads to is replaced.
pub(super) fn replace_in_place(path: &Path, content: &[u8]) -> Result<(), RuntimeError> {
    let path = path.canonicalize().map_err(RuntimeError::file("find", path))?;
    let before = fs::metadata(&path).map_err(RuntimeError::file("read", &path))?;
    let (uid, gid) = (before.uid(), before.gid());
    let ours = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let owner = if (uid, gid) == ours { Account::Ours } else { Account::Other { uid, gid } };
    replace(&path, content, before.mode() & 0o770, owner)
}

/// Renames and makes the new name durable.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), RuntimeError> {
    fs::rename(from, to).map_err(RuntimeError::file("rename to", to))?;
    match to.parent() {
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// A directory with exactly this mode and owner; one that is already there is left as it is. Whoever finds it finds it
/// with both, also after a crash in here.
pub(super) fn directory(path: &Path, mode: u32, owner: Account) -> Result<(), RuntimeError> {
    if path.exists() {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    match fs::remove_dir(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(RuntimeError::file("remove", beside)(error));
        }
        _ => {}
    }
    fs::DirBuilder::new()
        .mode(mode)
        .create(&beside)
        .and_then(|()| fs::set_permissions(&beside, fs::Permissions::from_mode(mode)))
        .and_then(|()| owner.own_path(&beside))
        .map_err(RuntimeError::file("create", &beside))?;
    fs::rename(&beside, path).map_err(RuntimeError::file("create", path))
}

fn sync_directory(path: &Path) -> Result<(), RuntimeError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(RuntimeError::file("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_content_and_the_asked_mode() {
        let dir = std::env::temp_dir().join(format!("counterfoil-files-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("secret.json");
        fs::write(dir.join("secret.json.new"), "left by a crash").unwrap();
        replace(&path, b"old", 0o600, Account::Ours).unwrap();
        replace(&path, b"new", 0o600, Account::Ours).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!dir.join("secret.json.new").exists());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_directory_is_made_whatever_a_crash_left_and_one_that_is_there_stays() {
        let dir = std::env::temp_dir().join(format!("counterfoil-directory-{}", std::process::id()));
        fs::create_dir_all(dir.join("run.new")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = dir.join("run");
        directory(&path, 0o700, Account::Ours).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert!(!dir.join("run.new").exists());
        fs::write(path.join("socket"), "").unwrap();
        directory(&path, 0o711, Account::Ours).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert!(path.join("socket").exists());
        directory(&dir.join("with/"), 0o700, Account::Ours).unwrap();
        assert!(dir.join("with").is_dir());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_file_replaced_in_place_keeps_its_readers_and_its_link() {
        let dir = std::env::temp_dir().join(format!("counterfoil-in-place-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (path, link) = (dir.join("keys.json"), dir.join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace_in_place(&link, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::remove_dir_all(&dir).unwrap();
    }
}
