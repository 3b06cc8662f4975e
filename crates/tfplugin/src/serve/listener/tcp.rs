use std::ffi::OsStr;
use std::io;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpStream};

use super::{ListenOptions, while_doing};

/// A TCP socket on loopback. Every local user can reach it, so here mutual TLS is the only guard.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: String,
}

impl Listener {
    /// The network's name in the handshake.
    pub(crate) const NETWORK: &str = "tcp";

    /// Takes the first free port between `PLUGIN_MIN_PORT` and `PLUGIN_MAX_PORT`, or any free port where the host
    /// names none.
    pub(crate) fn bind(options: &ListenOptions) -> io::Result<Self> {
        let (lowest, highest) = (
            port(options.min_port.as_deref())?,
            port(options.max_port.as_deref())?,
        );
        let bound = (lowest..=highest.max(lowest))
            .find_map(|port| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let socket = bound
            .ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))
            .and_then(|bound| {
                bound.set_nonblocking(true)?;
                TcpListener::from_std(bound)
            })
            .map_err(while_doing(&format!(
                "listen on any port from {lowest} to {highest} of {}",
                Ipv4Addr::LOCALHOST
            )))?;
        let address = socket.local_addr()?.to_string();
        Ok(Self { socket, address })
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A socket of TCP leaves nothing behind.
    #[expect(
        clippy::unused_self,
        reason = "same form as where there are Unix sockets"
    )]
    #[cfg_attr(
        unix,
        expect(dead_code, reason = "used where there are no Unix sockets")
    )]
    pub(crate) fn sweep(&self) {}

    /// The address in the handshake.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

fn port(text: Option<&OsStr>) -> io::Result<u16> {
    let Some(text) = text else { return Ok(0) };
    text.to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "PLUGIN_MIN_PORT and PLUGIN_MAX_PORT are ports, and {} is none",
                    text.display()
                ),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(lowest: u16, highest: u16) -> io::Result<Listener> {
        Listener::bind(&ListenOptions {
            min_port: Some(lowest.to_string().into()),
            max_port: Some(highest.to_string().into()),
            ..ListenOptions::default()
        })
    }

    #[tokio::test]
    async fn a_port_is_taken_on_loopback_and_within_the_range() {
        let taken = Listener::bind(&ListenOptions::default()).unwrap();
        let port = taken.socket.local_addr().unwrap().port();
        assert_eq!(Listener::NETWORK, "tcp");
        assert_eq!(taken.address(), format!("127.0.0.1:{port}"));
        let error = bound(port, port).unwrap_err();
        assert!(error.to_string().contains(&port.to_string()));

        let connected = TcpStream::connect(taken.address());
        let (connected, accepted) = tokio::join!(connected, taken.accept());
        assert_eq!(
            connected.unwrap().local_addr().unwrap(),
            accepted.unwrap().peer_addr().unwrap()
        );
    }

    #[tokio::test]
    async fn a_port_that_is_none_is_rejected() {
        let options = ListenOptions {
            min_port: Some("many".into()),
            ..ListenOptions::default()
        };
        assert!(Listener::bind(&options).is_err());
    }
}
