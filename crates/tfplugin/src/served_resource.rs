use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tf_provider::schema::Schema;

use super::diagnostic::{self, reported};
use super::required::check_required;
use super::resource::{IdentitySchema, ManagedResource, MoveSource, Object, Update};
use super::{AttributePath, Diagnostic, Diagnostics, EncodedValue};

/// An object with what Terraform stores beside it, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceInstanceObject {
    /// The object; null where there is none.
    pub state: EncodedValue,
    /// Bytes for the provider alone.
    pub private: Vec<u8>,
    /// The object's identity, if it is known.
    pub identity: Option<EncodedValue>,
}

impl ResourceInstanceObject {
    fn nothing(private: Vec<u8>) -> Self {
        Self {
            state: EncodedValue::null(),
            private,
            identity: None,
        }
    }
}

/// One step that Terraform wants to take, as `PlanResourceChange` and `ApplyResourceChange` describe it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The object before; null on create.
    pub prior: EncodedValue,
    /// The object wished for: proposed by core when planning, as planned by us when applying; null on delete.
    pub target: EncodedValue,
    /// What the configuration says; null on delete.
    pub config: EncodedValue,
    /// Private data: the prior object's when planning, the plan's when applying; when core repeats a plan before its
    /// apply, the first one's (Terraform 1.16 and later).
    pub private: Vec<u8>,
    /// Whether core says that it repeats this plan before the apply, as Terraform does from 1.9 on.
    pub is_repeated: bool,
}

/// The response to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The object as it will be, unknown where only the apply can tell.
    pub object: ResourceInstanceObject,
    /// The attributes whose change can only be made by a new object.
    pub requires_replace: Vec<AttributePath>,
}

/// A resource type as the plugin serves it: values still encoded, one method a call of the protocol.
///
/// Implemented for every typed [`ManagedResource`]; never by hand. `None` always comes with an error in the diagnostics.
#[async_trait]
pub trait DynResource: Send + Sync {
    /// The resource type's schema. Asked once, when the host first asks for schemas.
    fn schema(&self) -> Schema;

    /// The attributes of the objects' identities.
    fn identity_schema(&self) -> IdentitySchema;

    /// Checks a configuration, which may contain unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Brings an object from a state file into today's schema.
    async fn upgrade(
        &self,
        diagnostics: &mut Diagnostics,
        state: &EncodedValue,
    ) -> Option<EncodedValue>;

    /// Reads the object. A null state says that it is verifiably gone.
    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        object: &ResourceInstanceObject,
    ) -> Option<ResourceInstanceObject>;

    /// Says what applying a change would give.
    async fn plan(&self, diagnostics: &mut Diagnostics, change: &Change) -> Option<Planned>;

    /// Makes a change. The response is what Terraform must store, also where the change failed half-way: on an error
    /// it contains the object as far as it came to be or as it was left, or else the prior one.
    async fn apply(&self, diagnostics: &mut Diagnostics, change: &Change)
    -> ResourceInstanceObject;

    /// Finds the object that an import ID names.
    async fn import(
        &self,
        diagnostics: &mut Diagnostics,
        id: String,
    ) -> Option<ResourceInstanceObject>;

    /// Finds the object that an identity names.
    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: &EncodedValue,
    ) -> Option<ResourceInstanceObject>;

    /// Brings an identity from a state file into the current form. Null where it cannot be read, as another provider's
    /// cannot: the next read fills it in from the state.
    fn upgrade_identity(&self, identity: &EncodedValue) -> EncodedValue;

    /// Takes over an object from another resource type or provider.
    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<ResourceInstanceObject>;

    /// The configuration that describes an object.
    fn generate_config(
        &self,
        diagnostics: &mut Diagnostics,
        state: &EncodedValue,
    ) -> Option<EncodedValue>;
}

#[async_trait]
impl<R: ManagedResource> DynResource for R {
    fn schema(&self) -> Schema {
        ManagedResource::schema(self)
    }

    fn identity_schema(&self) -> IdentitySchema {
        ManagedResource::identity_schema(self)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        check_required(&ManagedResource::schema(self), config, diagnostics);
        if let Some(config) = decode(diagnostics, config) {
            ManagedResource::validate(self, diagnostics, config);
        }
    }

