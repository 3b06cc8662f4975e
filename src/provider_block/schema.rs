use tfplugin::attribute::{NamedAttribute, block, flag, number, optional, sensitive};
use tfplugin::schema::{Block, NestedBlock, Schema};

/// The schema of the provider block.
pub(crate) fn schema() -> Schema {
    let provider = block(
        "Manages edge transcode jobs of ApsaraVideo Live on Alibaba Cloud. Arguments and environment variables are named as in the official `alicloud` provider, so you can copy a provider block, except for endpoints and signature versions of other services. Calls use the proxy in `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.",
        credentials()
            .into_iter()
            .chain(calls())
            .chain(without_effect()),
    );
    let blocks = [
        ("endpoints", endpoints()),
        ("sign_version", sign_version()),
        ("assume_role", assume_role()),
        ("assume_role_with_oidc", assume_role_with_oidc()),
    ];
    Schema {
        version: 0,
        block: Block {
            blocks: blocks
                .into_iter()
                .map(|(name, block)| (name.to_owned(), NestedBlock::Optional(block)))
                .collect(),
            ..provider
        },
    }
}

/// In the order in which the sources are asked.
fn credentials() -> [NamedAttribute; 11] {
    [
        optional(
            "access_key",
            "Access key ID. Can also be set with the `ALICLOUD_ACCESS_KEY`, `ALIBABA_CLOUD_ACCESS_KEY_ID` or `ALIBABACLOUD_ACCESS_KEY_ID` environment variable.",
        ),
        sensitive(optional(
            "secret_key",
            "Access key secret. Can also be set with the `ALICLOUD_SECRET_KEY`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` or `ALIBABACLOUD_ACCESS_KEY_SECRET` environment variable.",
        )),
        sensitive(optional(
            "security_token",
            "Security token of temporary credentials. Can also be set with the `ALICLOUD_SECURITY_TOKEN`, `ALIBABA_CLOUD_SECURITY_TOKEN` or `ALIBABACLOUD_SECURITY_TOKEN` environment variable. The variables are ignored when `access_key` and `secret_key` are set in the block.",
        )),
        optional(
            "profile",
            "Profile of the credentials file. Its credentials are used when no access key is set; its region, its STS settings and, in mode RamRoleArn, its role count beside an access key, too. A profile that does not exist is ignored if an access key is set, with a warning. Can also be set with the `ALICLOUD_PROFILE` or `ALIBABA_CLOUD_PROFILE` environment variable. Defaults to the current profile of the file, if a file is configured. Modes: AK, StsToken, RamRoleArn, EcsRamRole, RamRoleArnWithRoleName, ChainableRamRoleArn, OIDC, CredentialsURI, CloudSSO, OAuth and External. The command of External runs without a shell. `CredentialsURI` and `External` are rejected when `ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS` is `true`.",
        ),
        optional(
            "shared_credentials_file",
            "Credentials file: the JSON file of Alibaba Cloud CLI, or an INI file of the SDKs. The content decides. Can also be set with the `ALICLOUD_SHARED_CREDENTIALS_FILE`, `ALIBABA_CLOUD_CREDENTIALS_FILE` or `ALIBABA_CLOUD_CONFIG_FILE` environment variable. Defaults to `~/.aliyun/config.json`. Without `profile`, a file that only a variable names is used if no other credentials are configured. If no variable is set either, `~/.aliyun/config.json`, then `~/.alibabacloud/credentials`, then `~/.alibabacloud/credentials.ini` are used if they exist, unless `ALIBABA_CLOUD_CLI_PROFILE_DISABLED` is `true`.",
        ),
        optional(
            "credentials_uri",
            "URL that returns temporary credentials. Can also be set with the `ALICLOUD_CREDENTIALS_URI` or `ALIBABA_CLOUD_CREDENTIALS_URI` environment variable.",
        ),
        optional(
            "ecs_role_name",
            "RAM role of the ECS instance that Terraform runs on. Can also be set with the `ALICLOUD_ECS_ROLE_NAME` or `ALIBABA_CLOUD_ECS_METADATA` environment variable. `ALIBABA_CLOUD_IMDSV1_DISABLED=true` disables version 1 of the metadata service, `ALIBABA_CLOUD_ECS_METADATA_DISABLED=true` disables the service. For tests, `ALICLOUD_LIVE_ECS_METADATA_ENDPOINT` replaces `http://100.100.100.200`.",
        ),
        optional(
            "source_ip",
            "IP address of the caller, sent when a role is assumed, for conditions of the role. Can also be set with the `ALICLOUD_SOURCE_IP` or `ALIBABA_CLOUD_SOURCE_IP` environment variable.",
        ),
        optional(
            "secure_transport",
            "`true` or `false`, sent when a role is assumed, for conditions of the role. Can also be set with the `ALICLOUD_SECURE_TRANSPORT` or `ALIBABA_CLOUD_SECURE_TRANSPORT` environment variable.",
        ),
        optional(
            "security_transport",
            "Older name of `secure_transport`. Can also be set with the `ALICLOUD_SECURITY_TRANSPORT` or `ALIBABA_CLOUD_SECURITY_TRANSPORT` environment variable.",
        ),
        optional(
            "account_id",
            "ID of the Alibaba Cloud account. Can also be set with the `ALICLOUD_ACCOUNT_ID` or `ALIBABA_CLOUD_ACCOUNT_ID` environment variable. Credentials of another account are an error. Where they do not tell their account, STS must confirm it before the first are used.",
        ),
    ]
}

