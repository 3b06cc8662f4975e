//! Where we listen: a Unix socket (mode 0600) in a fresh folder of our own (mode 0700), removed on exit; TCP on
//! loopback where there are no Unix sockets.
//!
//! The folder is what keeps other local users out from the first moment: a socket alone has the modes of the umask
//! between its making and the change of its mode. Mutual TLS guards the door a second time.

use std::ffi::OsString;
use std::io;

#[cfg(any(not(unix), test))]
mod tcp;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use tcp::Listener;
#[cfg(unix)]
pub(super) use unix::Listener;

/// Where the host wants us to listen: variables of go-plugin's contract, each optional. Unix sockets use the first two,
/// TCP the others.
#[derive(Clone, Default, Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "each system reads its own half")
)]
pub(super) struct ListenOptions {
    /// `PLUGIN_UNIX_SOCKET_DIR`: the folder in which to put the socket.
    pub(super) socket_dir: Option<OsString>,
    /// `PLUGIN_UNIX_SOCKET_GROUP`: the group that may use the socket.
    pub(super) socket_group: Option<OsString>,
    /// `PLUGIN_MIN_PORT`: the lowest TCP port.
    pub(super) min_port: Option<OsString>,
    /// `PLUGIN_MAX_PORT`: the highest TCP port.
    pub(super) max_port: Option<OsString>,
}

/// An error that says what was being done.
fn while_doing(what: &str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}
