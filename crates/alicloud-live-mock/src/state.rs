//! The state file: what a real service would still know after its power failed.
//!
//! Kept are the jobs, the nonces that were used and where chance stands, so that a restart makes no id again and runs
//! no signed request twice. Not kept are calls, temporary keys, and whatever the control API has changed but for jobs.
//!
//! Each line is the whole state, and the last line counts. A change appends one and forces it to the disk: what was
//! there before stays until the new line is whole, wherever the power fails. The file itself is never replaced, so it
//! may be a symbolic link, or one file that is mounted into a container. What is outdated is overwritten with spaces
//! and a copy of the last line, and cut off then, in an order that leaves a whole last line at every moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::clock;
use super::job_patch::JobPatch;
use super::verify::Nonces;

/// The form that is written here. A file of another form is refused.
const FORM: u32 = 1;
/// So much that is outdated is left in the file, beside the last line's own length.
const OUTDATED_BYTES: u64 = 64 * 1024;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    form: u32,
    /// Where the source of ids and chance stands.
    pub(super) random: u64,
    /// Oldest first.
    pub(super) jobs: Vec<SavedJob>,
    pub(super) nonces: Nonces,
}

/// A job, and when it was made or changed last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedJob {
    #[serde(with = "clock::text")]
    pub(super) modified: OffsetDateTime,
    pub(super) job: JobPatch,
}

impl Saved {
    pub(super) fn new(random: u64, jobs: Vec<SavedJob>, nonces: Nonces) -> Self {
        Self {
            form: FORM,
            random,
            jobs,
            nonces,
        }
    }
}

/// Where state is kept. No other mock has the same file as long as this value is there.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where the last line begins, and where it ends. Beyond may be the beginning of one whose writing failed.
    last: u64,
    end: u64,
}

impl StateFile {
    /// Opens the file, or makes it, and gives what was saved in it last; none if nothing ever was. Fails if another mock
    /// has it. A file that is damaged is an error and stays as it is.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Option<Saved>)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Stream URLs can hold tokens.
            options.mode(0o600);
        }
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            // FILE_SHARE_READ: others may look, and not open it for writing.
            options.share_mode(1);
        }
        let mut file = options
            .open(&path)
            .map_err(|error| failed(&path, "cannot be opened", &error))?;
        lock(&file).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => io::Error::new(
                error.kind(),
                format!(
                    "the state file {} is in use by another mock; give each one a file of its own",
                    path.display()
                ),
            ),
            _ => failed(&path, "cannot be locked", &error),
        })?;
        // The name of a new file must reach the disk too. Not every system lets a directory be opened.
        if let Some(directory) = fs::canonicalize(&path)?.parent()
            && let Ok(directory) = File::open(directory)
        {
            let _ = directory.sync_all();
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| failed(&path, "cannot be read", &error))?;
        let lines = Lines::read(&bytes).map_err(|why| damaged(&path, &why))?;
        let open = Mutex::new(Open {
            file,
            last: lines.last,
            end: lines.end,
        });
        Ok((Self { path, open }, lines.saved))
    }

    /// Appends `saved`. When this has succeeded, it is on the disk.
    pub(super) fn save(&self, saved: &Saved) -> io::Result<()> {
        let mut line = serde_json::to_vec(saved)?;
        line.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_still_there(&open.file)
            .and_then(|()| open.append(&line))
            .map_err(|error| failed(&self.path, "cannot be written", &error))
    }

    /// Whoever removes or replaces the file takes the place away in which a restart would look.
    fn is_still_there(&self, file: &File) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let (ours, there) = (file.metadata()?, fs::metadata(&self.path)?);
            if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
                return Err(io::Error::other("another file has taken its place"));
            }
        }
        #[cfg(not(unix))]
        let _ = (file, fs::metadata(&self.path)?);
        Ok(())
    }
}

