//! The certificate authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, found as Go programs do (Terraform itself, the
//! official provider), so that one environment works for all of them:
//! <https://github.com/golang/go/blob/go1.24.0/src/crypto/x509/root_unix.go>. macOS and Windows have stores instead, where
//! these variables mean nothing.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{env, fs};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Environment, InvalidInput};

const FILE: &str = "SSL_CERT_FILE";
const DIRECTORIES: &str = "SSL_CERT_DIR";

/// The bundles of systems take well below 1 MiB.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Local files are read in milliseconds; a disconnected network drive never responds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where Go looks for what a variable does not name; the first file that exists counts.
const DEFAULT_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const DEFAULT_DIRECTORIES: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The certificate authorities that the environment configures. By default, those of the system. Clones share what was read of
/// files, which is read once: a file that is being replaced must not end a run.
#[derive(Clone, Default)]
pub struct RootCertificates {
    /// Whether a variable exists, perhaps without a value.
    is_configured: bool,
    file: Option<PathBuf>,
    directories: Option<PathBuf>,
    certificates: Arc<OnceLock<Result<Vec<reqwest::Certificate>, InvalidInput>>>,
}

impl RootCertificates {
    /// Reads the variables, and no file.
    pub fn from_environment(environment: &Environment) -> Self {
        if !cfg!(unix) || cfg!(target_vendor = "apple") {
            return Self::default();
        }
        Self {
            is_configured: [FILE, DIRECTORIES]
                .iter()
                .any(|name| (environment.lookup)(name).is_some()),
            file: environment.path(&[FILE]),
            directories: environment.path(&[DIRECTORIES]),
            certificates: Arc::default(),
        }
    }

    /// Reads the files on another thread, so that [`Self::apply`] reads none. It returns the error, if there is one.
    pub async fn load(&self) {
        if !self.is_configured {
            return;
        }
        let roots = self.clone();
        let reading = tokio::task::spawn_blocking(move || roots.read_files());
        let failed = |reason: &str| {
            let variable = if self.file.is_some() {
                FILE
            } else {
                DIRECTORIES
            };
            let problem = format!("names certificates that cannot be read: {reason}");
            Err(InvalidInput::new(variable, problem))
        };
        let read = match tokio::time::timeout(TIMEOUT, reading).await {
            Ok(read) => read.unwrap_or_else(|error| failed(&error.to_string())),
            Err(_elapsed) => failed(&format!("no response within {} s", TIMEOUT.as_secs())),
        };
        // Fails if they were read before.
        let _ = self.certificates.set(read);
    }

    /// Has a client trust them. An error if the files that a variable names contain no certificate.
    pub fn apply(
        &self,
        client: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, InvalidInput> {
        if !self.is_configured {
            return Ok(client);
        }
        let certificates = self.certificates.get_or_init(|| self.read_files());
        Ok(client.tls_certs_only(certificates.clone()?))
    }

    fn read_files(&self) -> Result<Vec<reqwest::Certificate>, InvalidInput> {
        let certificates = self.read(DEFAULT_FILES, DEFAULT_DIRECTORIES)?;
        Ok(certificates
            .iter()
            .filter_map(|certificate| reqwest::Certificate::from_der(certificate).ok())
            .collect())
    }

    fn read(
        &self,
        default_files: &[&str],
        default_directories: &[&str],
    ) -> Result<HashSet<CertificateDer<'static>>, InvalidInput> {
        let mut found = HashSet::new();
        if let Some(file) = &self.file {
            add(&mut found, file).map_err(|error| {
                InvalidInput::new(FILE, format!("names a file that cannot be used: {error}"))
            })?;
        } else {
            let mut files = default_files.iter();
            files.find(|file| add(&mut found, Path::new(file)).is_ok());
        }
        let directories: Vec<PathBuf> = match &self.directories {
            Some(directories) => env::split_paths(directories).collect(),
            None => default_directories.iter().map(PathBuf::from).collect(),
        };
        let directories = directories
            .iter()
            .filter_map(|path| fs::read_dir(path).ok());
        let files = directories.flat_map(Iterator::flatten);
        // A directory contains other files too.
        let usable = files.filter(|file| add(&mut found, &file.path()).is_ok());
        if usable.count() == 0 && self.directories.is_some() && self.file.is_none() {
            let problem = "names no directory with a certificate";
            return Err(InvalidInput::new(DIRECTORIES, problem));
        }
        Ok(found)
    }
}

