//! Streams: their URLs, the keys in them, and whether they are on air.
//!
//! | file | what it contains |
//! |---|---|
//! | `url` | the rules for a stream URL, and its parts |
//! | `auth_key` | the parameter `auth_key`: URL authentication of type A |
//! | `name` | the name of a stream, from its URL or its parts |
//! | `data_source_state` | whether a stream is on air |
//! | `function_live_auth_url`, `function_parse_stream_url` | functions that sign a stream URL, and read its parts |

pub(crate) mod auth_key;
mod data_source_state;
mod function_live_auth_url;
mod function_parse_stream_url;
pub(crate) mod name;
pub(crate) mod url;

use std::sync::Arc;

use crate::shared::provider_data::ProviderData;
use tfplugin::ProviderDefinition;

/// Adds all of this folder to what the provider serves.
pub(crate) fn offer(definition: &mut ProviderDefinition, data: &Arc<ProviderData>) {
    definition.add_data_source(
        "alicloud_live_stream_state",
        data_source_state::StreamStateDataSource(Arc::clone(data)),
    );
    definition.add_function("live_auth_url", function_live_auth_url::LiveAuthUrl);
    definition.add_function(
        "parse_stream_url",
        function_parse_stream_url::ParseStreamUrl,
    );
}