fn calls() -> [NamedAttribute; 10] {
    [
        optional(
            "region",
            "Region of the API, such as `cn-shanghai`. Can also be set with the `ALICLOUD_REGION` or `ALIBABA_CLOUD_REGION` environment variable. Defaults to the region of the profile. Without a region, none is sent, and the central endpoint is called.",
        ),
        optional(
            "protocol",
            "`HTTPS` (default) or `HTTP`. Applies to an endpoint of ApsaraVideo Live that has no scheme. With `HTTP`, calls can be read and changed on the way: use it only for a mock on the same machine.",
        ),
        number(
            "client_connect_timeout",
            "Timeout for a connection, in milliseconds. It counts within `client_read_timeout`: a longer one has no effect. Can also be set with the `CLIENT_CONNECT_TIMEOUT` environment variable. Defaults to `10000`.",
        ),
        number(
            "client_read_timeout",
            "Timeout for one attempt, from connecting to the last byte of the response, in milliseconds. Can also be set with the `CLIENT_READ_TIMEOUT` environment variable. Defaults to `30000`.",
        ),
        number(
            "max_retries",
            "Maximum number of retries, where retrying is safe. Throttled calls are retried until the resource's timeout. Defaults to `4`.",
        ),
        number(
            "max_retry_timeout",
            "Time in seconds after which a failed call is not retried. If it is set and `max_retries` is not, only this time limits retries. A job that the provider stopped is started again regardless. Can also be set with the `MAX_RETRY_TIMEOUT` environment variable. Defaults to `0`: no limit except the resource's timeout.",
        ),
        number(
            "max_requests_per_minute",
            "Maximum number of calls per minute for each operation. All clients of an account share its quota. Defaults to `6000`, the published quota.",
        ),
        number(
            "max_concurrent_interruptions",
            "Maximum number of running jobs that are interrupted at the same time to change them. Regardless of this limit, once a stream that the run has ended cannot be brought back on air, it interrupts and replaces no other running job. Defaults to Terraform's `-parallelism`.",
        ),
        flag(
            "skip_plan_checks",
            "Whether plans skip the checks of new and changed jobs against the API: whether the template exists, the cluster is \
             accessible, and no other job writes the same output stream. Defaults to `false`. A check that fails or takes \
             too long is never an error.",
        ),
        optional(
            "configuration_source",
            "Name of the calling module, for the `User-Agent` of calls. The value of `TF_APPEND_USER_AGENT` is appended too.",
        ),
    ]
}

fn without_effect() -> [NamedAttribute; 2] {
    const DESCRIPTION: &str =
        "Accepted for compatibility with the official provider. Has no effect.";
    [
        optional("account_type", DESCRIPTION),
        flag("skip_region_validation", DESCRIPTION),
    ]
}

