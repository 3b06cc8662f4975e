//! How Terraform talks to us: everything between a process being started and a call reaching the provider.
//!
//! Terraform core starts the binary, reads one line from its stdout, connects to the socket that the line names and
//! speaks gRPC over mutual TLS. This module does that for any [`ProviderDefinition`]; it knows no resource and no cloud. The
//! vocabulary of what is offered is [`crate`]'s. The server that comes with the crate `tf_provider` is not
//! used: it accepts callers without a client certificate and dies on Ctrl-C in the middle of an apply.
//!
//! | file | concern |
//! |---|---|
//! | `arguments`, `handshake` | how we were started, and the line printed for it |
//! | `listener`, `tls`, `connections` | who may reach us: a private socket, one certificate |
//! | `server`, `service`, `convert` | gRPC: calls and their conversion |
//! | `process`, `signals`, `log` | when the process ends, what it says on the way |

mod arguments;
mod connections;
mod convert;
mod handshake;
mod listener;
mod log;
mod process;
mod server;
mod service;
mod signals;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::ProviderDefinition;
use arguments::Mode;
use handshake::{HandshakeError, HostEnvironment};
use listener::Listener;
use process::Shutdown;
use tls::TlsIdentity;

pub use connections::{Connection, Duplex};
pub use server::serve;

/// Who we are, for the texts that a person reads.
#[derive(Clone, Copy, Debug)]
pub struct ProviderInfo {
    /// The provider's type, such as `alicloud-live`.
    pub name: &'static str,
    /// The provider's version.
    pub version: &'static str,
    /// The provider's full source address.
    pub address: &'static str,
    /// The crates whose log events are written, beside this one. Others stay silent: libraries log frames and headers,
    /// and a header may contain a signature.
    pub log_crates: &'static [&'static str],
}

/// The program: serves what `offer` gives, in the way in which the command line and the environment ask for it.
pub fn main(about: &ProviderInfo, offer: impl FnOnce() -> ProviderDefinition) -> ExitCode {
    process::report_panics(about);
    let done = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Mode::Version) => say(&format!(
            "terraform-provider-{} {}\n",
            about.name, about.version
        )),
        Ok(Mode::Help) => say(&arguments::help(about)),
        Ok(Mode::Plugin) => serve_plugin(about, offer),
        Ok(Mode::Debug) => serve_debug(about, offer),
        Err(unknown) => Err(unknown.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The reader may be gone, and then there is nobody to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// An error that ends the program before it serves; its text is for the person at the terminal.
type StartError = Box<dyn std::error::Error>;

/// Started by Terraform or OpenTofu: verifies that, responds with the handshake line, serves until the shutdown.
fn serve_plugin(
    about: &ProviderInfo,
    offer: impl FnOnce() -> ProviderDefinition,
) -> Result<(), StartError> {
    let environment = HostEnvironment::from_env();
    let host_certificate = environment
        .host_certificate()
        .map_err(|rejection: HandshakeError| rejection.explain(about))?;
    log::start(about);

    let identity = TlsIdentity::generate(host_certificate)?;
    let definition = offer();
    process::run(async {
        let shutdown = Shutdown::default();
        shutdown.follow_host(definition.stop.clone())?;
        let listener = Listener::bind(&environment.listen_options)?;
        if !environment.offers_our_protocol() {
            // The host words the error better than we can: it knows which provider was asked for.
            tracing::warn!("the host does not speak plugin protocol 6");
        }
        say(&handshake::line(&listener, &identity, &environment))?;
        tracing::debug!(version = about.version, "serving");
        serve_on(&listener, Some(&identity), definition, &shutdown).await
    })
}

/// Started by a developer, to be attached to by hand and debugged: no cookie, no TLS, many commands in a row.
fn serve_debug(
    about: &ProviderInfo,
    offer: impl FnOnce() -> ProviderDefinition,
) -> Result<(), StartError> {
    log::start(about);
    let environment = HostEnvironment::from_env();
    let definition = offer();
    process::run(async {
        let shutdown = Shutdown::default();
        shutdown.follow_user()?;
        let listener = Listener::bind(&environment.listen_options)?;
        say(&handshake::reattach_instructions(about, &listener))?;
        serve_on(&listener, None, definition, &shutdown).await
    })
}

/// Serves the callers that get through to `listener`, until `shutdown` and the grace after it are over.
async fn serve_on(
    listener: &Listener,
    identity: Option<&TlsIdentity>,
    definition: ProviderDefinition,
    shutdown: &Shutdown,
) -> Result<(), StartError> {
    listener.sweep();
    let (accepted, connections) = mpsc::channel(1);
    let connections = ReceiverStream::new(connections);
    tokio::select! {
        served = serve(definition, connections, shutdown.requested.clone()) => served?,
        never = connections::accept(listener, identity, &accepted) => match never {},
        () = shutdown.overdue() => tracing::warn!("the process ends and waits no longer for calls that run"),
    }
    Ok(())
}

/// The only way to stdout. `println!` would panic when the reader is gone.
fn say(text: &str) -> Result<(), StartError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}
