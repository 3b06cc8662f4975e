//! The state file, which survives a crash and a power failure.
//!
//! It contains the jobs, the used nonces and the state of the random numbers, as of the last change of a job, so that a
//! restarted mock neither repeats an ID nor makes a change twice for one signed request. It does not contain calls, temporary credentials, faults and behavior.
//!
//! Each line is the whole state, and the last complete line is valid. A change appends a line and syncs the file, so the
//! previous state remains until the new line is complete. The file is never replaced, so it may be a symbolic link or a file
//! that is mounted into a container. To compact the file, outdated lines are overwritten with a copy of the last line and
//! spaces, and then the file is truncated: at every moment the last complete line is the current state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::clock;
use super::json;
use super::model::Job;
use super::random::Random;
use super::verify::Nonces;

/// The version of the file format. A file of another version is rejected.
const FORM: u32 = 1;
/// The file is compacted when its outdated lines are this much longer than the last line.
const MAX_OUTDATED_BYTES: u64 = 64 * 1024;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    form: u32,
    /// The state of the random numbers.
    pub(super) random: Random,
    /// Oldest first.
    pub(super) jobs: Vec<SavedJob>,
    pub(super) nonces: Nonces,
}

/// A job with the time when it was created or last changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedJob {
    #[serde(with = "clock::required")]
    pub(super) modified: OffsetDateTime,
    pub(super) job: Job,
}

impl Saved {
    pub(super) fn new(random: Random, jobs: Vec<SavedJob>, nonces: Nonces) -> Self {
        Self {
            form: FORM,
            random,
            jobs,
            nonces,
        }
    }
}

/// An open state file, locked against other mocks.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// The offsets of the last complete line. A part of a line whose write failed may follow.
    last: u64,
    end: u64,
}

impl StateFile {
    /// Opens or creates the file. Returns the state that was saved last, if any. Fails if another mock uses the file, or if
    /// it is damaged; then it is not changed.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Option<Saved>)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Stream URLs can contain tokens.
            options.mode(0o600);
        }
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            // FILE_SHARE_READ: others may read the file, but not open it for writing.
            options.share_mode(1);
        }
        let mut file = options
            .open(&path)
            .map_err(|error| failed(&path, "cannot be opened", &error))?;
        lock(&file).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => io::Error::new(
                error.kind(),
                format!(
                    "the state file {} is in use by another mock; use one file for each mock",
                    path.display()
                ),
            ),
            _ => failed(&path, "cannot be locked", &error),
        })?;
        // Syncs the name of a new file too. Not every system can open a directory.
        if let Some(directory) = fs::canonicalize(&path)?.parent()
            && let Ok(directory) = File::open(directory)
        {
            let _ = directory.sync_all();
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| failed(&path, "cannot be read", &error))?;
        let line = LastLine::find(&bytes).map_err(|why| damaged(&path, &why))?;
        let open = Mutex::new(Open {
            file,
            last: line.begin,
            end: line.end,
        });
        Ok((Self { path, open }, line.saved))
    }

    /// Appends a line and syncs the file.
    pub(super) fn save(&self, saved: &Saved) -> io::Result<()> {
        let mut line = serde_json::to_vec(saved)?;
        line.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_in_place(&open.file)
            .and_then(|()| open.append(&line))
            .map_err(|error| failed(&self.path, "cannot be written", &error))
    }

    /// Fails if the file was removed or replaced, because a restart would not find this one.
    fn check_in_place(&self, file: &File) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let (open, named) = (file.metadata()?, fs::metadata(&self.path)?);
            if (open.dev(), open.ino()) != (named.dev(), named.ino()) {
                return Err(io::Error::other("it was replaced by another file"));
            }
        }
        #[cfg(not(unix))]
        let _ = (file, fs::metadata(&self.path)?);
        Ok(())
    }
}

impl Open {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        // A line whose write or sync failed must not follow a shorter one.
        self.file.set_len(self.end)?;
        self.write_at(self.end, line)?;
        self.last = self.end;
        self.end += line.len() as u64;
        if self.last > MAX_OUTDATED_BYTES + line.len() as u64 {
            self.compact(line)?;
        }
        Ok(())
    }

    /// Copies the last line to the beginning and truncates the file after it.
    fn compact(&mut self, line: &[u8]) -> io::Result<()> {
        // The copy and spaces fill the file up to the last line, so that the last complete line is always one of the two.
        let mut copy = line.to_vec();
        copy.resize(usize::try_from(self.last).unwrap_or(usize::MAX), b' ');
        if let Some(end) = copy.last_mut() {
            *end = b'\n';
        }
        self.write_at(0, &copy)?;
        self.file.set_len(line.len() as u64)?;
        (self.last, self.end) = (0, line.len() as u64);
        self.file.sync_all()
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.file.sync_all()
    }
}

