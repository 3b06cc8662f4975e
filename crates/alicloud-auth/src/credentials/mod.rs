//! Sources of credentials, and a cache that renews temporary credentials before they expire.
//!
//! | module | purpose |
//! |---|---|
//! | `model` | an access key pair |
//! | `source` | the trait of a credentials source, its result and its error |
//! | `discovery` | the configuration of the sources, and what a source reports about it |
//! | `chain` | the order of the sources, and the selection of one |
//! | `sources/` | one file for each source |
//! | `account` | the account that owns the credentials, and the caller identity |
//! | `sts` | calls of the Security Token Service |
//! | `response` | credentials and errors in responses |
//! | `cache` | the credentials of one source: renewal, and what is remembered of failures |
//! | `clock` | the server's time, learned from responses |
//! | `region` | region IDs, which become parts of host names |
//! | `system/` | files, HTTP, other programs, clock and environment, as values that tests replace |
//!
//! # From arguments to credentials
//!
//! 1. [`select_source`] asks each source in the order of the official provider. Each is *not configured* (the next one
//!    is asked), *invalid* (the selection fails: another identity must never take the place of the intended one) or
//!    *found*. This reads arguments, environment variables and files, and makes no network call. A value that is present
//!    and wrong is an `InvalidInput`, which names the variable, the argument or the field of the file.
//! 2. `apply_assume_role` (`assume_role.rs`) adds the role of the `assume_role` block or of a profile of mode
//!    `RamRoleArn`, also if the access key pair comes from elsewhere.
//! 3. [`CredentialsCache`] owns the source. The API client calls [`CredentialsCache::get`] before each attempt, so
//!    that no attempt is signed with expired credentials.
//! 4. The first `get` makes the network calls of the source. From 180 s before expiry, `get` starts a renewal in the
//!    background, at most once in 30 s, and returns the old credentials immediately. After expiry it waits for that
//!    renewal. [`ServerClock`] decides what has expired: the clock of this machine, corrected by the `Date` header of
//!    STS responses.
//! 5. All callers share a failure. After a transient one the cache asks the source again after a growing pause. Callers
//!    wait through the first five attempts; then they, and all later callers until the next attempt, get the error. A
//!    permanent failure is returned to all callers for a minute. So a call's retries repeat nothing that the cache knows.
//! 6. The API may still reject credentials with `InvalidSecurityToken.Expired` or `InvalidAccessKeyId.NotFound` (a
//!    clock is off, or they were revoked). Unless they are static, the cache drops them, and the call is retried once
//!    with new ones.
//!
//! Files are read on another thread, with a timeout, and only regular ones of up to 1 MiB. A program leads a process
//! group of its own, which is killed as a whole. `environment/proxy.rs` selects the proxy of a call, for the API client
//! too.

mod account;
mod cache;
mod chain;
mod clock;
mod discovery;
mod model;
mod region;
mod response;
mod source;
mod sources;
mod sts;
mod system;

pub use account::Identity;
pub use cache::CredentialsCache;
pub use chain::{NoCredentials, select_source};
pub use clock::{Clock, Moment, ServerClock, SystemClock};
pub use discovery::{AssumeRole, AssumeRoleWithOidc, CredentialsConfig, SelectedSource, Warning};
pub use model::Credentials;
pub use region::Region;
pub use source::{CredentialsSource, LoadedCredentials, SourceError};
pub use sources::access_key::{
    ACCESS_KEY_VARIABLES, SECRET_KEY_VARIABLES, SECURITY_TOKEN_VARIABLES,
};
pub use sts::CallerIdentity;
pub use system::{
    CommandExecute, CommandOutput, FileAccess, FileText, HttpRequest, HttpResponse, HttpSend,
    LockedFile, ProxyPolicy, SystemContext, random_bits,
};
