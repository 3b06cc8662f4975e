//! The calls of the protocol: each is taken apart, handed to the definition, and put together again.
//!
//! One file an RPC group. The functions in them take a request and return the response, or `None` and an error in the
//! diagnostics; [`call`] makes a proper response of either, and of a panic. Two responses are streams: what a list
//! resource finds, and what an action has to say.
//!
//! RPCs for which the vocabulary has no words (ephemeral resources among them) have no method here: the generated trait
//! reports them as unimplemented, which core expects of older providers.

mod action;
mod call;
mod data_source;
mod function;
mod go_plugin;
mod identity;
mod list_resource;
mod provider_block;
mod resource;
mod schema;

use std::sync::{Arc, OnceLock};

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::generated::tfplugin6::provider_server::Provider;
use crate::generated::tfplugin6::{
    apply_resource_change, call_function, configure_provider, generate_resource_config,
    get_functions, get_metadata, get_provider_schema, get_resource_identity_schemas,
    import_resource_state, invoke_action, list_resource as list_resource_rpc, move_resource_state,
    plan_action, plan_resource_change, read_data_source, read_resource, stop_provider,
    upgrade_resource_identity, upgrade_resource_state, validate_action_config,
    validate_data_resource_config, validate_list_resource_config, validate_provider_config,
    validate_resource_config,
};
use crate::{Diagnostics, ProviderDefinition};
use call::RpcCall;
use call::Subject::{Action, DataSource, Function, ListResource, Resource, WholeProvider};

pub(super) use go_plugin::{Broker, Controller, Stdio};

/// The service `tfplugin6.Provider`.
pub(super) struct ProviderService {
    definition: Arc<ProviderDefinition>,
    /// Made when first asked for: most processes of a run never are, since core keeps the schema.
    schema: OnceLock<(get_provider_schema::Response, Diagnostics)>,
}

impl ProviderService {
    pub(super) fn new(definition: ProviderDefinition) -> Self {
        Self {
            definition: Arc::new(definition),
            schema: OnceLock::new(),
        }
    }

    fn schema(&self, diagnostics: &mut Diagnostics) -> &get_provider_schema::Response {
        let (schema, problems) = self.schema.get_or_init(|| {
            let mut problems = Diagnostics::default();
            let schema = schema::all(&self.definition, &mut problems);
            (schema, problems)
        });
        diagnostics.clone_from(problems);
        schema
    }
}

#[tonic::async_trait]
impl Provider for ProviderService {
    async fn get_metadata(
        &self,
        _: Request<get_metadata::Request>,
    ) -> Result<Response<get_metadata::Response>, Status> {
        RpcCall::new("GetMetadata", WholeProvider)
            .respond(&self.definition, (), |definition, (), _| {
                Some(schema::metadata(definition))
            })
            .await
    }

    async fn get_provider_schema(
        &self,
        _: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        RpcCall::new("GetProviderSchema", WholeProvider)
            .respond(&self.definition, (), |_, (), problems| {
                Some(self.schema(problems).clone())
            })
            .await
    }

