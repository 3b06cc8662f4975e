use super::model::DEFAULT_TIMEOUT;
use tfplugin::IdentitySchema;
use tfplugin::attribute::{
    NamedAttribute, block, computed, flag, optional, optional_computed, required,
};
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

/// What the API decides of a job: the same in resource and data sources.
pub(super) fn returned() -> [NamedAttribute; 6] {
    [
        computed("job_id", "ID assigned by ApsaraVideo Live."),
        computed(
            "create_time",
            "When the job was created, UTC, such as `2023-07-24T16:44:55Z`.",
        ),
        computed(
            "last_start_at",
            "When the job was last started, UTC; null before the first time.",
        ),
        computed(
            "last_stop_at",
            "When the job was last stopped, UTC; null before the first time.",
        ),
        computed("template_name", "Name of the template."),
        computed(
            "type",
            "Type of the template: `common`, `nbhd-2` or `ultra-hd`.",
        ),
    ]
}

pub(super) fn schema() -> Schema {
    let job = block(
        "An edge transcode job of ApsaraVideo Live: reads one stream, transcodes it in an edge cluster with a template, and writes another stream.",
        [
            computed(
                "id",
                "`<cluster_id>:<job_id>`, which is also the import ID.",
            ),
            required(
                "cluster_id",
                "ID of the edge cluster (data center) in which the job runs. No whitespace, no `:`. Changing this forces a new resource to be created.",
            ),
            required(
                "name",
                "Name of the job: 1 to 255 Chinese characters, letters, digits, `-` and `_`. Need not be unique.",
            ),
            required(
                "template_id",
                "ID of the transcoding template. It must exist in the cluster.",
            ),
            required(
                "stream_input",
                "URL of the input stream, such as `rtmp://domain/app/stream`. RTMP requires an app and a stream, SRT those or a `streamid`, any other protocol a host. No user name, no password. May contain an `auth_key`: to keep it out of plan output, use a sensitive variable.",
            ),
            required(
                "stream_output",
                "URL of the output stream, with the same rules. Must differ from `stream_input`. May contain an `auth_key`: to keep it out of plan output, use a sensitive variable.",
            ),
            optional_computed(
                "status",
                "`Running` or `Stopped`. If set, every plan shows a difference from it, and the apply enforces it. If not set, an apply does not change whether the job runs, and a new job stays stopped unless it replaces a running one.",
            ),
            flag(
                "allow_stopping_for_update",
                "Whether a running job may be stopped to change it: the API changes a job only while it is stopped, \
                 so its output stream is interrupted until the job is started again. Defaults to `true`. With \
                 `false`, a plan that would interrupt or replace the running job is an error. It prevents neither a \
                 deletion, nor `status = \"Stopped\"`, nor the actions. The replacement of a tainted job it rejects only in the apply, and not with `create_before_destroy`.",
            ),
            flag(
                "deletion_protection",
                "Whether the job is protected from deletion and replacement. Defaults to `false`. With `true`, a plan \
                 that would delete or replace the job is an error; to delete it, set `false` and apply first. A tainted job \
                 is protected only in the apply, and with `create_before_destroy` not at all.",
            ),
        ]
        .into_iter()
        .chain(returned()),
    );
    let blocks = [("timeouts".to_owned(), NestedBlock::Single(timeouts()))].into();
    Schema {
        version: 0,
        block: Block { blocks, ..job },
    }
}

fn timeouts() -> Block {
    let minutes = DEFAULT_TIMEOUT.as_secs() / 60;
    block(
        "Timeouts of the operations, such as `30s`, `5m` or `1h30m`.",
        ["create", "read", "update", "delete"].map(|operation| {
            let description = format!("Timeout for {operation}. Defaults to `{minutes}m`.");
            optional(operation, &description)
        }),
    )
}
