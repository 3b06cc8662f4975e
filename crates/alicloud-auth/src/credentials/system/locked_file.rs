//! Replaces a file that other programs replace too, as Alibaba Cloud's tools do: the CLI writes a temporary file next to
//! it and renames that, and the SDKs lock the file meanwhile.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
#[cfg(unix)]
use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;

use super::file_text::{FileText, nonblocking};
use super::files::on_another_thread;

const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// A locked file: until this is dropped, no program replaces it that locks it in the same way.
#[async_trait]
pub trait LockedFile: Send + Sync {
    /// Returns the whole text, without a byte order mark, as read under the lock.
    fn text(&self) -> &SecretString;

    /// Replaces the text atomically. Afterwards only its owner may read the file. [`io::ErrorKind::WouldBlock`] if a
    /// program that does not lock it has changed it meanwhile. [`io::ErrorKind::TimedOut`] after 10 s; it may still be
    /// replaced later.
    async fn replace(self: Box<Self>, text: SecretString) -> io::Result<()>;
}

/// A locked file of this machine.
pub(super) struct SystemLockedFile {
    text: SecretString,
    target: PathBuf,
    /// Replaces the target. Created in advance, so that a read-only directory is noticed in time. Removed on drop.
    replacement: NamedTempFile,
    lock: File,
}

impl SystemLockedFile {
    /// Locks and reads a file. Blocks the thread, up to `timeout` while another program has the file locked.
    pub(super) fn lock(path: &Path, timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        loop {
            // A symbolic link must remain one.
            match Self::try_lock(fs::canonicalize(path)?) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        let seconds = timeout.as_secs();
                        let reason = format!("another program has locked it for {seconds} s");
                        return Err(io::Error::new(error.kind(), reason));
                    }
                    std::thread::sleep(RETRY_INTERVAL);
                }
                finished => return finished,
            }
        }
    }

    fn try_lock(target: PathBuf) -> io::Result<Self> {
        let mut options = nonblocking();
        options.read(true).write(true);
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            // FILE_SHARE_READ: other programs may read it, but not open it for writing.
            options.share_mode(1);
        }
        let opened = options.open(&target);
        // On Windows the share mode is the lock.
        #[cfg(windows)]
        let opened = opened.map_err(busy);
        let lock = opened?;
        #[cfg(unix)]
        {
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            if was_replaced(&lock, &target)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        let FileText { text, .. } = FileText::read_open(&lock)?;
        let directory = target.parent().unwrap_or(Path::new("."));
        let replacement = tempfile::Builder::new()
            .prefix(".config.tmp-")
            .tempfile_in(directory)?;
        #[cfg(unix)]
        keep_owner(&lock, replacement.as_file())?;
        Ok(Self {
            text,
            target,
            replacement,
            lock,
        })
    }

    fn write(mut self, text: &SecretString) -> io::Result<()> {
        // The CLI does not lock the file. What it has written meanwhile must not be lost.
        let current = FileText::read_open(&File::open(&self.target)?)?.text;
        if current.expose_secret() != self.text.expose_secret() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.replacement
            .write_all(text.expose_secret().as_bytes())?;
        self.replacement.as_file().sync_all()?;
        // Windows does not rename onto an open file.
        #[cfg(windows)]
        drop(self.lock);
        match self.replacement.persist(&self.target) {
            // Nothing can be renamed onto a file that is mounted into a container.
            #[cfg(unix)]
            Err(error) if error.error.kind() == io::ErrorKind::ResourceBusy => {
                overwrite(&mut self.lock, text)
            }
            finished => Ok(finished.map(drop)?),
        }
    }
}

#[cfg(unix)]
fn overwrite(file: &mut File, text: &SecretString) -> io::Result<()> {
    let text = text.expose_secret().as_bytes();
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

#[async_trait]
impl LockedFile for SystemLockedFile {
    fn text(&self) -> &SecretString {
        &self.text
    }

    async fn replace(self: Box<Self>, text: SecretString) -> io::Result<()> {
        on_another_thread(move || self.write(&text)).await
    }
}

#[cfg(windows)]
fn busy(error: io::Error) -> io::Error {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    match error.raw_os_error() {
        Some(ERROR_SHARING_VIOLATION) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}

/// Whether the previous owner of the lock has replaced the file under this name.
#[cfg(unix)]
fn was_replaced(file: &File, target: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (locked, named) = (file.metadata()?, fs::metadata(target)?);
    Ok((locked.dev(), locked.ino()) != (named.dev(), named.ino()))
}

/// Keeps the owner of a file that belongs to another user, as under `sudo`.
#[cfg(unix)]
fn keep_owner(from: &File, to: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (expected, actual) = (from.metadata()?, to.metadata()?);
    if expected.uid() == actual.uid() {
        return Ok(());
    }
    fchown(to, Some(expected.uid()), Some(expected.gid()))
}
