//! The vocabulary that provider and plugin share: what a resource, a data source, a function, an action and a provider
//! are, without a word of gRPC or of the cloud.
//!
//! Schemas, values, diagnostics, paths and the *typed* traits ([`DataSource`], [`Function`], [`Provider`]) are the crate [`tf_provider`]'s. Beside them stands what it lacks:
//!
//! - [`DynResource`] and its siblings: object-safe forms of the typed traits that our own plugin server can
//!   call. Every typed implementation is one automatically, so provider code only ever implements typed traits.
//! - [`ManagedResource`], [`ListResource`] and [`Action`]: typed traits that the crate does not have, or not with all that
//!   Terraform offers today.
//! - [`EncodedValue`]: a value in the encoding in which it crosses the border, and the codec that names the attribute
//!   at which decoding failed.
//! - [`Number`]: a number of a configuration, which need not be whole.
//! - [`attribute`]: schema attributes in few words.
//! - [`diagnostic`]: diagnostics that never carry a backtrace.
//! - [`unknown_attributes`]: which attributes of an object are not known yet.
//! - [`StopSignal`]: the user pressed Ctrl-C, or the host is gone.
//! - [`ProviderDefinition`]: all that one provider binary serves.

mod action;
pub mod attribute;
mod data_source;
pub mod diagnostic;
mod encoded;
mod function;
#[doc(hidden)]
pub mod generated;
mod list_resource;
mod number;
mod provider;
mod resource;
pub mod serve;
mod served_resource;
mod stop;
mod unknown;

pub use action::{Action, DynAction, ProgressReporter};
pub use data_source::DynDataSource;
pub use encoded::EncodedValue;
pub use function::DynFunction;
pub use list_resource::{DynListResource, Found, ListResource, ListResults};
pub use number::Number;
pub use provider::{DynProvider, ProviderDefinition};
pub use resource::{IdentitySchema, ManagedResource, MoveSource, Object, Update};
pub use served_resource::{Change, DynResource, Planned, ResourceInstanceObject};
pub use stop::StopSignal;
pub use unknown::unknown_attributes;

pub use tf_provider::{
    AttributePath, AttributePathStep, DataSource, Diagnostic, Diagnostics, Function, Provider,
    schema, value,
};