fn endpoints() -> Block {
    block(
        "Endpoints to use instead of the public ones.",
        [
            optional(
                "live",
                "Endpoint of ApsaraVideo Live: `host`, `host:port` (reached by `protocol`), or a URL such as `http://127.0.0.1:8080`. Can also be set with the `ALIBABA_CLOUD_ENDPOINT_LIVE` or `LIVE_ENDPOINT` environment variable. Defaults to the public endpoint of `region`.",
            ),
            optional(
                "sts",
                "Endpoint of the Security Token Service, with HTTPS unless it is a URL with another scheme. Can also be set with the `ALIBABA_CLOUD_ENDPOINT_STS`, `STS_ENDPOINT` or `ALIBABA_CLOUD_STS_ENDPOINT` environment variable. Defaults to `sts.aliyuncs.com`, or to the endpoint of the region in `ALIBABA_CLOUD_STS_REGION` or the profile; with `ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED=true`, to that region's endpoint inside a VPC.",
            ),
        ],
    )
}

fn sign_version() -> Block {
    block(
        "How calls are signed.",
        [optional(
            "live",
            "Signature of calls to ApsaraVideo Live: `v1` (default) is RPC signature 1.0 with HMAC-SHA1, `v3` is ACS3-HMAC-SHA256.",
        )],
    )
}

fn assume_role() -> Block {
    block(
        "Assumes a RAM role with the configured credentials.",
        [
            optional(
                "role_arn",
                "ARN of the role. Can also be set with the `ALICLOUD_ASSUME_ROLE_ARN` or `ALIBABA_CLOUD_ROLE_ARN` environment variable. The variables are read only if the block exists, even without arguments. Without an ARN, the role of a profile of mode `RamRoleArn` is assumed, or none.",
            ),
            optional(
                "session_name",
                "Name of the session. Can also be set with the `ALICLOUD_ASSUME_ROLE_SESSION_NAME` or `ALIBABA_CLOUD_ROLE_SESSION_NAME` environment variable. Defaults to that of a profile of mode `RamRoleArn`, or else to `terraform`.",
            ),
            optional(
                "policy",
                "Policy in JSON that narrows the role's permissions.",
            ),
            number(
                "session_expiration",
                "How long credentials of the role are valid, 900 to 43200 seconds. They are renewed before they expire. Can also be set with the `ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION` environment variable. Defaults to that of a profile of mode `RamRoleArn`, or else to `3600`.",
            ),
            optional(
                "external_id",
                "External ID that the owner of the role requires.",
            ),
        ],
    )
}

fn assume_role_with_oidc() -> Block {
    block(
        "Assumes a RAM role with a token of an identity provider, if no earlier credentials source is configured.",
        [
            optional(
                "oidc_provider_arn",
                "ARN of the identity provider. Can also be set with the `ALIBABA_CLOUD_OIDC_PROVIDER_ARN` environment variable.",
            ),
            optional(
                "role_arn",
                "ARN of the role. Can also be set with the `ALIBABA_CLOUD_ROLE_ARN` environment variable.",
            ),
            sensitive(optional(
                "oidc_token",
                "The token itself. Can also be set with the `ALIBABA_CLOUD_OIDC_TOKEN` environment variable.",
            )),
            optional(
                "oidc_token_file",
                "File that contains the token. It is read again for each renewal. Can also be set with the `ALIBABA_CLOUD_OIDC_TOKEN_FILE` environment variable.",
            ),
            optional(
                "role_session_name",
                "Name of the session. Can also be set with the `ALIBABA_CLOUD_ROLE_SESSION_NAME` environment variable. Defaults to that of a profile of mode `RamRoleArn`, or else to `terraform`.",
            ),
            optional(
                "policy",
                "Policy in JSON that narrows the role's permissions.",
            ),
            number(
                "session_expiration",
                "How long credentials of the role are valid, 900 to 43200 seconds. Defaults to `3600`.",
            ),
        ],
    )
}
