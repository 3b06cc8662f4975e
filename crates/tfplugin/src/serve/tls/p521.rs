//! ECDSA signatures on the curve P-521, which `ring` cannot verify, for the certificate that Terraform presents.
//!
//! The `p521` crate only ever sees a public key, a public transcript and a signature here: no secret of ours passes
//! through it. These algorithms are for the plugin channel and must not get into the cloud's HTTPS.

use p521::ecdsa::signature::Verifier;
use p521::ecdsa::{DerSignature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// The one algorithm of this file, as rustls wants it.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&EcdsaP521Sha512],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&EcdsaP521Sha512])],
};

#[derive(Debug)]
struct EcdsaP521Sha512;

impl SignatureVerificationAlgorithm for EcdsaP521Sha512 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

#[cfg(test)]
mod tests {
    use p521::ecdsa::SigningKey;
    use p521::ecdsa::signature::Signer;

    use super::*;

    /// RFC 6979, A.2.7: the key, and its signature of "sample" with SHA-512.
    const SECRET: &str = "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D\
                          16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538";

    fn key() -> SigningKey {
        let bytes: Vec<u8> = (0..SECRET.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&SECRET[at..at + 2], 16).unwrap())
            .collect();
        SigningKey::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_good_signature_passes_and_nothing_else_does() {
        let key = key();
        let point = key.verifying_key().to_sec1_point(false);
        let signature: DerSignature = key.sign(b"sample");
        let verify = |point: &[u8], message: &[u8], signature: &[u8]| {
            EcdsaP521Sha512.verify_signature(point, message, signature)
        };
        assert!(verify(point.as_bytes(), b"sample", signature.as_bytes()).is_ok());

        assert!(verify(point.as_bytes(), b"simple", signature.as_bytes()).is_err());
        assert!(verify(&point.as_bytes()[1..], b"sample", signature.as_bytes()).is_err());
        for at in 0..signature.as_bytes().len() {
            let mut damaged = signature.as_bytes().to_vec();
            damaged[at] ^= 1;
            assert!(verify(point.as_bytes(), b"sample", &damaged).is_err());
        }
    }
}
