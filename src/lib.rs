//! Terraform/OpenTofu provider for `ApsaraVideo` Live edge transcode jobs, and the mock API that ships with it.
//!
//! One room a concern; `ARCHITECTURE.md` draws them and the arrows between them, `tests/tidy.rs` guards the arrows.
//!
//! | room | what lives there |
//! |---|---|
//! | [`provider`] | what we offer: configuration and resources |

pub mod provider;
