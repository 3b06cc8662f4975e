//! The state file: what a real service would still know after its power failed.
//!
//! Kept are the jobs, the nonces that were used and where chance stands, so that a restart makes no id again and runs
//! no signed request twice. Not kept are calls, temporary keys, and whatever the control door has changed.
//!
//! The file is always whole: a new one is written beside it, forced to the disk, and takes its place in one step.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::clock;
use super::job_fields::JobFields;
use super::verify::Nonces;

/// The form that is written here. A file of another form is refused.
const FORM: u32 = 1;

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
    pub(super) job: JobFields,
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

/// Where state is kept.
#[derive(Clone, Debug)]
pub(super) struct StateFile(PathBuf);

impl StateFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// What was saved last; none if nothing ever was. A file that is not one of ours is an error and stays as it is.
    pub(super) fn load(&self) -> io::Result<Option<Saved>> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("cannot be read", &error)),
        };
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let saved: Saved = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| self.broken(&error.to_string()))?;
        reader
            .end()
            .map_err(|error| self.broken(&error.to_string()))?;
        if saved.form != FORM {
            return Err(self.broken(&format!(
                "it has form {}, and this version knows form {FORM}",
                saved.form
            )));
        }
        Ok(Some(saved))
    }

    /// Puts `saved` in the place of what was there. When this has succeeded, it is on the disk.
    pub(super) fn save(&self, saved: &Saved) -> io::Result<()> {
        self.replace(saved)
            .map_err(|error| self.failed("cannot be written", &error))
    }

    fn replace(&self, saved: &Saved) -> io::Result<()> {
        let mut name = OsString::from(&self.0);
        name.push(".new");
        let new = Path::new(&name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Stream URLs can hold tokens.
            options.mode(0o600);
        }
        let mut file = options.open(new)?;
        file.write_all(&serde_json::to_vec(saved)?)?;
        file.sync_all()?;
        fs::rename(new, &self.0)?;
        // The new name is in the folder, which has to reach the disk too. Not every system lets a folder be opened.
        if cfg!(unix) {
            let folder = self.0.parent().filter(|folder| *folder != Path::new(""));
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    fn failed(&self, how: &str, error: &io::Error) -> io::Error {
        let message = format!("the state file {} {how}: {error}", self.0.display());
        io::Error::new(error.kind(), message)
    }

    fn broken(&self, why: &str) -> io::Error {
        let message = format!(
            "the state file {} is broken: {why}. It was left as it is; move it away to begin without it",
            self.0.display()
        );
        io::Error::new(ErrorKind::InvalidData, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder() -> (tempfile::TempDir, StateFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path().join("state.json"));
        (folder, file)
    }

    fn saved(random: u64) -> Saved {
        Saved::new(random, Vec::new(), Nonces::default())
    }

    #[test]
    fn what_was_saved_last_is_loaded() {
        let (_folder, file) = in_folder();
        assert!(file.load().unwrap().is_none());
        for random in [7, u64::MAX] {
            file.save(&saved(random)).unwrap();
            assert_eq!(file.load().unwrap().unwrap().random, random);
        }
    }

    #[test]
    fn a_write_that_was_cut_off_harms_nothing() {
        let (folder, file) = in_folder();
        file.save(&saved(1)).unwrap();
        fs::write(folder.path().join("state.json.new"), "{\"form\": 1, \"ran").unwrap();
        assert_eq!(file.load().unwrap().unwrap().random, 1);
        file.save(&saved(2)).unwrap();
        assert_eq!(file.load().unwrap().unwrap().random, 2);
    }

    #[test]
    fn a_broken_file_is_an_error_that_says_where_and_stays() {
        for (text, complaint) in [
            ("", "EOF while parsing"),
            (
                "{\"form\":1,\"random\":1,\"jobs\":[],\"nonces\":{}} x",
                "trailing characters",
            ),
            (
                "{\"form\":2,\"random\":1,\"jobs\":[],\"nonces\":{}}",
                "it has form 2, and this version knows form 1",
            ),
            (
                "{\"form\":1,\"random\":1,\"jobs\":[{\"modified\":\"then\",\"job\":{}}],\"nonces\":{}}",
                "jobs[0].modified: expected a time such as",
            ),
        ] {
            let (folder, file) = in_folder();
            let path = folder.path().join("state.json");
            fs::write(&path, text).unwrap();
            let error = file.load().unwrap_err().to_string();
            assert!(
                error.contains(complaint) && error.contains("state.json is broken"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, file) = in_folder();
        file.save(&saved(1)).unwrap();
        let path = folder.path().join("state.json");
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
