//! Files that hold secrets or trust: where they are, who may read them, how they are replaced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use data_encoding::{BASE64, HEXLOWER};
use etcetera::BaseStrategy;
use zeroize::Zeroizing;

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no home directory to put files in.
    #[error("cannot tell where your files are: HOME is not set")]
    NoHome,
    /// The system refused.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// `read`, `write`, `create` or `lock`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Other users may read or write a file that holds secrets.
    #[error(
        "{} can be read or changed by other users (mode {mode:04o}); run: chmod 600 {}",
        .path.display(),
        .path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More bytes than any such file has reason to hold.
    #[error("{} is longer than {limit} bytes", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
    /// The system has no random numbers for us.
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// `$XDG_DATA_HOME/panto`: the server's key, the known hosts.
pub fn data_dir() -> Result<PathBuf, FileError> {
    Ok(etcetera::choose_base_strategy().map_err(|_| FileError::NoHome)?.data_dir().join("panto"))
}

/// `$XDG_CONFIG_HOME/panto`: the password file.
pub fn config_dir() -> Result<PathBuf, FileError> {
    Ok(etcetera::choose_base_strategy().map_err(|_| FileError::NoHome)?.config_dir().join("panto"))
}

/// `$XDG_CACHE_HOME/panto`: what may be lost.
pub fn cache_dir() -> Result<PathBuf, FileError> {
    Ok(etcetera::choose_base_strategy().map_err(|_| FileError::NoHome)?.cache_dir().join("panto"))
}

/// Adds action and path to an error of the system.
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], FileError> {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).map_err(|_| FileError::NoRandom)?;
    Ok(out)
}

/// Makes a directory and what it lies in, readable by the owner alone. One that exists is left as it is.
pub fn create_private_dir(dir: &Path) -> Result<(), FileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io_error("create", dir))
}

/// Reads a file of at most `limit` bytes; `None` if there is none.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let Some(file) = open_existing(path)? else { return Ok(None) };
    read_open(&file, path, limit).map(Some)
}

/// As [`read_bounded`], and refuses a file that other users may read or write.
pub fn read_private(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let Some(file) = open_existing(path)? else { return Ok(None) };
    // Of the open file, so that it cannot be exchanged between the check and the reading.
    let metadata = file.metadata().map_err(io_error("read", path))?;
    if metadata.is_dir() {
        return Err(io_error("read", path)(io::ErrorKind::IsADirectory.into()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::TooOpen { path: path.to_owned(), mode });
    }
    read_open(&file, path, limit).map(Some)
}

/// Reads an open file from where it stands.
pub(crate) fn read_open(file: &File, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

fn open_existing(path: &Path) -> Result<Option<File>, FileError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(io_error("read", path)(err)),
    }
}

/// Replaces a file whole, or leaves it as it was. Mode 0600.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = write_temporary(path, bytes)?;
    fs::rename(&temporary, path).map_err(|err| discard(&temporary, path, err))?;
    sync_parent(path)
}

/// Writes a new file whole; `false` and nothing done if there is one already. Mode 0600.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    let temporary = write_temporary(path, bytes)?;
    // Unlike a rename, a link never replaces what another process put there meanwhile.
    match fs::hard_link(&temporary, path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(&temporary);
            Ok(false)
        }
        Err(err) => Err(discard(&temporary, path, err)),
        Ok(()) => {
            let _ = fs::remove_file(&temporary);
            sync_parent(path)?;
            Ok(true)
        }
    }
}

/// PEM (RFC 7468, section 2): base64 in lines of 64.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        out.extend(line.iter().map(|&b| char::from(b)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Locks a directory against other users of this function, until the result is dropped.
pub(crate) fn lock_dir(dir: &Path) -> Result<File, FileError> {
    let file = File::open(dir).map_err(io_error("lock", dir))?;
    file.lock().map_err(io_error("lock", dir))?;
    Ok(file)
}

fn write_temporary(path: &Path, bytes: &[u8]) -> Result<PathBuf, FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", HEXLOWER.encode(&random::<8>()?)));
    let temporary = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(io_error("create", &temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|err| discard(&temporary, path, err))?;
    Ok(temporary)
}

fn discard(temporary: &Path, path: &Path, err: io::Error) -> FileError {
    let _ = fs::remove_file(temporary);
    io_error("write", path)(err)
}

/// Makes a rename last through a power cut.
fn sync_parent(path: &Path) -> Result<(), FileError> {
    let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) else { return Ok(()) };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replaces_whole_and_leaves_no_rubbish() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file");
        create_private_dir(path.parent().unwrap()).unwrap();
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert!(create_private(&path, b"one").unwrap());
        assert!(!create_private(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace_private(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn reading_is_bounded_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert!(read_private(&path, 3).unwrap().is_none());
        replace_private(&path, b"four").unwrap();
        assert!(matches!(read_private(&path, 3), Err(FileError::TooLong { limit: 3, .. })));
        assert_eq!(read_private(&path, 4).unwrap().unwrap().as_slice(), b"four");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let said = read_private(&path, 4).unwrap_err().to_string();
        assert!(said.contains("0640") && said.contains("chmod 600"), "{said}");
        assert!(read_bounded(&path, 4).unwrap().is_some());
    }
}
