use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;

use super::diagnostic::{self, reported};
use super::{AttributePath, Diagnostics, EncodedValue};

/// A managed resource type.
///
/// The trait of the crate [`tf_provider`] knows neither identities, moves nor generated configuration, hands the plan of a
/// create no private data, and cannot tell what a failed delete has left.
///
/// `None` always comes with an error in the diagnostics, but for [`Self::read`] and [`Self::delete`].
#[async_trait]
pub trait ManagedResource: Send + Sync + Sized {
    /// The object, as configuration, plan and state hold it.
    type State: Serialize + DeserializeOwned + Send;

    /// What is stored beside the object, for the provider alone. Data that cannot be read, such as another provider's,
    /// count as none.
    type Private: Serialize + DeserializeOwned + Default + PartialEq + Send;

    /// What tells an object of this type from every other. It never changes in an object's life.
    type Identity: Serialize + DeserializeOwned + Send;

    /// The resource type's schema.
    fn schema(&self) -> Schema;

    /// The attributes of [`Self::Identity`]. A type without attributes has no identity.
    fn identity_schema(&self) -> IdentitySchema {
        IdentitySchema::default()
    }

    /// The identity of the object that a state or a plan describes; `None` as long as it is not known.
    fn identity(&self, _state: &Self::State) -> Option<Self::Identity> {
        None
    }

    /// Checks a configuration, which may contain unknown values. Every configuration that fits the schema passes, unless the
    /// type says otherwise.
    fn validate(&self, _diagnostics: &mut Diagnostics, _config: Self::State) {}

    /// Reads the object again. `None` without an error: it verifiably no longer exists.
    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        state: Self::State,
        private: Self::Private,
    ) -> Option<Object<Self>>;

    /// Plans a new object. `private` is that of the plan call before: of the object that the new one replaces, or, from
    /// Terraform 1.16 on, of this plan when core repeats it before the apply. None in all other cases. `is_repeated`: core
    /// says that it does so, as Terraform does from 1.9 on. As proposed, unless the type says
    /// otherwise: one with computed attributes does.
    async fn plan_create(
        &self,
        _diagnostics: &mut Diagnostics,
        proposed: Self::State,
        _config: Self::State,
        private: Self::Private,
        _is_repeated: bool,
    ) -> Option<Object<Self>> {
        Some((proposed, private))
    }

    /// Plans the change of an object, and names the attributes whose change can only be made by a new one. As proposed and
    /// in place, unless the type says otherwise.
    async fn plan_update(
        &self,
        _diagnostics: &mut Diagnostics,
        update: Update<Self::State, Self::Private>,
    ) -> Option<(Object<Self>, Vec<AttributePath>)> {
        Some(((update.target, update.private), Vec::new()))
    }

    /// Plans the end of an object. Nothing speaks against it, unless the type says otherwise.
    async fn plan_delete(
        &self,
        _diagnostics: &mut Diagnostics,
        _prior: Self::State,
        private: Self::Private,
    ) -> Option<Self::Private> {
        Some(private)
    }

    /// Creates an object. `None`: there is none. With an error beside it, Terraform marks the object as tainted.
    async fn create(
        &self,
        diagnostics: &mut Diagnostics,
        planned: Self::State,
        private: Self::Private,
    ) -> Option<Object<Self>>;

    /// Changes an object, and returns it as it is now; after a failure too.
    async fn update(
        &self,
        diagnostics: &mut Diagnostics,
        update: Update<Self::State, Self::Private>,
    ) -> Object<Self>;

    /// Deletes an object. `None`: it no longer exists, or, with an error in the diagnostics, it is as core has it. Otherwise the
    /// object as it is now, with an error.
    async fn delete(
        &self,
        diagnostics: &mut Diagnostics,
        prior: Self::State,
        private: Self::Private,
    ) -> Option<Object<Self>>;

    /// Finds the object that an import ID names. A type without this cannot be imported.
    async fn import(&self, diagnostics: &mut Diagnostics, _id: String) -> Option<Object<Self>> {
        not_supported(diagnostics, "an import by ID")
    }

    /// Finds the object that an identity names. A type without this cannot be imported by identity.
    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        _identity: Self::Identity,
    ) -> Option<Object<Self>> {
        not_supported(diagnostics, "an import by identity")
    }

    /// Reads an object of this type from a state file. Any version of any provider may have written it: after `terraform
    /// state replace-provider` core hands over what another provider has stored, and so does `OpenTofu` for a `moved` block
    /// between providers. The provider is not configured then. Only what fits the schema is read, unless the type says
    /// otherwise.
    fn upgrade(&self, diagnostics: &mut Diagnostics, state: &EncodedValue) -> Option<Self::State> {
        reported(state.decode(), diagnostics)
    }

    /// Moves an object here from another resource type or provider (a `moved` block; Terraform 1.8 and later). The provider
    /// is not configured then. A type without this takes no such objects.
    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        _source: &MoveSource,
    ) -> Option<Object<Self>> {
        not_supported(diagnostics, "a move from another resource type")
    }

    /// The shortest configuration that describes an object: without what the provider decides, and without defaults. All
    /// of it, unless the type says otherwise.
    fn generate_config(&self, state: Self::State) -> Self::State {
        state
    }
}

fn not_supported<T>(diagnostics: &mut Diagnostics, what: &str) -> Option<T> {
    diagnostics.add_error(diagnostic::general(
        "Not supported by this resource type",
        format!("This resource type does not support {what}."),
    ));
    None
}

/// The change of an object, to be planned or applied.
pub struct Update<S, P> {
    /// The object as it is.
    pub prior: S,
    /// To be planned: as Terraform proposes it, which is the configuration, and what it does not mention as before. To be
    /// applied: as planned.
    pub target: S,
    /// The configuration. What is ignored with `ignore_changes` is as before in it while a plan is made, and as configured
    /// when the plan is applied.
    pub config: S,
    /// What is stored beside the object.
    pub private: P,
}

/// An object and what is stored beside it.
pub type Object<R> = (
    <R as ManagedResource>::State,
    <R as ManagedResource>::Private,
);

/// The attributes by which Terraform (1.12 and later) tells the objects of a resource type apart. All are texts, and a
/// user who imports an object by its identity gives all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub state: EncodedValue,
    /// Its identity there, if it has one.
    pub identity: Option<EncodedValue>,
}
