use super::model::DEFAULT_TIMEOUT;
use tfplugin::IdentitySchema;
use tfplugin::attribute::{block, computed, flag, optional, optional_computed, required};
use tfplugin::schema::{Block, NestedBlock, Schema};

/// What distinguishes a job from every other, for Terraform 1.12 and later.
pub(super) fn identity() -> IdentitySchema {
    IdentitySchema {
        version: 0,
        attributes: vec![
            ("cluster_id", "ID of the job's edge cluster."),
            ("job_id", "ID assigned by ApsaraVideo Live."),
        ],
    }
}

#[expect(clippy::too_many_lines, reason = "one attribute after the other")]
pub(super) fn schema() -> Schema {
    let job = block(
        "An edge transcode job of ApsaraVideo Live: reads one stream, transcodes it in an edge cluster with a template, and writes another stream.",
        [
            (
                "id",
                computed("`<cluster_id>:<job_id>`, which is also the import ID."),
            ),
            (
                "cluster_id",
                required(
                    "ID of the edge cluster (data center) in which the job runs. No whitespace, no `:`. Changing this forces a new resource to be created.",
                ),
            ),
            ("job_id", computed("ID assigned by ApsaraVideo Live.")),
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
                    "URL of the input stream, such as `rtmp://domain/app/stream`. May contain an `auth_key`: to keep it out of plan output, use a sensitive variable.",
                ),
            ),
            (
                "stream_output",
                required(
                    "URL of the output stream. Must differ from `stream_input`; same remarks.",
                ),
            ),
            (
                "status",
                optional_computed(
                    "`Running` or `Stopped`. If set, every apply enforces it, and the plan shows a difference. If not set, an apply leaves the run state as it finds it, and a new job stays stopped unless it replaces a running one.",
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
        "Timeouts of the operations, such as `30s`, `5m` or `1h30m`.",
        ["create", "read", "update", "delete"].map(|operation| {
            let minutes = DEFAULT_TIMEOUT.as_secs() / 60;
            (
                operation,
                optional(&format!(
                    "Timeout for {operation}. Defaults to `{minutes}m`."
                )),
            )
        }),
    );
    let blocks = [("timeouts".to_owned(), NestedBlock::Single(timeouts))].into();
    Schema {
        version: 0,
        block: Block { blocks, ..job },
    }
}
