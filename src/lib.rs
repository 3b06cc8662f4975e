//! Terraform/OpenTofu provider for `ApsaraVideo` Live edge transcode jobs, and the mock API that ships with it.
//!
//! One room a concern; `ARCHITECTURE.md` draws them and the arrows between them, `tests/tidy.rs` guards the arrows.
//!
//! | room | what lives there |
//! |---|---|
//! | [`plugin`] | how Terraform talks to us: handshake, mutual TLS, gRPC services, wire conversion, logging |
//! | [`terraform`] | the vocabulary that provider and plugin share |
//! | [`provider`] | what we offer: configuration and resources |
//! | [`signals`] | what asks a process to end |

pub mod plugin;
pub mod provider;
pub mod signals;
pub mod terraform;
