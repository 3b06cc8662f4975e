use super::model::DEFAULT_TIMEOUT;
use tfplugin::IdentitySchema;
use tfplugin::attribute::{block, computed, flag, optional, optional_computed, required};
use tfplugin::schema::{Block, NestedBlock, Schema};

/// What tells a job from every other, for Terraform 1.12 and later.
pub(super) fn identity() -> IdentitySchema {
    IdentitySchema {
        version: 0,
        attributes: vec![
            ("cluster_id", "ID of the edge cluster in which the job is."),
            ("job_id", "ID that the service gave the job."),
        ],
    }
}

pub(super) fn schema() -> Schema {
    let job = block(
        "An edge transcode job of ApsaraVideo Live: reads one stream, transcodes it in an edge cluster by a template, \
         and writes another stream.",
        [
            (
                "id",
                computed("`<cluster_id>:<job_id>`, which is also the import ID."),
            ),
            (
                "cluster_id",
                required(
                    "ID of the edge cluster (data center) in which the job runs. No white space, no `:`. Changing it \
                     makes a new job.",
                ),
            ),
            ("job_id", computed("ID that the service gave the job.")),
            (
                "name",
                required(
                    "Name of the job: 1 to 255 Chinese characters, letters, digits, `-` and `_`. Need not be unique.",
                ),
            ),
            (
                "template_id",
                required("ID of the transcoding template. It must exist in the cluster."),
            ),
            (
                "stream_input",
                required(
                    "URL of the stream that is read, such as `rtmp://domain/app/stream`. May hold an `auth_key`; to \
                     keep it out of plan output, give the URL through a sensitive variable.",
                ),
            ),
            (
                "stream_output",
                required(
                    "URL of the stream that is written. Must differ from `stream_input`; same remarks.",
                ),
            ),
            (
                "status",
                optional_computed(
                    "`Running` or `Stopped`. When set, every apply of the job enforces it, and a difference shows in the \
                     plan. When not set, the job stays as it is when the apply begins, and a new job stays stopped unless \
                     it replaces a running one.",
                ),
            ),
            (
                "allow_stopping_for_update",
                flag(
                    "Whether a running job may be stopped to change it: the API changes a job only while it is stopped, \
                     so its output stream is interrupted until the job is started again. Defaults to `true`. With \
                     `false`, a plan that would interrupt the running job is an error.",
                ),
            ),
            (
                "deletion_protection",
                flag(
                    "Whether the job is protected from deletion and replacement. Defaults to `false`. With `true`, a plan \
                     that would delete or replace the job is an error; to delete it, set `false` and apply first.",
                ),
            ),
            (
                "create_time",
                computed("When the job was created, UTC, such as `2023-07-24T16:44:55Z`."),
            ),
            (
                "last_start_at",
                computed("When the job was last started, UTC; null before the first time."),
            ),
            (
                "last_stop_at",
                computed("When the job was last stopped, UTC; null before the first time."),
            ),
            ("template_name", computed("Name of the template.")),
            (
                "type",
                computed("Type of the template: `common`, `nbhd-2` or `ultra-hd`."),
            ),
        ],
    );
    let timeouts = block(
        "How long each operation may take, such as `30s`, `5m` or `1h30m`.",
        ["create", "read", "update", "delete"].map(|operation| {
            let minutes = DEFAULT_TIMEOUT.as_secs() / 60;
            (
                operation,
                optional(&format!("Time for {operation}. Default: `{minutes}m`.")),
            )
        }),
    );
    let blocks = [("timeouts".to_owned(), NestedBlock::Single(timeouts))].into();
    Schema {
        version: 0,
        block: Block { blocks, ..job },
    }
}
