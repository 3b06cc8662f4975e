//! Mutual TLS with exactly one peer.
//!
//! The host puts its certificate into our environment and we put ours on the handshake line, so each side knows the
//! one certificate that the other may show. Certificate authorities, names and dates prove nothing here; what counts
//! is that the bytes are the same and that the peer holds the key. Facts behind the choices:
//!
//! - go-plugin's client certificate is self-signed, marked as an authority, on the curve P-521. The usual verifier
//!   rejects it as an end entity, and `ring` has no P-521: hence a verifier of ours and `p521`.
//! - A server that does not *offer* P-521 gets no client certificate from Go at all, and then seems to work.
//! - TLS 1.3 only, HTTP/2 only, no tickets: every connection proves itself.
//! - The cryptography is passed explicitly. A process-wide default may be missing or another library's.

mod p521;

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    ServerConfig, SignatureScheme,
};

use super::StartError;

/// Our certificate and key, fresh at each start, and the one certificate that may call.
pub(super) struct TlsIdentity {
    certificate: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

impl TlsIdentity {
    /// Makes a key pair and its certificate, to be shown to the owner of `host_certificate` alone.
    pub(super) fn generate(host_certificate: CertificateDer<'static>) -> Result<Self, StartError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key)?.der().clone();

        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(PinnedClientCertVerifier {
            certificate: host_certificate,
            crypto: Arc::clone(&crypto),
        });
        let mut config = ServerConfig::builder_with_provider(crypto)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self {
            certificate,
            config: Arc::new(config),
        })
    }

    /// Our certificate, in DER.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Accepts TLS connections as this identity.
    pub(super) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        Arc::clone(&self.config).into()
    }
}

/// Lets the owner of one certificate in, and nobody else.
#[derive(Debug)]
struct PinnedClientCertVerifier {
    certificate: CertificateDer<'static>,
    crypto: Arc<CryptoProvider>,
}

impl PinnedClientCertVerifier {
    /// P-521 by `p521`, everything else by the library. go-plugin has only ever used P-521, but says nowhere that it
    /// always will.
    fn algorithms(&self, scheme: SignatureScheme) -> &WebPkiSupportedAlgorithms {
        if scheme == SignatureScheme::ECDSA_NISTP521_SHA512 {
            &p521::ALGORITHMS
        } else {
            &self.crypto.signature_verification_algorithms
        }
    }
}

impl ClientCertVerifier for PinnedClientCertVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Not reached: the configuration has TLS 1.3 alone.
        Err(PeerIncompatible::SupportedVersionsExtensionRequired.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.algorithms(signature.scheme);
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self
            .crypto
            .signature_verification_algorithms
            .supported_schemes();
        schemes.extend(p521::ALGORITHMS.supported_schemes());
        schemes
    }
}
