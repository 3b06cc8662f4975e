use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use secrecy::SecretString;

/// A configuration with hundreds of profiles takes 100 KiB, a token 20 KiB at most.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The content of a file.
pub struct FileText {
    /// The whole text, without a byte order mark.
    pub text: SecretString,
    /// Whether users other than its owner may read the file. `false` where permissions are unknown.
    pub is_readable_by_others: bool,
}

impl FileText {
    /// Reads a regular file of UTF-8 text.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        match nonblocking().read(true).open(path) {
            Ok(file) => Self::read_open(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(path, error)),
            Err(error) => Err(error),
        }
    }

    /// Reads a file that is open already.
    pub(super) fn read_open(file: &File) -> io::Result<Self> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(invalid("it is not a regular file".to_owned()));
        }
        let mut bytes = Vec::new();
        // The size in the metadata may be wrong.
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(invalid(format!(
                "it is larger than {} MiB",
                MAX_FILE_BYTES >> 20
            )));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8 text".to_owned()))?;
        Ok(Self {
            text: text.strip_prefix('\u{feff}').unwrap_or(&text).into(),
            is_readable_by_others: is_readable_by_others(&metadata),
        })
    }
}

/// Returns the error for a file that is missing. It does not count as absent where there is a link to it: its drive may not be
/// mounted.
fn missing(path: &Path, error: io::Error) -> io::Error {
    let is_dangling = |path: &&Path| path.is_symlink() && !path.exists();
    match path.ancestors().find(is_dangling) {
        Some(link) => io::Error::other(format!(
            "the target of the symbolic link {} does not exist",
            link.display()
        )),
        None => error,
    }
}

/// Returns options with which opening a FIFO does not wait for a writer, and a terminal does not become ours.
pub(super) fn nonblocking() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no such flags"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    options
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    metadata.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_metadata: &std::fs::Metadata) -> bool {
    false
}
