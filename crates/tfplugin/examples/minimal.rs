//! A whole provider: the resource `minimal_note`, which exists in Terraform's state alone.
use std::process::ExitCode;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tfplugin::attribute::{required, schema};
use tfplugin::schema::Schema;
use tfplugin::serve::{self, ProviderInfo};
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{
    Diagnostics, ManagedResource, Object, Provider, ProviderDefinition, StopSignal, Update,
};

const ABOUT: ProviderInfo = ProviderInfo {
    name: "minimal",
    version: "0.1.0",
    address: "registry.terraform.io/example/minimal",
    log_crates: &["minimal"],
};

struct Minimal;

#[async_trait]
impl Provider for Minimal {
    type Config<'a> = ValueEmpty;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema("Keeps notes.", []))
    }
}

struct Notes;

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Note {
    text: Value<String>,
}

#[async_trait]
impl ManagedResource for Notes {
    type State = Note;
    type Private = ();
    type Identity = ();

    fn schema(&self) -> Schema {
        schema("A note.", [required("text", "The text of the note.")])
    }

    async fn read(&self, _: &mut Diagnostics, state: Note, (): ()) -> Option<Object<Self>> {
        Some((state, ()))
    }

    async fn create(&self, _: &mut Diagnostics, planned: Note, (): ()) -> Option<Object<Self>> {
        Some((planned, ()))
    }

    async fn update(&self, _: &mut Diagnostics, update: Update<Note, ()>) -> Object<Self> {
        (update.target, ())
    }

    async fn delete(&self, _: &mut Diagnostics, _: Note, (): ()) -> Option<Object<Self>> {
        None
    }
}

fn main() -> ExitCode {
    serve::main(&ABOUT, || {
        let mut definition = ProviderDefinition::new(Minimal, StopSignal::default());
        definition.add_resource("minimal_note", Notes);
        definition
    })
}
