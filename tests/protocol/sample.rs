//! A small definition with the behavior that the server must live with.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tfplugin::attribute::{block, computed, optional, required, text_parameter};
use tfplugin::schema::{Attribute, FunctionSchema, Parameter, Schema, Type};
use tfplugin::value::{Value, ValueEmpty, ValueString};
use tfplugin::{
    Action, AttributePath, DataSource, Diagnostic, Diagnostics, Function, IdentitySchema,
    ListResource, ListResults, ManagedResource, MoveSource, Object, ProgressReporter, Provider,
    ProviderDefinition, StopSignal, Update, diagnostic,
};
use tokio::sync::Semaphore;

pub const THING: &str = "sample_thing";
pub const POKE: &str = "sample_poke";
pub const GREETING: &str = "sample_greeting";
pub const REPEAT: &str = "repeat";

/// What a test sees of the definition from behind.
#[derive(Clone)]
pub struct Backstage {
    /// Holds a permit for each call that has come to wait for a stop.
    pub waiting: Arc<Semaphore>,
    /// A permit lets a thing go on that lingers after a stop.
    pub lingering: Arc<Semaphore>,
    /// Holds a permit for each list that has come to its end in whatever way, and for each thing and each action that
    /// waited and has come to its own.
    pub over: Arc<Semaphore>,
    /// What the server raises.
    pub stop: StopSignal,
}

impl Backstage {
    /// `wait` waits for a stop, `linger` goes on after that until it is let go. Whether `name` is one of them, and so was
    /// stopped.
    async fn is_stopped(&self, name: &Value<String>) -> bool {
        let lingers = name.contains(&"linger");
        if !lingers && !name.contains(&"wait") {
            return false;
        }
        let stopped = self.stop.token();
        self.waiting.add_permits(1);
        stopped.cancelled().await;
        if lingers {
            self.waiting.add_permits(1);
            let _let_go = self.lingering.acquire().await;
        }
        self.over.add_permits(1);
        true
    }
}

pub fn definition() -> (ProviderDefinition, Backstage) {
    let event = || Arc::new(Semaphore::new(0));
    let backstage = Backstage {
        waiting: event(),
        lingering: event(),
        over: event(),
        stop: StopSignal::default(),
    };
    let configured_by = Arc::new(Mutex::new(String::from("nobody")));
    let provider = Sample {
        configured_by: Arc::clone(&configured_by),
    };
    let mut definition = ProviderDefinition::new(provider, backstage.stop.clone());
    definition.add_resource(THING, Thing(backstage.clone()));
    definition.add_list_resource(THING, Things(backstage.clone()));
    definition.add_action(POKE, Poke(backstage.clone()));
    definition.add_data_source(GREETING, Greeting { configured_by });
    definition.add_function(REPEAT, Repeat);
    (definition, backstage)
}

fn schema(attributes: impl IntoIterator<Item = (&'static str, Attribute)>) -> Schema {
    let block = block("", attributes);
    Schema { version: 1, block }
}

fn problem(attribute: &'static str, summary: &'static str) -> Diagnostic {
    diagnostic::at(AttributePath::new(attribute), summary, "")
}

struct Sample {
    configured_by: Arc<Mutex<String>>,
}

#[derive(Serialize, Deserialize)]
struct SampleConfig<'a> {
    #[serde(borrow)]
    region: ValueString<'a>,
}

#[async_trait]
impl Provider for Sample {
    type Config<'a> = SampleConfig<'a>;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema([optional("region", "")]))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: SampleConfig<'a>,
    ) -> Option<()> {
        if config.region == Value::from("nowhere") {
            diagnostics.add_error(problem("region", "No such region"));
        }
        Some(())
    }

    async fn configure<'a>(
        &self,
        _: &mut Diagnostics,
        terraform_version: String,
        _: SampleConfig<'a>,
    ) -> Option<()> {
        *self.configured_by.lock().unwrap() = terraform_version;
        Some(())
    }
}

struct Thing(Backstage);

/// What a thing does depends on its name: `panic` panics, `wait` and `linger` fail half created after a stop, every other
/// name works.
#[derive(Serialize, Deserialize, Clone)]
pub struct ThingState {
    pub id: Value<String>,
    pub name: Value<String>,
}

