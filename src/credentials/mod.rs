//! Where access keys come from.
//!
//! Today: the provider block and the environment, argument by argument, as the official provider does it. An
//! argument that is set in the block beats every variable; among variables the first that is not empty wins.

mod resolve;

use secrecy::SecretString;

pub use resolve::{
    ACCESS_KEY_VARIABLES, CredentialsError, SECRET_KEY_VARIABLES, SECURITY_TOKEN_VARIABLES,
};
pub use resolve::{Given, resolve};

/// A key pair to sign with. Its `Debug` shows no secret, and the secrets are zeroed when it is dropped.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Names the key; travels in clear with each request.
    pub access_key_id: String,
    /// Signs; never travels.
    pub access_key_secret: SecretString,
    /// Comes with temporary keys and travels with each request.
    pub security_token: Option<SecretString>,
}
