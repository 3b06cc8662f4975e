use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tf_provider::Resource;
use tf_provider::schema::Schema;

use super::encoded::NIL;
use super::{AttributePath, Diagnostics, Encoded, diagnostic};

/// What a managed resource type offers beyond [`Resource`], whose crate does not know of it.
#[async_trait]
pub trait ManagedResource: Resource {
    /// What tells an object of this type from every other. It never changes in an object's life.
    type Identity: Serialize + DeserializeOwned + Send;

    /// The attributes of [`Self::Identity`].
    fn identity_schema(&self) -> IdentitySchema;

    /// The identity of the object that a state or a plan describes; `None` as long as it is not known.
    fn identity(&self, state: &Self::State<'_>) -> Option<Self::Identity>;

    /// Finds the object that an identity names. `None` always comes with an error in the diagnostics.
    async fn import_by_identity<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        identity: Self::Identity,
    ) -> Option<(Self::State<'a>, Self::PrivateState<'a>)>;

    /// Reads an object of this type from a state file. Any version of any provider may have written it: after `terraform
    /// state replace-provider` core hands over what another provider has stored, and so does `OpenTofu` for a `moved` block
    /// between providers. The provider is not configured then. `None` always comes with an error in the diagnostics.
    fn upgrade<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        state: &'a Encoded,
    ) -> Option<Self::State<'a>>;

    /// Takes over an object from another resource type or provider (a `moved` block; Terraform 1.8 and later). The provider
    /// is not configured then. `None` always comes with an error in the diagnostics.
    fn take_over<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        source: &'a MoveSource,
    ) -> Option<(Self::State<'a>, Self::PrivateState<'a>)>;

    /// The shortest configuration that describes an object: without what the provider decides, and without defaults.
    fn configuration<'a>(&'a self, state: Self::State<'a>) -> Self::State<'a>;
}

/// The attributes by which Terraform (1.12 and later) tells the objects of a resource type apart. All are texts, and a
/// user who imports an object by its identity gives all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySchema {
    /// Raised whenever the attributes change.
    pub version: i64,
    /// Name and description of each.
    pub attributes: Vec<(&'static str, &'static str)>,
}

/// An object of another resource type or provider, which is to become one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveSource {
    /// The full address of the provider that has the object now, such as `registry.terraform.io/aliyun/alicloud`.
    pub provider_address: String,
    /// The resource type that it is of.
    pub type_name: String,
    /// The version of that type's schema.
    pub schema_version: i64,
    /// The object, as it stands in the state file.
    pub state: Encoded,
    /// Its identity there, if it has one.
    pub identity: Option<Encoded>,
}

/// An object with what Terraform stores beside it, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The object; null where there is none.
    pub state: Encoded,
    /// Bytes for the provider alone.
    pub private: Vec<u8>,
    /// The object's identity, if it is known.
    pub identity: Option<Encoded>,
}

impl Held {
    fn nothing(private: Vec<u8>) -> Self {
        Self {
            state: Encoded::null(),
            private,
            identity: None,
        }
    }
}

/// One step that Terraform wants to take, as `PlanResourceChange` and `ApplyResourceChange` describe it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The object before; null on create.
    pub prior: Encoded,
    /// The object wished for: proposed by core when planning, as planned by us when applying; null on delete.
    pub target: Encoded,
    /// What the configuration says; null on delete.
    pub config: Encoded,
    /// Private data: the prior object's when planning, the plan's when applying.
    pub private: Vec<u8>,
}

/// The answer to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The object as it will be, unknown where only the apply can tell.
    pub held: Held,
    /// The attributes whose change can only be made by a new object.
    pub requires_replace: Vec<AttributePath>,
}

/// A resource type as the plugin serves it: values still encoded, one method a call of the protocol.
///
/// Implemented for every typed [`ManagedResource`]; never by hand. `None` always comes with an error in the diagnostics.
#[async_trait]
pub trait ServedResource: Send + Sync {
    /// The resource type's schema. Asked once, when the host first asks for schemas.
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema>;

    /// The attributes of the objects' identities.
    fn identity_schema(&self) -> IdentitySchema;

    /// Checks a configuration, which may hold unknown values.
    async fn validate(&self, diagnostics: &mut Diagnostics, config: &Encoded);

    /// Brings an object from a state file into today's schema.
    async fn upgrade(&self, diagnostics: &mut Diagnostics, state: &Encoded) -> Option<Encoded>;

    /// Reads the object anew. A null state says that it is verifiably gone.
    async fn read(&self, diagnostics: &mut Diagnostics, held: &Held) -> Option<Held>;

