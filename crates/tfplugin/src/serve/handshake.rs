//! The handshake of go-plugin: what the host puts into our environment, and the one line that the plugin prints.
//!
//! The line is `1|6|unix|ADDRESS|grpc|CERTIFICATE`, and `|false` after it for hosts that ask about multiplexing;
//! older hosts would take a seventh field for a part of the certificate. Nothing else may ever reach stdout.

use std::ffi::OsString;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::ProviderInfo;
use super::listener::{ListenOptions, Listener};
use super::tls::TlsIdentity;

/// The value that Terraform and OpenTofu put into `TF_PLUGIN_MAGIC_COOKIE`: a courtesy to people who run the binary
/// by hand, not a secret.
const MAGIC_COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// go-plugin's own protocol version.
const CORE_PROTOCOL: u8 = 1;

/// tfplugin6. It is the only one we have, so it is also what we respond when the host offers others: go-plugin says
/// to respond with the lowest version one has, and the host then names both sides in its error.
const PROTOCOL: u8 = 6;

/// The variables of go-plugin's contract. All are optional here; what is needed is checked when it is used.
#[derive(Clone, Default, Debug)]
pub(super) struct HostEnvironment {
    cookie: Option<OsString>,
    client_certificate: Option<OsString>,
    protocol_versions: Option<OsString>,
    multiplex: bool,
    /// Where to listen.
    pub(super) listen_options: ListenOptions,
}

/// Why we do not serve the process that started us.
#[derive(Clone, Copy, Debug)]
pub(super) enum HandshakeError {
    /// No cookie: a person started us.
    NotAHost,
    /// The host wants to talk in plain text.
    NoCertificate,
    /// `PLUGIN_CLIENT_CERT` is not a certificate.
    BadCertificate,
}

impl HostEnvironment {
    /// Reads this process's variables. An empty one counts as none.
    pub(super) fn from_env() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            cookie: variable("TF_PLUGIN_MAGIC_COOKIE"),
            client_certificate: variable("PLUGIN_CLIENT_CERT"),
            protocol_versions: variable("PLUGIN_PROTOCOL_VERSIONS"),
            multiplex: variable("PLUGIN_MULTIPLEX_GRPC").is_some(),
            listen_options: ListenOptions {
                socket_dir: variable("PLUGIN_UNIX_SOCKET_DIR"),
                socket_group: variable("PLUGIN_UNIX_SOCKET_GROUP"),
                min_port: variable("PLUGIN_MIN_PORT"),
                max_port: variable("PLUGIN_MAX_PORT"),
            },
        }
    }

    /// The one certificate whose owner may call us.
    pub(super) fn host_certificate(&self) -> Result<CertificateDer<'static>, HandshakeError> {
        if self.cookie.as_deref() != Some(MAGIC_COOKIE.as_ref()) {
            return Err(HandshakeError::NotAHost);
        }
        let pem = self
            .client_certificate
            .as_ref()
            .ok_or(HandshakeError::NoCertificate)?;
        CertificateDer::from_pem_slice(pem.as_encoded_bytes())
            .map_err(|_| HandshakeError::BadCertificate)
    }

    /// Whether `PLUGIN_PROTOCOL_VERSIONS` lists our protocol. A host that says nothing is given the benefit of the
    /// doubt.
    pub(super) fn offers_our_protocol(&self) -> bool {
        self.protocol_versions.as_ref().is_none_or(|versions| {
            versions
                .to_string_lossy()
                .split(',')
                .any(|version| version.trim().parse() == Ok(PROTOCOL))
        })
    }
}

impl HandshakeError {
    /// What to tell the person at the terminal.
    pub(super) fn explain(self, about: &ProviderInfo) -> String {
        match self {
            Self::NotAHost => format!(
                "This program is a plugin: Terraform and OpenTofu start it by themselves when a configuration names \
                 the provider {address}.\nRun `terraform init` and `terraform plan` in a folder with such a \
                 configuration, or this program with --help.",
                address = about.address
            ),
            Self::NoCertificate => "The provider serves only callers that prove who they are, because they act with \
                 your cloud credentials, and the caller sent no certificate in PLUGIN_CLIENT_CERT.\nIf \
                 TF_DISABLE_PLUGIN_TLS is set, unset it. To attach a debugger or a test framework, start the provider \
                 with -debug."
                .to_owned(),
            Self::BadCertificate => {
                "PLUGIN_CLIENT_CERT does not hold a certificate in PEM form. The Terraform or OpenTofu that started \
                 the provider is damaged, or something between them changed the variable."
                    .to_owned()
            }
        }
    }
}

/// The handshake line.
pub(super) fn line(
    listener: &Listener,
    identity: &TlsIdentity,
    environment: &HostEnvironment,
) -> String {
    let mut line = format!(
        "{CORE_PROTOCOL}|{PROTOCOL}|{network}|{address}|grpc|{certificate}",
        network = Listener::NETWORK,
        address = listener.address(),
        certificate = STANDARD_NO_PAD.encode(identity.certificate()),
    );
    if environment.multiplex {
        line.push_str("|false");
    }
    line.push('\n');
    line
}

/// What a developer needs in order to attach to a provider started with `-debug`.
///
/// `Test` tells the host neither to stop nor to kill us.
pub(super) fn reattach_instructions(about: &ProviderInfo, listener: &Listener) -> String {
    let providers = serde_json::json!({
        about.address: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": Listener::NETWORK, "String": listener.address() },
        }
    });
    let setting = if cfg!(windows) {
        format!(
            "  Command Prompt:  set \"TF_REATTACH_PROVIDERS={providers}\"\n  \
               PowerShell:      $env:TF_REATTACH_PROVIDERS='{providers}'"
        )
    } else {
        format!("  TF_REATTACH_PROVIDERS='{providers}'")
    };
    format!(
        "Provider started. Set this in the environment of Terraform or OpenTofu to attach to it:\n\n{setting}\n\n\
         Interrupt it (Ctrl-C) to end.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_protocol_is_found_among_those_offered() {
        let offers = |versions: Option<&str>| {
            let environment = HostEnvironment {
                protocol_versions: versions.map(OsString::from),
                ..HostEnvironment::default()
            };
            environment.offers_our_protocol()
        };
        assert!(offers(None) && offers(Some("5,6")) && offers(Some("6")));
        assert!(!offers(Some("5")) && !offers(Some("66,x,")));
    }
}