/// The last complete line of a file.
#[derive(Default)]
struct LastLine {
    saved: Option<Saved>,
    begin: u64,
    end: u64,
}

impl LastLine {
    /// Finds the last complete line. An incomplete line after it belongs to a change that was interrupted before its
    /// response.
    fn find(bytes: &[u8]) -> Result<Self, String> {
        let after_newline = |bytes: &[u8]| {
            let last = bytes.iter().rposition(|byte| *byte == b'\n');
            last.map_or(0, |at| at + 1)
        };
        let end = after_newline(bytes);
        let complete = bytes[..end].trim_ascii_end();
        if complete.is_empty() {
            return match bytes.trim_ascii() {
                [] => Ok(Self::default()),
                _ => Err("line 1 is not complete".to_owned()),
            };
        }
        let begin = after_newline(complete);
        let number = bytes[..begin].split(|byte| *byte == b'\n').count();
        let saved = parse(&complete[begin..]).map_err(|why| format!("line {number}: {why}"))?;
        Ok(Self {
            saved: Some(saved),
            begin: begin as u64,
            end: end as u64,
        })
    }
}

fn parse(line: &[u8]) -> Result<Saved, String> {
    let saved: Saved = json::parse(line)?;
    if saved.form == FORM {
        Ok(saved)
    } else {
        Err(format!("expected form {FORM}, got {}", saved.form))
    }
}

/// Locks the file. Fails with `WouldBlock` if it is locked already, by another process or by this one. The lock ends with
/// the last handle of the file, so a killed process leaves none.
#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// On Windows the share mode prevents others from opening the file.
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
        "the state file {} is damaged: {why}. It was not changed; move it away to start without it",
        path.display()
    );
    io::Error::new(ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn saved(random: u64) -> Saved {
        Saved::new(Random::new(Some(random)), Vec::new(), Nonces::default())
    }

    /// Reports whether a restart would find this.
    fn contains(path: &Path, random: u64) -> bool {
        let (_, found) = StateFile::open(path.to_owned()).unwrap();
        found.is_some_and(|found| found.random == Random::new(Some(random)))
    }

    fn directory_with_file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        (directory, path)
    }

    /// A power failure can leave any part of the line that was being written.
    #[test]
    fn a_write_that_was_interrupted_anywhere_does_no_harm() {
        let (_directory, path) = directory_with_file();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        file.save(&saved(1)).unwrap();
        let before = fs::read(&path).unwrap().len();
        file.save(&saved(2)).unwrap();
        drop(file);
        let whole = fs::read(&path).unwrap();
        for length in before..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(contains(&path, 1), "{length} bytes");
            // The next change overwrites the incomplete line.
            let (file, _) = StateFile::open(path.clone()).unwrap();
            file.save(&saved(3)).unwrap();
            drop(file);
            assert!(contains(&path, 3), "{length} bytes");
        }
    }

    /// A sync can fail after the line was written.
    #[test]
    fn a_line_whose_sync_failed_does_no_harm() {
        let (_directory, path) = directory_with_file();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        file.save(&saved(1)).unwrap();
        let unsynced = [vec![b'x'; 10_000], vec![b'\n']].concat();
        let mut other = OpenOptions::new().append(true).open(&path).unwrap();
        other.write_all(&unsynced).unwrap();
        file.save(&saved(2)).unwrap();
        drop(file);
        assert!(contains(&path, 2));
    }

    #[test]
    fn a_compaction_that_was_interrupted_anywhere_does_no_harm() {
        let (_directory, path) = directory_with_file();
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
            assert!(contains(&path, 2), "{written} bytes");
        }
        for length in (last.len()..=before.len()).rev() {
            let bytes = [copy.clone(), last.clone()].concat();
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(contains(&path, 2), "{length} bytes");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_stays_short_and_a_symbolic_link_and_its_target_stay_in_place() {
        use std::os::unix::fs::{MetadataExt as _, symlink};
        let (directory, target) = directory_with_file();
        let link = directory.path().join("link.json");
        symlink("state.json", &link).unwrap();
        let (file, _) = StateFile::open(link.clone()).unwrap();
        let inode = fs::metadata(&target).unwrap().ino();
        for random in 0..2_000 {
            file.save(&saved(random)).unwrap();
        }
        drop(file);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let metadata = fs::metadata(&target).unwrap();
        assert_eq!(metadata.ino(), inode);
        assert!(metadata.len() < 2 * MAX_OUTDATED_BYTES, "{metadata:?}");
        assert!(contains(&target, 1_999));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, path) = directory_with_file();
        StateFile::open(path.clone()).unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
