//! When the process ends, and what a crash looks like.
//!
//! Under a host:
//!
//! - Signals reach the whole process group, and the host waits for the responses of running calls. Were we to die of one,
//!   the job that is just being created would be lost from the state. Ctrl-C is ignored, because the host then says Stop
//!   by RPC; SIGTERM, SIGQUIT and SIGHUP mean the same as that RPC, and nothing more. What the host survives is ignored.
//! - The host waits 2 s after its Shutdown call, then kills: calls get 1.5 s to end.
//! - A host that is killed cannot say goodbye. Its end of our stdout closes; no one else may hold that end, so that
//!   is noticed at once and needs no polling. (Linux's "signal on parent's death" is tied to the parent's thread.) Then
//!   nobody kills us, and changes get 10 s to end.

use std::future::Future;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, OwnedFd};
use std::panic::Location;
use std::time::Duration;

#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::ProviderInfo;
use super::signals::{self, Termination};
use crate::StopSignal;

/// How long calls may take to end once the host or the user asks for the end of the process.
const SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_millis(1500);

/// How long changes may take to end once the host is gone: enough to start a job again that was stopped for an update.
const HOST_GONE_GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Where a thread may have to wait for the system: as many as may.
const THREADS: usize = 4;

/// Runs `main` to its end, and waits for nothing that still runs then.
///
/// Everything runs in one thread: calls spend their time waiting for the network, and handing them from thread to thread
/// would cost more than it saves (measured: `benches/build-options.md`). Windows and macOS verify certificates themselves
/// and may ask for revocation lists meanwhile, so there the others must be able to go on.
pub(super) fn run<T, E: From<io::Error>>(main: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut builder = if cfg!(target_os = "linux") {
        Builder::new_current_thread()
    } else {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS);
        builder
    };
    let runtime = builder.enable_all().build()?;
    let done = runtime.block_on(main);
    runtime.shutdown_background();
    done
}

/// Why and when the process ends.
#[derive(Clone, Default)]
pub(super) struct Shutdown {
    /// Cancelled when the process is to end, whatever the reason.
    pub(super) requested: CancellationToken,
    /// Cancelled when the reason is that the host was killed.
    host_gone: CancellationToken,
}

impl Shutdown {
    /// Completes when calls have had their time to end.
    pub(super) async fn overdue(&self) {
        self.requested.cancelled().await;
        let grace_period = if self.host_gone.is_cancelled() {
            HOST_GONE_GRACE_PERIOD
        } else {
            SHUTDOWN_GRACE_PERIOD
        };
        tokio::time::sleep(grace_period).await;
    }

    /// Stops the running calls when a signal says so, and ends the process when the host is gone. Ctrl-C is the host's
    /// to deal with.
    pub(super) fn follow_host(&self, stop: StopSignal) -> io::Result<()> {
        // Having listened to a signal once takes its default action, the end of the process, away for good.
        drop(signals::interrupt()?);
        let mut termination = Termination::listen()?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let mut host_gone = std::pin::pin!(host_gone());
            loop {
                tokio::select! {
                    () = termination.recv() => {}
                    () = &mut host_gone => break,
                }
                tracing::debug!("asked to stop by signal");
                stop.stop();
            }
            tracing::debug!("the host is gone");
            shutdown.host_gone.cancel();
            shutdown.requested.cancel();
        });
        Ok(())
    }

    /// Ends the process on Ctrl-C or when asked to by signal.
    pub(super) fn follow_user(&self) -> io::Result<()> {
        let mut interrupt = signals::interrupt()?;
        let mut termination = Termination::listen()?;
        let requested = self.requested.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                () = termination.recv() => {}
            }
            requested.cancel();
        });
        Ok(())
    }
}

/// Completes when the other end of our stdout closes; never where that cannot be seen.
#[cfg(unix)]
async fn host_gone() {
    // Nothing is written here: the end of the reader wakes those who wait to write.
    if let Ok(stdout) = watched_stdout() {
        while let Ok(mut state) = stdout.writable().await {
            if state.ready().is_write_closed() {
                return;
            }
            state.clear_ready();
        }
    }
    // A file: nobody to watch.
    std::future::pending::<()>().await;
}

#[cfg(unix)]
fn watched_stdout() -> io::Result<AsyncFd<OwnedFd>> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    #[expect(unsafe_code, reason = "tokio has no other way to watch a descriptor")]
    // SAFETY: an `OwnedFd` is open and stays the same descriptor for as long as it lives, and the registration owns
    // it.
    let watched = unsafe { AsyncFd::register_with_interest(stdout, Interest::WRITABLE) };
    Ok(watched?)
}

/// Windows tells nothing of the kind: a host that is killed there leaves the process to its user.
#[cfg(not(unix))]
async fn host_gone() {
    std::future::pending::<()>().await;
}

/// Makes a panic look like one to Terraform, which shows a user the lines from `panic: ` on, also without logging.
///
/// The panic's own message is left out: it may quote a value, and values may be secret.
pub(super) fn report_panics(about: &ProviderInfo) {
    let about = *about;
    std::panic::set_hook(Box::new(move |panic| {
        let trace = std::backtrace::Backtrace::force_capture();
        let report = panic_report(&about, panic.location(), &trace.to_string());
        let _ = io::stderr().write_all(report.as_bytes());
    }));
}

fn panic_report(about: &ProviderInfo, place: Option<&Location<'_>>, trace: &str) -> String {
    let place = place.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "panic: terraform-provider-{} {} failed at {place}\n\nThis is a bug in the provider, please report it.\n\n\
         {trace}\n",
        about.name, about.version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_report_starts_as_terraform_expects_and_says_where() {
        let about = ProviderInfo {
            name: "example",
            version: "1.2.3",
            address: "registry.terraform.io/example/example",
            log_crates: &[],
        };
        let report = panic_report(&about, Some(Location::caller()), "0: frames");
        assert!(report.starts_with(
            "panic: terraform-provider-example 1.2.3 failed at crates/tfplugin/src/serve/"
        ));
        assert!(report.ends_with("0: frames\n"));
    }
}
