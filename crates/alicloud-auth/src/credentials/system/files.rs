use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::locked_file::SystemLockedFile;
use super::{FileAccess, FileText, LockedFile};

/// A configuration of hundreds of profiles takes 100 KiB, a token 20 KiB at most.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Local files are read in milliseconds; a network drive that is gone never answers.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct SystemFiles;

#[async_trait]
impl FileAccess for SystemFiles {
    async fn read(&self, path: &Path) -> io::Result<FileText> {
        let path = path.to_owned();
        on_another_thread(move || read_regular_file(&path)).await
    }

    async fn lock(&self, path: &Path) -> io::Result<Box<dyn LockedFile>> {
        let path = path.to_owned();
        let locked =
            on_another_thread(move || SystemLockedFile::lock(&path, READ_TIMEOUT / 2)).await?;
        Ok(Box::new(locked))
    }
}

/// Everything else runs on one thread, which must not wait for a drive.
async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let working = tokio::task::spawn_blocking(work);
    match tokio::time::timeout(READ_TIMEOUT, working).await {
        Ok(finished) => finished.map_err(io::Error::other)?,
        Err(_elapsed) => {
            let reason = format!("no answer within {} s", READ_TIMEOUT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        }
    }
}

fn read_regular_file(path: &Path) -> io::Result<FileText> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Opening a FIFO would wait for a writer, and a terminal must not become ours.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    read_open_file(&options.open(path)?)
}

pub(super) fn read_open_file(file: &File) -> io::Result<FileText> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(invalid("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    // Its size may not be what the metadata says.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(invalid(format!(
            "it is larger than {} MiB",
            MAX_FILE_BYTES >> 20
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8 text".to_owned()))?;
    Ok(FileText {
        text: text.strip_prefix('\u{feff}').unwrap_or(&text).into(),
        is_readable_by_others: is_readable_by_others(&metadata),
    })
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drive_that_never_answers_is_given_up_and_meanwhile_everything_else_goes_on() {
        let (answer, hung) = channel::<()>();
        let reading = on_another_thread(move || hung.recv().map_err(io::Error::other));
        tokio::pin!(reading);
        // Polled once, so that its time begins.
        tokio::select! {
            biased;
            _ = &mut reading => panic!("it ended"),
            () = std::future::ready(()) => {}
        }
        tokio::time::advance(READ_TIMEOUT).await;
        let error = reading.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "no answer within 10 s");
        drop(answer);
    }
}
