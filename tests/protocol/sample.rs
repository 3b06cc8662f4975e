//! A small offering with the behaviours that the server must live with.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use alicloud_live::terraform::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, FunctionSchema, Parameter, Schema, Type,
};
use alicloud_live::terraform::value::{Value, ValueEmpty, ValueString};
use alicloud_live::terraform::{
    Action, AttributePath, DataSource, Diagnostics, Encoded, Findings, Function, IdentitySchema,
    ListResource, ManagedResource, MoveSource, Offering, Progress, Provider, Resource, StopSignal,
    diagnostic,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

pub const THING: &str = "sample_thing";
pub const POKE: &str = "sample_poke";
pub const GREETING: &str = "sample_greeting";
pub const REPEAT: &str = "repeat";

/// What a test sees of the offering from behind.
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

pub fn offering() -> (Offering, Backstage) {
    let stop = StopSignal::default();
    let backstage = Backstage {
        waiting: Arc::new(Semaphore::new(0)),
        lingering: Arc::new(Semaphore::new(0)),
        over: Arc::new(Semaphore::new(0)),
        stop: stop.clone(),
    };
    let configured_by = Arc::new(Mutex::new(String::from("nobody")));
    let thing = Thing {
        stop: stop.clone(),
        backstage: backstage.clone(),
    };
    let poke = Poke {
        stop: stop.clone(),
        backstage: backstage.clone(),
    };
    let things = Things {
        backstage: backstage.clone(),
    };
    let greeting = Greeting {
        configured_by: Arc::clone(&configured_by),
    };
    let offering = Offering {
        provider: Box::new(Sample { configured_by }),
        resources: [(THING.to_owned(), Box::new(thing) as _)].into(),
        list_resources: [(THING.to_owned(), Box::new(things) as _)].into(),
        actions: [(POKE.to_owned(), Box::new(poke) as _)].into(),
        data_sources: [(GREETING.to_owned(), Box::new(greeting) as _)].into(),
        functions: [(REPEAT.to_owned(), Box::new(Repeat) as _)].into(),
        stop,
    };
    (offering, backstage)
}

fn schema(attributes: &[(&str, AttributeConstraint)]) -> Schema {
    let attributes = attributes.iter().map(|(name, constraint)| {
        let attribute = Attribute {
            attr_type: AttributeType::String,
            constraint: constraint.clone(),
            ..Attribute::default()
        };
        ((*name).to_owned(), attribute)
    });
    Schema {
        version: 1,
        block: Block {
            attributes: attributes.collect(),
            ..Block::default()
        },
    }
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
        Some(schema(&[("region", AttributeConstraint::Optional)]))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: SampleConfig<'a>,
    ) -> Option<()> {
        if config.region == Value::from("nowhere") {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("region"),
                "No such region",
                "",
            ));
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

struct Thing {
    stop: StopSignal,
    backstage: Backstage,
}

/// What a thing does depends on its name: `panic` panics, `wait` waits for a stop and then fails half-made, `linger` goes
/// on after that until it is let go, every other name works.
#[derive(Serialize, Deserialize, Clone)]
pub struct ThingState<'a> {
    #[serde(borrow)]
    pub id: ValueString<'a>,
    pub name: ValueString<'a>,
}

impl Thing {
    async fn make<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        mut state: ThingState<'a>,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        state.id = Value::from("made");
        assert!(state.name != Value::from("panic"), "hunter2");
        if [Value::from("wait"), Value::from("linger")].contains(&state.name) {
            let stopped = self.stop.token();
            self.backstage.waiting.add_permits(1);
            stopped.cancelled().await;
            if state.name == Value::from("linger") {
                self.backstage.waiting.add_permits(1);
                let _let_go = self.backstage.lingering.acquire().await;
            }
            self.backstage.over.add_permits(1);
            diagnostics.add_error(diagnostic::general("Stopped", "The thing is half made."));
        }
        Some((state, Value::from("private")))
    }
}