impl Open {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_at(self.end, line)?;
        self.last = self.end;
        self.end += line.len() as u64;
        if self.last > OUTDATED_BYTES + line.len() as u64 {
            self.compact(line)?;
        }
        Ok(())
    }

    /// Puts a copy of the last line at the beginning, and cuts off what follows.
    fn compact(&mut self, line: &[u8]) -> io::Result<()> {
        // Up to the last line nothing but the copy and spaces: each moment the last whole line is one of the two.
        let mut copy = line.to_vec();
        copy.resize(usize::try_from(self.last).unwrap_or(usize::MAX), b' ');
        if let Some(end) = copy.last_mut() {
            *end = b'\n';
        }
        self.write_at(0, &copy)?;
        self.file.set_len(line.len() as u64)?;
        self.file.sync_all()?;
        (self.last, self.end) = (0, line.len() as u64);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.file.sync_all()
    }
}

/// What the lines of a file say.
struct Lines {
    saved: Option<Saved>,
    last: u64,
    end: u64,
}

impl Lines {
    /// Finds the last whole line. One without its end, after it, is what a power failure has left of a change that
    /// nobody was told of.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let end = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut start = 0;
        let whole = bytes[..end].split_inclusive(|byte| *byte == b'\n');
        let mut lines = whole.enumerate().map(|(number, text)| {
            let begin = start;
            start += text.len();
            (number + 1, begin, text)
        });
        let last = lines
            .by_ref()
            .filter(|(.., text)| !text.trim_ascii().is_empty())
            .last();
        let Some((number, begin, text)) = last else {
            return if bytes.trim_ascii().is_empty() {
                Ok(Self {
                    saved: None,
                    last: 0,
                    end: 0,
                })
            } else {
                Err("line 1 is not complete".to_owned())
            };
        };
        let saved = parse(text).map_err(|why| format!("line {number}: {why}"))?;
        Ok(Self {
            saved: Some(saved),
            last: begin as u64,
            end: end as u64,
        })
    }
}

fn parse(line: &[u8]) -> Result<Saved, String> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let saved: Saved =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    if saved.form == FORM {
        Ok(saved)
    } else {
        Err(format!(
            "it has form {}, and this version knows form {FORM}",
            saved.form
        ))
    }
}

/// Fails with `WouldBlock` if another process, or another value in this one, has the file. The lock ends with the file's
/// last handle, so with the process too, however it ends.
#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    #[expect(
        unsafe_code,
        reason = "the standard library locks files from Rust 1.89 on"
    )]
    // SAFETY: flock touches no memory, and the descriptor is that of an open file that we hold a reference to.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// On Windows the share mode keeps others out when they open the file.
#[cfg(not(unix))]
fn lock(_file: &File) -> io::Result<()> {
    Ok(())
}

fn failed(path: &std::path::Path, how: &str, error: &io::Error) -> io::Error {
    let message = format!("the state file {} {how}: {error}", path.display());
    io::Error::new(error.kind(), message)
}

