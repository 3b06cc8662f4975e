//! The signals that end a process: from the user with Ctrl-C, and from others. Windows has console events in their place.
//!
//! Listening once disables the default action, the end of the process, for good.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
pub(super) use tokio::signal::windows::ctrl_c as interrupt;
#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlClose, ctrl_break, ctrl_close};

/// What a program in Go, such as the host, survives: a provider that did not would leave a change half done. CI systems and
/// schedulers send them to the whole process group (`timeout -s USR1`, the limit of a job's processor time).
#[cfg(unix)]
const SURVIVED: [libc::c_int; 8] = [
    libc::SIGALRM,
    libc::SIGIO,
    libc::SIGPROF,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGXCPU,
    libc::SIGXFSZ,
];

/// Ctrl-C. Fails outside of a runtime, and where the system has no room for another listener.
#[cfg(unix)]
pub(super) fn interrupt() -> io::Result<Signal> {
    signal(SignalKind::interrupt())
}

/// The demands of others that the process end: SIGTERM, SIGQUIT, and SIGHUP, which says that the terminal was closed.
#[cfg(unix)]
pub(super) struct Termination {
    terminate: Signal,
    quit: Signal,
    /// `None` where it is to be ignored: a command that runs under `nohup` outlives its terminal.
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl Termination {
    /// Ignores [`SURVIVED`] as well. Fails as [`interrupt`] does.
    pub(super) fn listen() -> io::Result<Self> {
        for number in SURVIVED {
            drop(signal(SignalKind::from_raw(number))?);
        }
        let hangup = if is_ignored(libc::SIGHUP)? {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }

    /// Completes with the next demand.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            Some(()) = async { self.hangup.as_mut()?.recv().await } => {}
        }
    }
}

/// The demands of others that the process end: Ctrl-Break, and that the console was closed.
#[cfg(windows)]
pub(super) struct Termination {
    terminate: CtrlBreak,
    close: CtrlClose,
}

#[cfg(windows)]
impl Termination {
    /// Fails as [`interrupt`] does.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: ctrl_break()?,
            close: ctrl_close()?,
        })
    }

    /// Completes with the next demand.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.close.recv() => {}
        }
    }
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
