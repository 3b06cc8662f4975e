//! The plugin protocol as Terraform core speaks it: a real process, a real handshake, real gRPC.

mod generated_code;
