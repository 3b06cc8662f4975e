//! Client certificates as go-plugin's host makes them, and the keys to them.
//!
//! go-plugin signs with ECDSA on P-521 and marks the certificate as an authority. `ring` cannot sign on that curve, so
//! certificate and handshake are signed by the crate `p521`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{DerSignature, SigningKey};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, alg_id};
use rustls::sign::{CertifiedKey, Signer, SigningKey as AnyKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

/// A certificate and a key, which need not belong together.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    pub key: Arc<dyn AnyKey>,
}

impl Identity {
    /// A fresh one as go-plugin makes it.
    pub fn like_go_plugin() -> Self {
        let mut secret = [0; 66];
        getrandom::fill(&mut secret).unwrap();
        // Below the order of the curve, which is a little less than 2^521.
        secret[0] = 0;
        let key = SigningKey::from_slice(&secret).unwrap();
        Self {
            certificate: self_signed(&key).into(),
            key: Arc::new(P521Key(key)),
        }
    }

    /// A fresh one on the curve that everybody has.
    pub fn on_p256() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Self {
            certificate: made.cert.der().clone(),
            key: rustls::crypto::ring::sign::any_ecdsa_type(&key.into()).unwrap(),
        }
    }

    /// The certificate as it is passed to a plugin.
    pub fn pem(&self) -> String {
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&self.certificate)
        )
    }

    pub fn certified_key(&self) -> CertifiedKey {
        CertifiedKey::new(vec![self.certificate.clone()], Arc::clone(&self.key))
    }
}

#[derive(Clone, Debug)]
struct P521Key(SigningKey);

impl AnyKey for P521Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&self.scheme())
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P521Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: DerSignature = self.0.sign(message);
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

// Tags of DER.
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_3: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// X.509 version 3, for `localhost`, signed by its own key, an authority.
fn self_signed(key: &SigningKey) -> Vec<u8> {
    let sequence = |parts: &[&[u8]]| der(SEQUENCE, parts);
    let algorithm = sequence(&[alg_id::ECDSA_SHA512.as_ref()]);
    let common_name = sequence(&[
        &der(OBJECT, &[COMMON_NAME]),
        &der(UTF8_STRING, &[b"localhost"]),
    ]);
    let name = sequence(&[&der(SET, &[&common_name])]);
    let validity = sequence(&[
        &der(UTC_TIME, &[b"200101000000Z"]),
        &der(UTC_TIME, &[b"491231235959Z"]),
    ]);
    let point = key.verifying_key().to_sec1_point(false);
    let public_key = sequence(&[
        &sequence(&[alg_id::ECDSA_P521.as_ref()]),
        &der(BIT_STRING, &[&[0], point.as_bytes()]),
    ]);
    let authority = sequence(&[
        &der(OBJECT, &[BASIC_CONSTRAINTS]),
        &der(BOOLEAN, &[&[0xff]]),
        &der(OCTET_STRING, &[&sequence(&[&der(BOOLEAN, &[&[0xff]])])]),
    ]);
    let names = sequence(&[
        &der(OBJECT, &[SUBJECT_ALT_NAME]),
        &der(
            OCTET_STRING,
            &[&sequence(&[&der(DNS_NAME, &[b"localhost"])])],
        ),
    ]);
    let body = sequence(&[
        &der(EXPLICIT_0, &[&der(INTEGER, &[&[2]])]),
        &der(INTEGER, &[&[1]]),
        &algorithm,
        &name,
        &validity,
        &name,
        &public_key,
        &der(EXPLICIT_3, &[&sequence(&[&authority, &names])]),
    ]);
    let signature: DerSignature = key.sign(&body);
    let signature = der(BIT_STRING, &[&[0], signature.as_bytes()]);
    sequence(&[&body, &algorithm, &signature])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    let length = u16::try_from(content.len()).unwrap();
    match length.to_be_bytes() {
        [0, short @ ..0x80] => out.push(short),
        [0, long] => out.extend([0x81, long]),
        long => out.extend([&[0x82], long.as_slice()].concat()),
    }
    out.extend(content);
    out
}
