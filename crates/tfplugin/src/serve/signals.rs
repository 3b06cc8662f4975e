//! The signals that concern the end of a process: from the user with Ctrl-C, and from others. Windows has console events
//! in their place.
//!
//! Listening once disables the default action, the end of the process, for good.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlClose, ctrl_close};
#[cfg(windows)]
pub(super) use tokio::signal::windows::{ctrl_break as terminate, ctrl_c as interrupt};

/// Ctrl-C. Fails outside of a runtime, and where the system has no room for another listener.
#[cfg(unix)]
pub(super) fn interrupt() -> io::Result<Signal> {
    signal(SignalKind::interrupt())
}

/// SIGTERM. Fails as [`interrupt`] does.
#[cfg(unix)]
pub(super) fn terminate() -> io::Result<Signal> {
    signal(SignalKind::terminate())
}

/// SIGHUP: the terminal was closed. `None` where it is to be ignored: a command that runs under `nohup` outlives its
/// terminal. Fails as [`interrupt`] does.
#[cfg(unix)]
pub(super) fn hangup() -> io::Result<Option<Signal>> {
    if is_ignored(libc::SIGHUP)? {
        return Ok(None);
    }
    signal(SignalKind::hangup()).map(Some)
}

/// The console was closed. Fails as [`interrupt`] does.
#[cfg(windows)]
pub(super) fn hangup() -> io::Result<Option<CtrlClose>> {
    ctrl_close().map(Some)
}

/// Whether the process was started with this signal ignored.
#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> io::Result<bool> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    #[expect(
        unsafe_code,
        reason = "the standard library cannot ask for a signal's action"
    )]
    // SAFETY: with no new action, `sigaction` changes nothing and only writes the current one through the pointer, which
    // is valid for that. Where it returns 0 it has written all of it.
    let action = unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        action.assume_init()
    };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_is_told_from_one_that_is_not() {
        // Rust's start-up code ignores SIGPIPE.
        assert!(is_ignored(libc::SIGPIPE).unwrap());
        assert!(!is_ignored(libc::SIGUSR2).unwrap());
        assert!(is_ignored(-1).is_err());
    }
}