/// Adds the certificates of a file. An error if there are none.
fn add(found: &mut HashSet<CertificateDer<'static>>, path: &Path) -> io::Result<()> {
    // Opening a FIFO would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut pem = Vec::new();
    // The size in the metadata may be wrong.
    let file = fs::File::open(path)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_FILE_BYTES {
        let reason = format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(io::Error::other(reason));
    }
    let mut store = RootCertStore::empty();
    let mut certificates = CertificateDer::pem_slice_iter(&pem)
        .flatten()
        .filter(|certificate| store.add(certificate.clone()).is_ok())
        .peekable();
    if certificates.peek().is_none() {
        return Err(io::Error::other("it contains no certificate in PEM format"));
    }
    found.extend(certificates);
    Ok(())
}

#[cfg(test)]
#[cfg(all(unix, not(target_vendor = "apple")))]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// Returns a directory with a certificate, a key that is none, and a FIFO that nobody writes.
    fn directory(name: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let key = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let text = STANDARD.encode(key.cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        fs::write(directory.path().join("ca.pem"), pem).unwrap();
        fs::write(directory.path().join("key.pem"), "-----BEGIN KEY-----").unwrap();
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(fifo).status();
        assert!(made.unwrap().success());
        directory
    }

    fn path(directory: &tempfile::TempDir, name: &str) -> String {
        directory.path().join(name).to_str().unwrap().to_owned()
    }

    #[test]
    fn what_a_variable_does_not_name_is_where_the_system_has_it() {
        let (own, system_file, system) = (directory("own"), directory("file"), directory("system"));
        let (file, own) = (path(&own, "ca.pem"), path(&own, ""));
        let system_file = path(&system_file, "ca.pem");
        let count = |variables: &[(&str, &str)]| {
            let environment = variables.iter().copied().collect();
            let roots = RootCertificates::from_environment(&environment);
            assert_eq!(roots.is_configured, !variables.is_empty());
            let found = roots.read(&["/missing", &system_file], &[&path(&system, "")]);
            found
                .map(|found| found.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(count(&[]), Ok(2));
        assert_eq!(count(&[(FILE, ""), (DIRECTORIES, "")]), Ok(2));
        assert_eq!(count(&[(FILE, &file)]), Ok(2));
        assert_eq!(count(&[(DIRECTORIES, &own)]), Ok(2));
        assert_eq!(count(&[(DIRECTORIES, &format!("/missing:{own}"))]), Ok(2));
        assert_eq!(count(&[(FILE, &file), (DIRECTORIES, "/dev/null")]), Ok(1));
        assert_eq!(count(&[(FILE, &file), (DIRECTORIES, &own)]), Ok(1));
    }

    #[tokio::test]
    async fn files_are_read_once_for_all_clients() {
        for is_loaded in [true, false] {
            let own = directory("own");
            let environment = Environment::from_iter([(FILE, path(&own, "ca.pem"))]);
            let roots = RootCertificates::from_environment(&environment);
            let another = roots.clone();
            if is_loaded {
                roots.load().await;
            } else {
                assert!(roots.apply(reqwest::Client::builder()).is_ok());
            }
            drop(own);
            assert!(another.apply(reqwest::Client::builder()).is_ok());
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_an_error() {
        let own = directory("own");
        let large = fs::File::create(own.path().join("large.pem")).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();
        let environment = Environment::from_iter([(FILE, path(&own, "large.pem"))]);
        let roots = RootCertificates::from_environment(&environment);
        let error = roots.apply(reqwest::Client::builder()).unwrap_err();
        assert!(
            error.problem.ends_with("it is larger than 16 MiB"),
            "{error}"
        );
    }

    #[test]
    fn a_variable_that_names_no_certificate_is_an_error_that_names_it() {
        let own = directory("own");
        for (variable, value, expected) in [
            (
                FILE,
                "missing",
                "SSL_CERT_FILE names a file that cannot be used: No such file",
            ),
            (FILE, "fifo", "it is not a regular file"),
            (FILE, "", "it is not a regular file"),
            (FILE, "key.pem", "it contains no certificate"),
            (
                DIRECTORIES,
                "missing",
                "SSL_CERT_DIR names no directory with a certificate",
            ),
            (
                DIRECTORIES,
                "key.pem",
                "SSL_CERT_DIR names no directory with a certificate",
            ),
        ] {
            let environment = Environment::from_iter([(variable, path(&own, value))]);
            let roots = RootCertificates::from_environment(&environment);
            let error = roots
                .apply(reqwest::Client::builder())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
