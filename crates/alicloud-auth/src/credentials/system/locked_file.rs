//! Putting another text in the place of a file that other programs write too, as Alibaba Cloud's tools do: the CLI writes a
//! temporary file beside it and renames that, and the SDKs lock the file meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;

use super::files::read_open_file;
use super::{FileText, LockedFile};

const RETRY_INTERVAL: Duration = Duration::from_millis(50);

pub(super) struct SystemLockedFile {
    text: SecretString,
    target: PathBuf,
    /// What is written into it takes the place of the target. Made beforehand, so that a folder that cannot be written
    /// to is noticed in time. Removed on drop.
    replacement: NamedTempFile,
    lock: File,
}

impl SystemLockedFile {
    /// Blocks the thread, for as long as `patience` where somebody else has the file.
    pub(super) fn lock(path: &Path, patience: Duration) -> io::Result<Self> {
        let give_up_at = Instant::now() + patience;
        loop {
            // A symbolic link stays one.
            let target = fs::canonicalize(path)?;
            match Self::try_lock(target) {
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < give_up_at =>
                {
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let reason =
                        format!("another program has locked it for {} s", patience.as_secs());
                    return Err(io::Error::new(error.kind(), reason));
                }
                finished => return finished,
            }
        }
    }

    fn try_lock(target: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        }
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            // FILE_SHARE_READ: others may look, and not open it for writing.
            options.share_mode(1);
        }
        let lock = options.open(&target).map_err(busy)?;
        lock_exclusively(&lock)?;
        if was_replaced(&lock, &target)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let FileText { text, .. } = read_open_file(&lock)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let replacement = tempfile::Builder::new()
            .prefix(".config.tmp-")
            .tempfile_in(folder)?;
        keep_owner(&lock, replacement.as_file())?;
        Ok(Self {
            text,
            target,
            replacement,
            lock,
        })
    }

    fn write(mut self, text: &SecretString) -> io::Result<()> {
        // The CLI does not lock it. What it has written meanwhile must not be lost.
        let present = read_open_file(&File::open(&self.target)?)?.text;
        if present.expose_secret() != self.text.expose_secret() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.replacement
            .write_all(text.expose_secret().as_bytes())?;
        self.replacement.as_file().sync_all()?;
        if cfg!(windows) {
            // There, an open file keeps its name.
            drop(self.lock);
        }
        self.replacement.persist(&self.target)?;
        Ok(())
    }
}

#[async_trait]
impl LockedFile for SystemLockedFile {
    fn text(&self) -> &SecretString {
        &self.text
    }

    async fn replace(self: Box<Self>, text: SecretString) -> io::Result<()> {
        let writing = tokio::task::spawn_blocking(move || self.write(&text));
        writing.await.map_err(io::Error::other)?
    }
}

#[cfg(unix)]
fn lock_exclusively(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};

    Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// There, it was opened so that nobody else can write to it.
#[cfg(not(unix))]
fn lock_exclusively(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(windows)]
fn busy(error: io::Error) -> io::Error {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    match error.raw_os_error() {
        Some(ERROR_SHARING_VIOLATION) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}

#[cfg(not(windows))]
fn busy(error: io::Error) -> io::Error {
    error
}

/// Whether the name means another file by now: who had the lock before has put it there.
#[cfg(unix)]
fn was_replaced(file: &File, target: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (held, named) = (file.metadata()?, fs::metadata(target)?);
    Ok((held.dev(), held.ino()) != (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn was_replaced(_file: &File, _target: &Path) -> io::Result<bool> {
    Ok(false)
}

/// A file that belongs to another user, as under `sudo`, must go on belonging to them.
#[cfg(unix)]
fn keep_owner(from: &File, to: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (wanted, present) = (from.metadata()?, to.metadata()?);
    if wanted.uid() == present.uid() {
        return Ok(());
    }
    fchown(to, Some(wanted.uid()), Some(wanted.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_from: &File, _to: &File) -> io::Result<()> {
    Ok(())
}