impl Thing {
    async fn apply(&self, diagnostics: &mut Diagnostics, mut state: ThingState) -> Object<Self> {
        state.id = Value::from("created".to_owned());
        assert!(!state.name.contains(&"panic"), "hunter2");
        if self.0.is_stopped(&state.name).await {
            let error = diagnostic::general("Stopped", "The thing is half created.");
            diagnostics.add_error(error);
        }
        (state, "private".to_owned())
    }
}

#[derive(Serialize, Deserialize)]
pub struct ThingIdentity {
    pub id: String,
}

#[async_trait]
impl ManagedResource for Thing {
    type State = ThingState;
    type Private = String;
    type Identity = ThingIdentity;

    fn schema(&self) -> Schema {
        schema([required("name", ""), computed("id", "")])
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: ThingState) {
        match config.name.as_deref_option() {
            Some("panic") => panic!("hunter2"),
            Some("") => diagnostics.add_error(problem("name", "Name is empty")),
            _ => {}
        }
    }

    async fn read(
        &self,
        _: &mut Diagnostics,
        state: ThingState,
        private: String,
    ) -> Option<Object<Self>> {
        (!state.name.contains(&"gone")).then_some((state, private))
    }

    async fn plan_create(
        &self,
        _: &mut Diagnostics,
        mut proposed: ThingState,
        _: ThingState,
        private: String,
        _: bool,
    ) -> Option<Object<Self>> {
        proposed.id = Value::Unknown;
        Some((proposed, private))
    }

    async fn plan_update(
        &self,
        _: &mut Diagnostics,
        update: Update<ThingState, String>,
    ) -> Option<(Object<Self>, Vec<AttributePath>)> {
        let renamed = update.prior.name != update.target.name;
        let renamed = renamed.then(|| AttributePath::new("name"));
        Some((
            (update.target, update.private),
            renamed.into_iter().collect(),
        ))
    }

    async fn create(
        &self,
        diagnostics: &mut Diagnostics,
        planned: ThingState,
        _: String,
    ) -> Option<Object<Self>> {
        Some(self.apply(diagnostics, planned).await)
    }

    async fn update(
        &self,
        diagnostics: &mut Diagnostics,
        update: Update<ThingState, String>,
    ) -> Object<Self> {
        self.apply(diagnostics, update.target).await
    }

    async fn delete(&self, _: &mut Diagnostics, _: ThingState, _: String) -> Option<Object<Self>> {
        None
    }

    async fn import(&self, _: &mut Diagnostics, id: String) -> Option<Object<Self>> {
        let state = ThingState {
            id: Value::Value(id),
            name: Value::from("imported".to_owned()),
        };
        Some((state, String::new()))
    }

    fn identity_schema(&self) -> IdentitySchema {
        IdentitySchema {
            version: 1,
            attributes: vec![("id", "What it is known by.")],
        }
    }

    fn identity(&self, state: &ThingState) -> Option<ThingIdentity> {
        let id = state.id.as_deref_option()?.to_owned();
        Some(ThingIdentity { id })
    }

    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: ThingIdentity,
    ) -> Option<Object<Self>> {
        self.import(diagnostics, identity.id).await
    }

    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<Object<Self>> {
        if source.type_name != "other_thing" {
            diagnostics.add_error(diagnostic::general("Not a thing", ""));
            return None;
        }
        let of_identity = source.identity.as_ref();
        let id = of_identity.map(|id| id.decode::<ThingIdentity>().unwrap().id);
        let name = format!("{} {}", source.provider_address, source.schema_version);
        let state = ThingState {
            id: id.into(),
            name: Value::Value(name),
        };
        Some((state, "ours".to_owned()))
    }

    fn generate_config(&self, state: ThingState) -> ThingState {
        ThingState {
            id: Value::Null,
            ..state
        }
    }
}

/// Finds the things that are called by what the configuration says, numbered from 1 on. There is no end of them, except
/// of `few`, which are two, with a warning and an error; `panic` panics after the first one.
struct Things(Backstage);

#[derive(Deserialize)]
pub struct ThingsConfig {
    called: Value<String>,
}