    /// Says what applying a change would give.
    async fn plan(&self, diagnostics: &mut Diagnostics, change: &Change) -> Option<Planned>;

    /// Makes a change. The answer is what Terraform must store, also where the change failed half-way: on an error
    /// it holds the new object as far as it came to be, or else the prior one.
    async fn apply(&self, diagnostics: &mut Diagnostics, change: &Change) -> Held;

    /// Finds the object that an import ID names.
    async fn import(&self, diagnostics: &mut Diagnostics, id: String) -> Option<Held>;

    /// Finds the object that an identity names.
    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: &Encoded,
    ) -> Option<Held>;

    /// Brings an identity from a state file into the current form. Null where it cannot be read, as another provider's
    /// cannot: the next read fills it in from the state.
    fn upgrade_identity(&self, identity: &Encoded) -> Encoded;

    /// Takes over an object from another resource type or provider.
    fn take_over(&self, diagnostics: &mut Diagnostics, source: &MoveSource) -> Option<Held>;

    /// The configuration that describes an object.
    fn configuration(&self, diagnostics: &mut Diagnostics, state: &Encoded) -> Option<Encoded>;
}

#[async_trait]
impl<R: ManagedResource> ServedResource for R {
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema> {
        Resource::schema(self, diagnostics)
    }

    fn identity_schema(&self) -> IdentitySchema {
        ManagedResource::identity_schema(self)
    }

    async fn validate(&self, diagnostics: &mut Diagnostics, config: &Encoded) {
        if let Some(config) = decode(diagnostics, config) {
            Resource::validate(self, diagnostics, config).await;
        }
    }

    async fn upgrade(&self, diagnostics: &mut Diagnostics, state: &Encoded) -> Option<Encoded> {
        let state = ManagedResource::upgrade(self, diagnostics, state)?;
        encode(diagnostics, &state)
    }

    async fn read(&self, diagnostics: &mut Diagnostics, held: &Held) -> Option<Held> {
        let state = decode(diagnostics, &held.state)?;
        let private = decode_private::<R>(diagnostics, &held.private)?;
        let meta = no_meta(diagnostics)?;
        match Resource::read(self, diagnostics, state, private, meta).await {
            Some(read) => encode_held(self, diagnostics, &read),
            None if diagnostics.errors.is_empty() => Some(Held::nothing(Vec::new())),
            None => None,
        }
    }

    async fn plan(&self, diagnostics: &mut Diagnostics, change: &Change) -> Option<Planned> {
        let meta = no_meta(diagnostics)?;
        let private = decode_private::<R>(diagnostics, &change.private)?;

        if change.target.is_null() {
            let prior = decode(diagnostics, &change.prior)?;
            let private = Resource::plan_destroy(self, diagnostics, prior, private, meta).await;
            let private = encode_private::<R>(diagnostics, &private?)?;
            return Some(Planned {
                held: Held::nothing(private),
                requires_replace: Vec::new(),
            });
        }

        let proposed = decode(diagnostics, &change.target)?;
        let config = decode(diagnostics, &change.config)?;
        if change.prior.is_null() {
            let planned = Resource::plan_create(self, diagnostics, proposed, config, meta).await?;
            let held = encode_held(self, diagnostics, &planned)?;
            return Some(Planned {
                held,
                requires_replace: Vec::new(),
            });
        }

        let prior = decode(diagnostics, &change.prior)?;
        let (state, private, requires_replace) =
            Resource::plan_update(self, diagnostics, prior, proposed, config, private, meta)
                .await?;
        let held = encode_held(self, diagnostics, &(state, private))?;
        Some(Planned {
            held,
            requires_replace,
        })
    }

    async fn apply(&self, diagnostics: &mut Diagnostics, change: &Change) -> Held {
        if let Some(held) = apply_typed(self, diagnostics, change).await {
            return held;
        }
        if diagnostics.errors.is_empty() {
            diagnostics.add_error(diagnostic::general(
                "Change failed without a reason",
                "This is a bug in the provider, please report it. The object is left as it was.",
            ));
        }
        Held {
            state: change.prior.clone(),
            private: change.private.clone(),
            identity: identity_of(self, &change.prior),
        }
    }

