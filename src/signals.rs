//! What asks a process to end: the user with Ctrl-C, and others by signal. Where there are no such signals, Ctrl-Break
//! stands for the second.
//!
//! Whoever has listened once takes the default action, the end of the process, away for good.

#[cfg(unix)]
use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
pub use tokio::signal::windows::{ctrl_break as terminate, ctrl_c as interrupt};

/// Ctrl-C. Fails outside of a runtime, and where the system has no room for another listener.
#[cfg(unix)]
pub fn interrupt() -> io::Result<Signal> {
    signal(SignalKind::interrupt())
}

/// SIGTERM. Fails as [`interrupt`] does.
#[cfg(unix)]
pub fn terminate() -> io::Result<Signal> {
    signal(SignalKind::terminate())
}