#[async_trait]
impl Resource for Thing {
    type State<'a> = ThingState<'a>;
    type PrivateState<'a> = ValueString<'a>;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema(&[
            ("name", AttributeConstraint::Required),
            ("id", AttributeConstraint::Computed),
        ]))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: ThingState<'a>,
    ) -> Option<()> {
        match config.name.as_deref_option() {
            Some("panic") => panic!("hunter2"),
            Some("") => diagnostics.add_error(diagnostic::at(
                AttributePath::new("name"),
                "Name is empty",
                "Give it one.",
            )),
            _ => {}
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        _: &mut Diagnostics,
        state: ThingState<'a>,
        private: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        (state.name != Value::from("gone")).then_some((state, private))
    }

    async fn plan_create<'a>(
        &self,
        _: &mut Diagnostics,
        mut proposed: ThingState<'a>,
        _: ThingState<'a>,
        _: ValueEmpty,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        proposed.id = Value::Unknown;
        Some((proposed, Value::Null))
    }

    async fn plan_update<'a>(
        &self,
        _: &mut Diagnostics,
        prior: ThingState<'a>,
        proposed: ThingState<'a>,
        _: ThingState<'a>,
        private: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<(ThingState<'a>, ValueString<'a>, Vec<AttributePath>)> {
        let renamed = (prior.name != proposed.name).then(|| AttributePath::new("name"));
        Some((proposed, private, renamed.into_iter().collect()))
    }

    async fn plan_destroy<'a>(
        &self,
        _: &mut Diagnostics,
        _: ThingState<'a>,
        private: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<ValueString<'a>> {
        Some(private)
    }

    async fn create<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        planned: ThingState<'a>,
        _: ThingState<'a>,
        _: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        self.make(diagnostics, planned).await
    }

    async fn update<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        _: ThingState<'a>,
        planned: ThingState<'a>,
        _: ThingState<'a>,
        _: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        self.make(diagnostics, planned).await
    }

    async fn destroy<'a>(
        &self,
        _: &mut Diagnostics,
        _: ThingState<'a>,
        _: ValueString<'a>,
        _: ValueEmpty,
    ) -> Option<()> {
        Some(())
    }

    async fn import<'a>(
        &self,
        _: &mut Diagnostics,
        id: String,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        let state = ThingState {
            id: Value::Value(Cow::Owned(id)),
            name: Value::from("imported"),
        };
        Some((state, Value::Null))
    }
}

#[derive(Serialize, Deserialize)]
pub struct ThingIdentity {
    pub id: String,
}

#[async_trait]
impl ManagedResource for Thing {
    type Identity = ThingIdentity;

    fn identity_schema(&self) -> IdentitySchema {
        IdentitySchema {
            version: 1,
            attributes: vec![("id", "What it is known by.")],
        }
    }

    fn identity(&self, state: &ThingState<'_>) -> Option<ThingIdentity> {
        let id = state.id.as_deref_option()?.to_owned();
        Some(ThingIdentity { id })
    }

    async fn import_by_identity<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        identity: ThingIdentity,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        self.import(diagnostics, identity.id).await
    }

    fn upgrade<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        state: &'a Encoded,
    ) -> Option<ThingState<'a>> {
        state
            .decode()
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }

    fn take_over<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        source: &'a MoveSource,
    ) -> Option<(ThingState<'a>, ValueString<'a>)> {
        if source.type_name != "other_thing" {
            diagnostics.add_error(diagnostic::general("Not a thing", ""));
            return None;
        }
        let of_identity = source.identity.as_ref();
        let id = of_identity.map(|id| id.decode::<ThingIdentity>().unwrap().id);
        let name = format!("{} {}", source.provider_address, source.schema_version);
        let state = ThingState {
            id: id.map(Cow::Owned).into(),
            name: Value::Value(name.into()),
        };
        Some((state, Value::from("ours")))
    }

    fn configuration<'a>(&'a self, state: ThingState<'a>) -> ThingState<'a> {
        ThingState {
            id: Value::Null,
            ..state
        }
    }
}

