//! From a listener to connections that may speak gRPC.
//!
//! TLS stands outside tonic, which cannot take a verifier of ours. Each handshake runs in a task of its own with a
//! time limit, so that a peer that connects and says nothing holds up nobody.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tonic::transport::server::Connected;

use super::listener::Listener;
use super::tls::TlsIdentity;

/// Far more than a local handshake takes (1 ms), far less than the minute for which a host waits.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before the next accept after one failed, for lack of file descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection whose peer may call us.
pub type Connection = Box<dyn Duplex>;

/// What a connection can do.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Accepts connections for ever; with an identity, only those that pass mutual TLS.
pub(super) async fn accept(
    listener: &Listener,
    identity: Option<&TlsIdentity>,
    accepted: &mpsc::Sender<io::Result<Connection>>,
) -> Infallible {
    let acceptor = identity.map(TlsIdentity::acceptor);
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            let connection = match acceptor {
                None => Ok(Box::new(stream) as Connection),
                Some(acceptor) => prove(acceptor, stream).await,
            };
            match connection {
                // The receiver is gone once the server shuts down; then so is the need.
                Ok(connection) => drop(accepted.send(Ok(connection)).await),
                Err(error) => tracing::warn!(%error, "a connection was refused"),
            }
        });
    }
}

async fn prove(
    acceptor: tokio_rustls::TlsAcceptor,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<Connection> {
    let handshake = acceptor.accept(stream);
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await??;
    Ok(Box::new(stream))
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
