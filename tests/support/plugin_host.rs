//! The host's side of go-plugin: starts the provider as Terraform does and connects to it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion,
};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::certificate::Identity;

/// What a plugin under test may take for anything at all. Only a failing test ever waits so long.
pub const LIMIT: Duration = Duration::from_secs(20);

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The provider that was built with this program.
pub const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-alicloud-live");

/// The provider's command as Terraform would start it, but without the certificate.
pub fn command() -> Command {
    command_of(Path::new(PROVIDER))
}

fn command_of(executable: &Path) -> Command {
    let mut command = Command::new(executable);
    // The test's own environment must not decide how the plugin behaves.
    for name in [
        "PLUGIN_CLIENT_CERT",
        "PLUGIN_MULTIPLEX_GRPC",
        "PLUGIN_UNIX_SOCKET_DIR",
        "PLUGIN_UNIX_SOCKET_GROUP",
        "TF_LOG",
        "TF_LOG_PROVIDER",
        "TF_LOG_PROVIDER_ALICLOUD_LIVE",
    ] {
        command.env_remove(name);
    }
    command
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command that is to end by itself.
pub fn output(command: &mut Command) -> Output {
    let child = command.spawn().unwrap();
    within_limit(move || child.wait_with_output().unwrap())
}

/// A running plugin. Killed when dropped.
pub struct Plugin {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// The handshake line, without its end.
    pub line: String,
    /// The folder in which the plugin was told to put its socket.
    pub sockets: TempDir,
    /// Whom the plugin obeys.
    pub host: Identity,
}

impl Plugin {
    /// Starts the plugin as Terraform does.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same, with changes to the command.
    pub fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        Self::start_executable(Path::new(PROVIDER), change)
    }

    /// The same of any build.
    pub fn start_executable(executable: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let host = Identity::like_go_plugin();
        let sockets = tempfile::tempdir().unwrap();
        let mut command = command_of(executable);
        command
            .env("PLUGIN_CLIENT_CERT", host.pem())
            .env("PLUGIN_UNIX_SOCKET_DIR", sockets.path())
            .stderr(Stdio::inherit());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (line, stdout) = within_limit(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (line, stdout)
        });
        let line = line.strip_suffix('\n').expect("a handshake line");
        Self {
            line: line.to_owned(),
            child,
            stdout: Some(stdout),
            sockets,
            host,
        }
    }

    fn field(&self, index: usize) -> &str {
        self.line.split('|').nth(index).unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        assert_eq!(self.field(2), "unix");
        self.field(3).into()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(self.field(5)).unwrap().into()
    }

    /// How Terraform connects, but as whom and how one likes.
    pub fn tls(
        &self,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&crypto))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OnlyThisPlugin {
                certificate: self.certificate(),
                crypto,
            }));
        let mut config = match identity {
            Some(identity) => {
                let key: Arc<dyn ResolvesClientCert> =
                    Arc::new(SingleCertAndKey::from(identity.certified_key()));
                config.with_client_cert_resolver(key)
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    /// A connection as Terraform makes it.
    pub async fn connect(&self) -> Channel {
        let config = self.tls(Some(&self.host), &rustls::version::TLS13);
        self.connect_with(config).await.unwrap()
    }

    pub async fn connect_with(&self, config: Arc<ClientConfig>) -> Result<Channel, String> {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
            .map_err(|error| error.to_string())?;
        channel(stream).await
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads what the plugin writes to stdout after the first line, to an empty line.
    pub fn read_paragraph(&mut self) -> String {
        let mut stdout = self.stdout.take().unwrap();
        let (text, stdout) = within_limit(move || {
            let mut text = String::new();
            while text != "\n" && !text.ends_with("\n\n") {
                assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "{text}");
            }
            (text, stdout)
        });
        self.stdout = Some(stdout);
        text
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Closes our end of the plugin's stdout, as the end of our process would.
    pub fn abandon(&mut self) {
        self.stdout = None;
    }

    /// Waits for the plugin to end. How it did, how long that took, and what it had still written to stdout.
    pub async fn ended(&mut self) -> (ExitStatus, Duration, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < LIMIT, "the plugin does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let took = start.elapsed();
        let mut rest = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (status, took, rest)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// gRPC over a stream.
pub async fn channel(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Channel, String> {
    let mut stream = Some(TokioIo::new(stream));
    Endpoint::from_static("http://localhost")
        .timeout(LIMIT)
        .connect_with_connector(tower::service_fn(move |_| {
            let stream = stream.take().ok_or("the connection is over");
            async move { stream }
        }))
        .await
        .map_err(|error| error.to_string())
}

pub fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn within_limit<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    result
        .recv_timeout(LIMIT)
        .expect("the plugin responds in time")
}

/// Trusts the certificate on the handshake line, and none other.
#[derive(Debug)]
struct OnlyThisPlugin {
    certificate: CertificateDer<'static>,
    crypto: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyThisPlugin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Go's rule: the certificate is the only root, and must be good for the name `localhost`.
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.crypto))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_tls13_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto
            .signature_verification_algorithms
            .supported_schemes()
    }
}