    async fn get_functions(
        &self,
        _: Request<get_functions::Request>,
    ) -> Result<Response<get_functions::Response>, Status> {
        RpcCall::new("GetFunctions", WholeProvider)
            .respond(&self.definition, (), |_, (), problems| {
                let functions = self.schema(problems).functions.clone();
                Some(get_functions::Response {
                    functions,
                    ..get_functions::Response::default()
                })
            })
            .await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<get_resource_identity_schemas::Request>,
    ) -> Result<Response<get_resource_identity_schemas::Response>, Status> {
        RpcCall::new("GetResourceIdentitySchemas", WholeProvider)
            .respond(&self.definition, (), |definition, (), _| {
                Some(identity::schemas(definition))
            })
            .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<validate_provider_config::Request>,
    ) -> Result<Response<validate_provider_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ValidateProviderConfig", WholeProvider)
            .respond_async(&self.definition, request, provider_block::validate)
            .await
    }

    async fn configure_provider(
        &self,
        request: Request<configure_provider::Request>,
    ) -> Result<Response<configure_provider::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ConfigureProvider", WholeProvider)
            .respond_async(&self.definition, request, provider_block::configure)
            .await
    }

    async fn stop_provider(
        &self,
        _: Request<stop_provider::Request>,
    ) -> Result<Response<stop_provider::Response>, Status> {
        RpcCall::new("StopProvider", WholeProvider)
            .respond(&self.definition, (), |definition, (), _| {
                Some(provider_block::stop(definition))
            })
            .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<validate_resource_config::Request>,
    ) -> Result<Response<validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ValidateResourceConfig", Resource(&request.type_name))
            .respond(&self.definition, request, resource::validate)
            .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<upgrade_resource_state::Request>,
    ) -> Result<Response<upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("UpgradeResourceState", Resource(&request.type_name))
            .respond_async(&self.definition, request, resource::upgrade)
            .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<upgrade_resource_identity::Request>,
    ) -> Result<Response<upgrade_resource_identity::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("UpgradeResourceIdentity", Resource(&request.type_name))
            .respond(&self.definition, request, identity::upgrade)
            .await
    }

    async fn read_resource(
        &self,
        request: Request<read_resource::Request>,
    ) -> Result<Response<read_resource::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ReadResource", Resource(&request.type_name))
            .respond_async(&self.definition, request, resource::read)
            .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<plan_resource_change::Request>,
    ) -> Result<Response<plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("PlanResourceChange", Resource(&request.type_name))
            .respond_async(&self.definition, request, resource::plan)
            .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<apply_resource_change::Request>,
    ) -> Result<Response<apply_resource_change::Response>, Status> {
        let request = request.into_inner();
        let definition = Arc::clone(&self.definition);
        let call = RpcCall::new("ApplyResourceChange", Resource(&request.type_name));
        let unchanged = resource::unchanged(&request);
        let apply = async move |diagnostics: &mut Diagnostics| {
            resource::apply(&definition, request, diagnostics).await
        };
        let applied = self
            .definition
            .work
            .spawn(call.respond_or(unchanged, apply))
            .await;
        // It cannot panic, and is ended early only when the whole process ends.
        applied
            .map(Response::new)
            .map_err(|error| Status::internal(error.to_string()))
    }

    async fn import_resource_state(
        &self,
        request: Request<import_resource_state::Request>,
    ) -> Result<Response<import_resource_state::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ImportResourceState", Resource(&request.type_name))
            .respond_async(&self.definition, request, resource::import)
            .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<validate_data_resource_config::Request>,
    ) -> Result<Response<validate_data_resource_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ValidateDataResourceConfig", DataSource(&request.type_name))
            .respond_async(&self.definition, request, data_source::validate)
            .await
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Result<Response<read_data_source::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ReadDataSource", DataSource(&request.type_name))
            .respond_async(&self.definition, request, data_source::read)
            .await
    }

    async fn call_function(
        &self,
        request: Request<call_function::Request>,
    ) -> Result<Response<call_function::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("CallFunction", Function(&request.name))
            .respond_async(&self.definition, request, function::call)
            .await
    }

    async fn move_resource_state(
        &self,
        request: Request<move_resource_state::Request>,
    ) -> Result<Response<move_resource_state::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("MoveResourceState", Resource(&request.target_type_name))
            .respond(&self.definition, request, resource::move_state)
            .await
    }

    async fn generate_resource_config(
        &self,
        request: Request<generate_resource_config::Request>,
    ) -> Result<Response<generate_resource_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("GenerateResourceConfig", Resource(&request.type_name))
            .respond(&self.definition, request, resource::generate_config)
            .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<validate_list_resource_config::Request>,
    ) -> Result<Response<validate_list_resource_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new(
            "ValidateListResourceConfig",
            ListResource(&request.type_name),
        )
        .respond(&self.definition, request, list_resource::validate)
        .await
    }

    async fn list_resource(
        &self,
        request: Request<list_resource_rpc::Request>,
    ) -> Result<Response<BoxStream<list_resource_rpc::Event>>, Status> {
        let request = request.into_inner();
        let call = RpcCall::new("ListResource", ListResource(&request.type_name));
        let events = list_resource::list(Arc::clone(&self.definition), call, request);
        Ok(Response::new(events))
    }

    async fn validate_action_config(
        &self,
        request: Request<validate_action_config::Request>,
    ) -> Result<Response<validate_action_config::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("ValidateActionConfig", Action(&request.type_name))
            .respond(&self.definition, request, action::validate)
            .await
    }

    async fn plan_action(
        &self,
        request: Request<plan_action::Request>,
    ) -> Result<Response<plan_action::Response>, Status> {
        let request = request.into_inner();
        RpcCall::new("PlanAction", Action(&request.action_type))
            .respond(&self.definition, request, action::plan)
            .await
    }

    async fn invoke_action(
        &self,
        request: Request<invoke_action::Request>,
    ) -> Result<Response<BoxStream<invoke_action::Event>>, Status> {
        let request = request.into_inner();
        let call = RpcCall::new("InvokeAction", Action(&request.action_type));
        let events = action::invoke(Arc::clone(&self.definition), call, request);
        Ok(Response::new(events))
    }
}