fn damaged(path: &std::path::Path, why: &str) -> io::Error {
    let message = format!(
        "the state file {} is damaged: {why}. It was left as it is; move it away to begin without it",
        path.display()
    );
    io::Error::new(ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn saved(random: u64) -> Saved {
        Saved::new(random, Vec::new(), Nonces::default())
    }

    /// What a start would find.
    fn random_in(path: &Path) -> Option<u64> {
        let (_, saved) = StateFile::open(path.to_owned()).unwrap();
        saved.map(|saved| saved.random)
    }

    fn folder_with_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        (folder, path)
    }

    #[test]
    fn what_was_saved_last_is_loaded() {
        let (_folder, path) = folder_with_file();
        assert_eq!(random_in(&path), None);
        for random in [7, u64::MAX] {
            let (file, _) = StateFile::open(path.clone()).unwrap();
            file.save(&saved(1)).unwrap();
            file.save(&saved(random)).unwrap();
            drop(file);
            assert_eq!(random_in(&path), Some(random));
        }
    }

    /// A power failure leaves any part of what was being written.
    #[test]
    fn a_write_that_was_cut_off_anywhere_harms_nothing() {
        let (_folder, path) = folder_with_file();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        file.save(&saved(1)).unwrap();
        let before = fs::read(&path).unwrap().len();
        file.save(&saved(2)).unwrap();
        drop(file);
        let whole = fs::read(&path).unwrap();
        for length in before..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(random_in(&path), Some(1), "{length} bytes");
            // The next change takes the place of what was left.
            let (file, _) = StateFile::open(path.clone()).unwrap();
            file.save(&saved(3)).unwrap();
            drop(file);
            assert_eq!(random_in(&path), Some(3), "{length} bytes");
        }
    }

    #[test]
    fn a_compaction_that_was_cut_off_anywhere_harms_nothing() {
        let (_folder, path) = folder_with_file();
        let line = |random: u64| {
            let mut line = serde_json::to_vec(&saved(random)).unwrap();
            line.push(b'\n');
            line
        };
        let outdated = line(1).repeat(3);
        let last = line(2);
        let before = [outdated.clone(), last.clone()].concat();
        let mut copy = last.clone();
        copy.resize(outdated.len() - 1, b' ');
        copy.push(b'\n');
        for written in 0..=copy.len() {
            let mut bytes = before.clone();
            bytes[..written].copy_from_slice(&copy[..written]);
            fs::write(&path, &bytes).unwrap();
            assert_eq!(random_in(&path), Some(2), "{written} bytes");
        }
        for length in (last.len()..=before.len()).rev() {
            let bytes = [copy.clone(), last.clone()].concat();
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(random_in(&path), Some(2), "{length} bytes");
        }
    }

    #[test]
    fn the_file_does_not_grow_with_the_number_of_changes() {
        let (_folder, path) = folder_with_file();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        for random in 0..2_000 {
            file.save(&saved(random)).unwrap();
        }
        drop(file);
        let length = fs::metadata(&path).unwrap().len();
        assert!(length < 2 * OUTDATED_BYTES, "{length}");
        assert_eq!(random_in(&path), Some(1_999));
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_the_line_and_stays() {
        let good = "{\"form\":1,\"random\":1,\"jobs\":[],\"nonces\":{}}\n";
        for (text, complaint) in [
            ("{\"form\":1".to_owned(), "line 1 is not complete"),
            (format!("{good}{good}x\n"), "line 3: expected value"),
            (
                format!("{}\n", good.trim_end().to_owned() + " x"),
                "line 1: trailing characters",
            ),
            (
                good.replace(":1,\"random", ":2,\"random"),
                "line 1: it has form 2, and this version knows form 1",
            ),
            (
                "{\"form\":1,\"random\":1,\"jobs\":[{\"modified\":\"then\",\"job\":{}}],\"nonces\":{}}\n"
                    .to_owned(),
                "line 1: jobs[0].modified: expected a time such as",
            ),
            ("\0\0\0\0".to_owned(), "line 1 is not complete"),
        ] {
            let (_folder, path) = folder_with_file();
            fs::write(&path, &text).unwrap();
            let error = StateFile::open(path.clone()).unwrap_err().to_string();
            assert!(
                error.contains(complaint) && error.contains("state.json is damaged"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_file_has_one_mock_at_a_time() {
        let (_folder, path) = folder_with_file();
        let (first, _) = StateFile::open(path.clone()).unwrap();
        let error = StateFile::open(path.clone()).unwrap_err().to_string();
        assert!(
            error.contains("state.json is in use by another mock"),
            "{error}"
        );
        drop(first);
        StateFile::open(path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_the_file_keeps_its_place() {
        use std::os::unix::fs::{MetadataExt as _, symlink};
        let (folder, target) = folder_with_file();
        let link = folder.path().join("link.json");
        symlink("state.json", &link).unwrap();
        let (file, _) = StateFile::open(link.clone()).unwrap();
        let inode = fs::metadata(&target).unwrap().ino();
        for random in 0..1_600 {
            file.save(&saved(random)).unwrap();
        }
        drop(file);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&target).unwrap().ino(), inode);
        assert_eq!(random_in(&target), Some(1_599));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_or_replaced_is_not_written_any_more() {
        let (_folder, path) = folder_with_file();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(file.save(&saved(1)).is_err());
        fs::write(&path, "").unwrap();
        assert!(file.save(&saved(1)).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = folder_with_file();
        StateFile::open(path.clone()).unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