/// Adds a permit when a list is over, in whatever way.
struct Over(Arc<Semaphore>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

#[async_trait]
impl ListResource for Things {
    type Config = ThingsConfig;

    fn schema(&self) -> Schema {
        schema([required("called", "")])
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &ThingsConfig) {
        if config.called.contains(&"nothing") {
            diagnostics.add_error(problem("called", "Nothing is called that"));
        }
    }

    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: ThingsConfig,
        results: &mut ListResults,
    ) {
        let _over = Over(Arc::clone(&self.0.over));
        let Value::Value(called) = config.called else {
            panic!("the configuration is known");
        };
        for number in 1.. {
            let id = format!("{called}-{number}");
            let identity = ThingIdentity { id: id.clone() };
            let object = ThingState {
                id: Value::Value(id.clone()),
                name: Value::Value(called.clone()),
            };
            let added = results.add(diagnostics, &identity, id, &object).await;
            assert!(called != "panic", "hunter2");
            if added.is_break() {
                return;
            }
            if called == "few" && number == 2 {
                diagnostics.add_warning(diagnostic::general("Few", ""));
                diagnostics.add_error(problem("called", "No more"));
                return;
            }
        }
    }
}

/// Pokes whom the configuration names, and reports it: `nobody` is rejected, `panic` panics half-way, `wait` and `linger` fail
/// after a stop.
struct Poke(Backstage);

#[derive(Deserialize)]
pub struct PokeConfig {
    whom: Value<String>,
}

#[async_trait]
impl Action for Poke {
    type Config = PokeConfig;

    fn schema(&self) -> Schema {
        schema([required("whom", "")])
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &PokeConfig) {
        if config.whom.contains(&"nobody") {
            diagnostics.add_error(problem("whom", "Nobody to poke"));
        }
    }

    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: PokeConfig,
        progress: &ProgressReporter,
    ) {
        progress.report("reaching out");
        assert!(!config.whom.contains(&"panic"), "hunter2");
        if self.0.is_stopped(&config.whom).await {
            diagnostics.add_error(diagnostic::general("Stopped", "Nobody is poked."));
            return;
        }
        progress.report("poked");
    }
}

/// Greets whom the configuration names, on behalf of who configured the provider; `nobody` is an error.
struct Greeting {
    configured_by: Arc<Mutex<String>>,
}

#[derive(Serialize, Deserialize)]
struct GreetingState<'a> {
    #[serde(borrow)]
    whom: ValueString<'a>,
    text: ValueString<'a>,
}

#[async_trait]
impl DataSource for Greeting {
    type State<'a> = GreetingState<'a>;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema([required("whom", ""), computed("text", "")]))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: GreetingState<'a>,
    ) -> Option<()> {
        if config.whom == Value::from("nobody") {
            diagnostics.add_warning(problem("whom", "Nobody to greet"));
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: GreetingState<'a>,
        _: ValueEmpty,
    ) -> Option<GreetingState<'a>> {
        if config.whom == Value::from("nobody") {
            diagnostics.add_error(problem("whom", "Nobody to greet"));
            return None;
        }
        let greeter = self.configured_by.lock().unwrap().clone();
        Some(GreetingState {
            text: Value::Value(format!("hello from {greeter}").into()),
            ..config
        })
    }
}

/// `repeat(text, times)`.
struct Repeat;

#[async_trait]
impl Function for Repeat {
    type Input<'a> = (Cow<'a, str>, i64);
    type Output<'a> = String;

    fn schema(&self, _: &mut Diagnostics) -> Option<FunctionSchema> {
        let times = Parameter {
            param_type: Type::Number,
            ..text_parameter("times", "")
        };
        Some(FunctionSchema {
            parameters: vec![text_parameter("text", ""), times],
            return_type: Type::String,
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        (text, times): (Cow<'a, str>, i64),
    ) -> Option<String> {
        let Ok(times) = usize::try_from(times) else {
            diagnostics.add_error(diagnostic::at(
                AttributePath::function_argument(1),
                "Less than nothing",
                "",
            ));
            return None;
        };
        Some(text.repeat(times))
    }
}