/// Finds the things that are called by what the configuration says, numbered from 1 on. There is no end of them, except
/// of `few`, which are two, and of which a warning and an error are told; `panic` panics after the first one.
struct Things {
    backstage: Backstage,
}

#[derive(Deserialize)]
pub struct ThingsConfig {
    called: Value<String>,
}

/// Tells that a list is over, in whatever way.
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
        schema(&[("called", AttributeConstraint::Required)])
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &ThingsConfig) {
        if config.called.contains(&"nothing") {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("called"),
                "Nothing is called that",
                "",
            ));
        }
    }

    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: ThingsConfig,
        findings: &mut Findings,
    ) {
        let _over = Over(Arc::clone(&self.backstage.over));
        let Value::Value(called) = config.called else {
            panic!("the configuration is known");
        };
        for number in 1.. {
            let id = format!("{called}-{number}");
            let identity = ThingIdentity { id: id.clone() };
            let object = ThingState {
                id: Value::Value(Cow::Owned(id.clone())),
                name: Value::Value(Cow::Borrowed(&called)),
            };
            let added = findings.add(diagnostics, &identity, id, &object).await;
            assert!(called != "panic", "hunter2");
            if added.is_break() {
                return;
            }
            if called == "few" && number == 2 {
                diagnostics.add_warning(diagnostic::general("Few", ""));
                diagnostics.add_error(diagnostic::at(AttributePath::new("called"), "No more", ""));
                return;
            }
        }
    }
}

/// Pokes whom the configuration names, and tells of it: `nobody` is refused, `panic` panics half-way, `wait` waits for a
/// stop and then fails, `linger` goes on after that until it is let go.
struct Poke {
    stop: StopSignal,
    backstage: Backstage,
}

#[derive(Deserialize)]
pub struct PokeConfig {
    whom: Value<String>,
}

#[async_trait]
impl Action for Poke {
    type Config = PokeConfig;

    fn schema(&self) -> Schema {
        schema(&[("whom", AttributeConstraint::Required)])
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &PokeConfig) {
        if config.whom.contains(&"nobody") {
            let whom = AttributePath::new("whom");
            diagnostics.add_error(diagnostic::at(whom, "Nobody to poke", ""));
        }
    }

    async fn invoke(&self, diagnostics: &mut Diagnostics, config: PokeConfig, progress: &Progress) {
        let stopped = self.stop.token();
        progress.tell("reaching out");
        assert!(!config.whom.contains(&"panic"), "hunter2");
        if config.whom.contains(&"wait") || config.whom.contains(&"linger") {
            self.backstage.waiting.add_permits(1);
            stopped.cancelled().await;
            if config.whom.contains(&"linger") {
                self.backstage.waiting.add_permits(1);
                let _let_go = self.backstage.lingering.acquire().await;
            }
            self.backstage.over.add_permits(1);
            diagnostics.add_error(diagnostic::general("Stopped", "Nobody is poked."));
            return;
        }
        progress.tell("poked");
    }
}

/// Greets whom it is told to greet, on behalf of who configured the provider; `nobody` is an error.
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
        Some(schema(&[
            ("whom", AttributeConstraint::Required),
            ("text", AttributeConstraint::Computed),
        ]))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: GreetingState<'a>,
    ) -> Option<()> {
        if config.whom == Value::from("nobody") {
            diagnostics.add_warning(diagnostic::at(
                AttributePath::new("whom"),
                "Nobody to greet",
                "",
            ));
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
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("whom"),
                "Nobody to greet",
                "",
            ));
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
        let parameter = |name: &str, param_type| Parameter {
            name: name.to_owned(),
            param_type,
            ..Parameter::default()
        };
        Some(FunctionSchema {
            parameters: vec![
                parameter("text", Type::String),
                parameter("times", Type::Number),
            ],
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