    async fn upgrade(
        &self,
        diagnostics: &mut Diagnostics,
        state: &EncodedValue,
    ) -> Option<EncodedValue> {
        let state = ManagedResource::upgrade(self, diagnostics, state)?;
        encode(diagnostics, &state)
    }

    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        object: &ResourceInstanceObject,
    ) -> Option<ResourceInstanceObject> {
        let state = decode(diagnostics, &object.state)?;
        let private = decode_private(&object.private);
        match ManagedResource::read(self, diagnostics, state, private).await {
            Some(read) => encode_object(self, diagnostics, &read),
            None if diagnostics.errors.is_empty() => {
                Some(ResourceInstanceObject::nothing(Vec::new()))
            }
            None => None,
        }
    }

    async fn plan(&self, diagnostics: &mut Diagnostics, change: &Change) -> Option<Planned> {
        let private = decode_private(&change.private);

        if change.target.is_null() {
            let prior = decode(diagnostics, &change.prior)?;
            let private = ManagedResource::plan_delete(self, diagnostics, prior, private).await?;
            return Some(Planned {
                object: ResourceInstanceObject::nothing(encode_private(diagnostics, &private)?),
                requires_replace: Vec::new(),
            });
        }

        let target = decode(diagnostics, &change.target)?;
        let config = decode(diagnostics, &change.config)?;
        let (planned, requires_replace) = if change.prior.is_null() {
            let planned = ManagedResource::plan_create(
                self,
                diagnostics,
                target,
                config,
                private,
                change.is_repeated,
            );
            (planned.await?, Vec::new())
        } else {
            let update = Update {
                prior: decode(diagnostics, &change.prior)?,
                target,
                config,
                private,
            };
            ManagedResource::plan_update(self, diagnostics, update).await?
        };
        Some(Planned {
            object: encode_object(self, diagnostics, &planned)?,
            requires_replace,
        })
    }

    async fn apply(
        &self,
        diagnostics: &mut Diagnostics,
        change: &Change,
    ) -> ResourceInstanceObject {
        if let Some(object) = apply_typed(self, diagnostics, change).await {
            return object;
        }
        if diagnostics.errors.is_empty() {
            diagnostics.add_error(diagnostic::general(
                "Change failed without a reason",
                "This is a bug in the provider, please report it. The object is left as it was.",
            ));
        }
        ResourceInstanceObject {
            state: change.prior.clone(),
            private: change.private.clone(),
            identity: identity_of(self, &change.prior),
        }
    }

    async fn import(
        &self,
        diagnostics: &mut Diagnostics,
        id: String,
    ) -> Option<ResourceInstanceObject> {
        let imported = ManagedResource::import(self, diagnostics, id).await?;
        encode_object(self, diagnostics, &imported)
    }

    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: &EncodedValue,
    ) -> Option<ResourceInstanceObject> {
        let complete = check_complete(&ManagedResource::identity_schema(self), identity);
        reported(complete, diagnostics)?;
        let identity = decode(diagnostics, identity)?;
        let imported = ManagedResource::import_by_identity(self, diagnostics, identity).await?;
        encode_object(self, diagnostics, &imported)
    }

    fn upgrade_identity(&self, identity: &EncodedValue) -> EncodedValue {
        let identity = identity.decode::<R::Identity>();
        identity
            .and_then(|identity| EncodedValue::encode(&identity))
            .unwrap_or_else(|_| EncodedValue::null())
    }

    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<ResourceInstanceObject> {
        let taken = ManagedResource::move_state(self, diagnostics, source)?;
        encode_object(self, diagnostics, &taken)
    }

    fn generate_config(
        &self,
        diagnostics: &mut Diagnostics,
        state: &EncodedValue,
    ) -> Option<EncodedValue> {
        let state = decode(diagnostics, state)?;
        encode(diagnostics, &ManagedResource::generate_config(self, state))
    }
}

