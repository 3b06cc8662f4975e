//! Who calls Alibaba Cloud: access keys, the signatures that they make, and the environment that both are read from.
//!
//! | module | what it is for |
//! |---|---|
//! | [`credentials`] | where access keys come from, and how they stay fresh |
//! | [`signing`] | signatures, as pure functions |
//! | [`environment`] | environment variables as a value, and the proxies that they name |

pub mod credentials;
pub mod environment;
pub mod signing;