    async fn import(&self, diagnostics: &mut Diagnostics, id: String) -> Option<Held> {
        let imported = Resource::import(self, diagnostics, id).await?;
        encode_held(self, diagnostics, &imported)
    }

    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: &Encoded,
    ) -> Option<Held> {
        let identity = decode(diagnostics, identity)?;
        let imported = ManagedResource::import_by_identity(self, diagnostics, identity).await?;
        encode_held(self, diagnostics, &imported)
    }

    fn upgrade_identity(&self, identity: &Encoded) -> Encoded {
        let identity = identity.decode::<R::Identity>();
        identity
            .and_then(|identity| Encoded::encode(&identity))
            .unwrap_or_else(|_| Encoded::null())
    }

    fn take_over(&self, diagnostics: &mut Diagnostics, source: &MoveSource) -> Option<Held> {
        let taken = ManagedResource::take_over(self, diagnostics, source)?;
        encode_held(self, diagnostics, &taken)
    }

    fn configuration(&self, diagnostics: &mut Diagnostics, state: &Encoded) -> Option<Encoded> {
        let state = decode(diagnostics, state)?;
        encode(diagnostics, &ManagedResource::configuration(self, state))
    }
}

async fn apply_typed<R: ManagedResource>(
    resource: &R,
    diagnostics: &mut Diagnostics,
    change: &Change,
) -> Option<Held> {
    let meta = no_meta(diagnostics)?;
    let private = decode_private::<R>(diagnostics, &change.private)?;

    if change.target.is_null() {
        let prior = decode(diagnostics, &change.prior)?;
        Resource::destroy(resource, diagnostics, prior, private, meta).await?;
        return Some(Held::nothing(Vec::new()));
    }

    let planned = decode(diagnostics, &change.target)?;
    let config = decode(diagnostics, &change.config)?;
    let applied = if change.prior.is_null() {
        Resource::create(resource, diagnostics, planned, config, private, meta).await?
    } else {
        let prior = decode(diagnostics, &change.prior)?;
        Resource::update(resource, diagnostics, prior, planned, config, private, meta).await?
    };
    encode_held(resource, diagnostics, &applied)
}

/// The identity of an encoded object, if there is one and it can be read.
fn identity_of<R: ManagedResource>(resource: &R, state: &Encoded) -> Option<Encoded> {
    if state.is_null() {
        return None;
    }
    let state = state.decode().ok()?;
    Encoded::encode(&resource.identity(&state)?).ok()
}

pub(super) fn decode<'a, T: Deserialize<'a>>(
    diagnostics: &mut Diagnostics,
    encoded: &'a Encoded,
) -> Option<T> {
    encoded
        .decode()
        .map_err(|error| diagnostics.add_error(error))
        .ok()
}

pub(super) fn encode<T: Serialize>(diagnostics: &mut Diagnostics, value: &T) -> Option<Encoded> {
    Encoded::encode(value)
        .map_err(|error| diagnostics.add_error(error))
        .ok()
}

fn encode_held<'a, R: ManagedResource>(
    resource: &R,
    diagnostics: &mut Diagnostics,
    (state, private): &(R::State<'a>, R::PrivateState<'a>),
) -> Option<Held> {
    let identity = match resource.identity(state) {
        Some(identity) => Some(encode(diagnostics, &identity)?),
        None => None,
    };
    Some(Held {
        state: encode(diagnostics, state)?,
        private: encode_private::<R>(diagnostics, private)?,
        identity,
    })
}

fn encode_private<R: Resource>(
    diagnostics: &mut Diagnostics,
    private: &R::PrivateState<'_>,
) -> Option<Vec<u8>> {
    rmp_serde::to_vec_named(private)
        .map_err(|error| {
            diagnostics.add_error(diagnostic::general(
                "Private data cannot be encoded",
                format!("This is a bug in the provider, please report it: {error}."),
            ));
        })
        .ok()
}

fn decode_private<'a, R: Resource>(
    diagnostics: &mut Diagnostics,
    private: &'a [u8],
) -> Option<R::PrivateState<'a>> {
    let bytes = if private.is_empty() { NIL } else { private };
    rmp_serde::from_slice(bytes)
        .map_err(|_| {
            diagnostics.add_error(diagnostic::general(
                "Private data cannot be read",
                "The data that the provider stored beside the object is damaged or from a later version. \
                 Remove the object from the state and import it again.",
            ));
        })
        .ok()
}

/// `provider_meta` blocks are for modules of a provider's own vendor; we declare none, so their value is null.
pub(super) fn no_meta<'a, M: Deserialize<'a>>(diagnostics: &mut Diagnostics) -> Option<M> {
    rmp_serde::from_slice(NIL)
        .map_err(|_| {
            diagnostics.add_error(diagnostic::general(
                "Provider metadata cannot be read",
                "This is a bug in the provider, please report it.",
            ));
        })
        .ok()
}
