//! A Terraform provider plugin in Rust, on both sides of its border: the types that a provider implements, and the server
//! that Terraform speaks to (plugin protocol 6.11). Nothing here knows a cloud.
//!
//! Three types to begin with:
//!
//! - [`ManagedResource`]: what a resource implements, with its schema, state and life cycle as Rust types;
//! - [`ProviderDefinition`]: everything that one provider binary serves;
//! - [`serve::main`]: runs it as the process that Terraform starts.
//!
//! ```
//! use async_trait::async_trait;
//! use serde::{Deserialize, Serialize};
//! use tfplugin::attribute::{required, schema};
//! use tfplugin::schema::Schema;
//! use tfplugin::value::Value;
//! use tfplugin::{Diagnostics, ManagedResource, Object, Update};
//!
//! #[derive(Serialize, Deserialize, Default)]
//! #[serde(default)]
//! struct Note {
//!     text: Value<String>,
//! }
//!
//! /// A resource that exists in the state alone.
//! struct Notes;
//!
//! #[async_trait]
//! impl ManagedResource for Notes {
//!     type State = Note;
//!     type Private = ();
//!     type Identity = ();
//!
//!     fn schema(&self) -> Schema {
//!         schema("A note.", [required("text", "The text of the note.")])
//!     }
//!
//!     async fn read(&self, _: &mut Diagnostics, state: Note, (): ()) -> Option<Object<Self>> {
//!         Some((state, ()))
//!     }
//!
//!     async fn create(&self, _: &mut Diagnostics, planned: Note, (): ()) -> Option<Object<Self>> {
//!         Some((planned, ()))
//!     }
//!
//!     async fn update(&self, _: &mut Diagnostics, update: Update<Note, ()>) -> Object<Self> {
//!         (update.target, ())
//!     }
//!
//!     async fn delete(&self, _: &mut Diagnostics, _: Note, (): ()) -> Option<Object<Self>> {
//!         None
//!     }
//! }
//!
//! assert_eq!(Notes.schema().version, 0);
//! ```
//!
//! `examples/minimal.rs` is a whole provider around it.
//!
//! Schemas, values, diagnostics, paths and the traits [`DataSource`], [`Function`] and [`Provider`] are those of the crate
//! [`tf_provider`]. This crate adds what that one lacks:
//!
//! | item | purpose |
//! |---|---|
//! | [`ManagedResource`], [`ListResource`], [`Action`] | typed traits with all that Terraform offers today |
//! | [`DynResource`] and its siblings | object-safe forms for the server; every typed implementation is one |
//! | [`EncodedValue`] | a value as it crosses the border; decoding errors name the attribute |
//! | [`Number`] | a number of a configuration, whole or not |
//! | [`attribute`], [`diagnostic`] | schema attributes and diagnostics in few words |
//! | [`unknown_attributes`] | the attributes of an object that are not known yet |
//! | [`StopSignal`] | cancellation: Ctrl-C, or a host that is gone |

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
mod required;
mod resource;
pub mod serve;
mod served_resource;
mod stop;
mod unknown;

pub use action::{Action, DynAction, ProgressReporter};
pub use data_source::DynDataSource;
pub use encoded::EncodedValue;
pub use function::DynFunction;
pub use list_resource::{DynListResource, ListResource, ListResult, ListResults};
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