/// An error if an attribute of an identity is null: Terraform lets a user leave out what an import needs.
fn check_complete(schema: &IdentitySchema, identity: &EncodedValue) -> Result<(), Diagnostic> {
    let attributes: BTreeMap<String, Json> = identity.decode()?;
    let is_null = |name: &&str| attributes.get(*name).is_none_or(Json::is_null);
    let names = schema.attributes.iter().map(|(name, _)| *name);
    let missing: Vec<&str> = names.filter(is_null).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(diagnostic::general(
        "Invalid identity",
        format!(
            "An import by identity needs all attributes of the identity. These are null: {}.",
            missing.join(", ")
        ),
    ))
}

async fn apply_typed<R: ManagedResource>(
    resource: &R,
    diagnostics: &mut Diagnostics,
    change: &Change,
) -> Option<ResourceInstanceObject> {
    let private = decode_private(&change.private);
    if change.target.is_null() {
        let prior = decode(diagnostics, &change.prior)?;
        return match resource.delete(diagnostics, prior, private).await {
            Some(left) => encode_object(resource, diagnostics, &left),
            None => Some(ResourceInstanceObject::nothing(Vec::new())),
        };
    }

    let target = decode(diagnostics, &change.target)?;
    let applied = if change.prior.is_null() {
        resource.create(diagnostics, target, private).await?
    } else {
        let update = Update {
            prior: decode(diagnostics, &change.prior)?,
            target,
            config: decode(diagnostics, &change.config)?,
            private,
        };
        resource.update(diagnostics, update).await
    };
    encode_object(resource, diagnostics, &applied)
}

/// The identity of an encoded object, if there is one and it can be read.
fn identity_of<R: ManagedResource>(resource: &R, state: &EncodedValue) -> Option<EncodedValue> {
    if state.is_null() {
        return None;
    }
    let state = state.decode().ok()?;
    EncodedValue::encode(&resource.identity(&state)?).ok()
}

pub(super) fn decode<'a, T: Deserialize<'a>>(
    diagnostics: &mut Diagnostics,
    encoded: &'a EncodedValue,
) -> Option<T> {
    reported(encoded.decode(), diagnostics)
}

pub(super) fn encode<T: Serialize>(
    diagnostics: &mut Diagnostics,
    value: &T,
) -> Option<EncodedValue> {
    reported(EncodedValue::encode(value), diagnostics)
}

fn encode_object<R: ManagedResource>(
    resource: &R,
    diagnostics: &mut Diagnostics,
    (state, private): &Object<R>,
) -> Option<ResourceInstanceObject> {
    let identity = match resource.identity(state) {
        Some(identity) => Some(encode(diagnostics, &identity)?),
        None => None,
    };
    Some(ResourceInstanceObject {
        state: encode(diagnostics, state)?,
        private: encode_private(diagnostics, private)?,
        identity,
    })
}

/// Private data as Terraform stores them; no bytes where there is nothing to store.
fn encode_private<P: Serialize + Default + PartialEq>(
    diagnostics: &mut Diagnostics,
    private: &P,
) -> Option<Vec<u8>> {
    if *private == P::default() {
        return Some(Vec::new());
    }
    let encoded = serde_json::to_vec(private).map_err(|error| {
        diagnostic::general(
            "Private data cannot be encoded",
            format!("This is a bug in the provider, please report it: {error}."),
        )
    });
    reported(encoded, diagnostics)
}

/// Private data that can be read. Others are another provider's, such as after `terraform state replace-provider`, and mean
/// nothing here: an object must not become unusable, not even undeletable, for them.
fn decode_private<P: DeserializeOwned + Default>(private: &[u8]) -> P {
    serde_json::from_slice(private).unwrap_or_default()
}

/// `provider_meta` blocks are for modules of a provider's own publisher; we declare none, so their value is null.
pub(super) fn no_meta<'a, M: Deserialize<'a>>(diagnostics: &mut Diagnostics) -> Option<M> {
    let null = rmp_serde::from_slice(super::encoded::NIL).map_err(|_| {
        diagnostic::general(
            "Provider metadata cannot be read",
            "This is a bug in the provider, please report it.",
        )
    });
    reported(null, diagnostics)
}
