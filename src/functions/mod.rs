//! Functions: pure, offline, a file each.

mod edge_transcode_job_id;
mod live_auth_url;
mod parse_edge_transcode_job_id;
mod parse_stream_url;

pub(super) use edge_transcode_job_id::EdgeTranscodeJobId;
pub(super) use live_auth_url::LiveAuthUrl;
pub(super) use parse_edge_transcode_job_id::ParseEdgeTranscodeJobId;
pub(super) use parse_stream_url::ParseStreamUrl;

use tfplugin::schema::{Description, Parameter, Type};

fn text_parameter(name: &str, description: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        param_type: Type::String,
        allow_null: false,
        allow_unknown: false,
        description: Description::markdown(description),
    }
}
