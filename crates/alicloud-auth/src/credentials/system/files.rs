use std::io;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::file_text::FileText;
use super::locked_file::{LockedFile, SystemLockedFile};

/// Local files are read in milliseconds; a disconnected network drive never responds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads files, and replaces those that Alibaba Cloud's tools replace.
#[async_trait]
pub trait FileAccess: Send + Sync {
    /// Reads a whole file. An error for everything but regular files of text, for files over 1 MiB, and if reading takes
    /// longer than 10 s, for example from a disconnected network drive.
    async fn read(&self, path: &Path) -> io::Result<FileText>;

    /// Reads a file that is to be replaced, and locks it. Waits a few seconds while another program has it locked. An
    /// error if it could not be replaced.
    async fn lock(&self, path: &Path) -> io::Result<Box<dyn LockedFile>>;
}

/// The files of this machine.
pub(super) struct SystemFiles;

#[async_trait]
impl FileAccess for SystemFiles {
    async fn read(&self, path: &Path) -> io::Result<FileText> {
        let path = path.to_owned();
        on_another_thread(move || FileText::read(&path)).await
    }

    async fn lock(&self, path: &Path) -> io::Result<Box<dyn LockedFile>> {
        let path = path.to_owned();
        let locked = on_another_thread(move || SystemLockedFile::lock(&path, TIMEOUT / 2)).await?;
        Ok(Box::new(locked))
    }
}

/// Runs work that may block: everything else runs on one thread, which must not wait for a drive. Work that times out runs on.
pub(super) async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let working = tokio::task::spawn_blocking(work);
    match tokio::time::timeout(TIMEOUT, working).await {
        Ok(finished) => finished.map_err(io::Error::other)?,
        Err(_elapsed) => {
            let reason = format!("no response within {} s", TIMEOUT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drive_that_never_responds_times_out_and_blocks_nothing_else() {
        let (unblock, blocked) = channel::<()>();
        let reading = on_another_thread(move || blocked.recv().map_err(io::Error::other));
        tokio::pin!(reading);
        // Polled once, so that the timeout starts.
        tokio::select! {
            biased;
            _ = &mut reading => panic!("it finished"),
            () = std::future::ready(()) => {}
        }
        tokio::time::advance(TIMEOUT).await;
        let error = reading.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "no response within 10 s");
        drop(unblock);
    }
}
