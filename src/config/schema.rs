use tfplugin::attribute::{block, flag, number, optional, sensitive};
use tfplugin::schema::{Attribute, Block, NestedBlock, Schema};

/// The schema of the provider block.
pub(crate) fn schema() -> Schema {
    let provider = block(
        "Manages edge transcode jobs of ApsaraVideo Live on Alibaba Cloud. Arguments and environment variables are \
         named as in the official `alicloud` provider, so a provider block can be copied over, but for endpoints and \
         signature versions of other services. Calls go through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and \
         `NO_PROXY` name.",
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
fn credentials() -> [(&'static str, Attribute); 11] {
    [
        (
            "access_key",
            optional(
                "Access key ID. Also `ALICLOUD_ACCESS_KEY`, then `ALIBABA_CLOUD_ACCESS_KEY_ID`, then \
                 `ALIBABACLOUD_ACCESS_KEY_ID`.",
            ),
        ),
        (
            "secret_key",
            sensitive(optional(
                "Access key secret. Also `ALICLOUD_SECRET_KEY`, then `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, then \
                 `ALIBABACLOUD_ACCESS_KEY_SECRET`.",
            )),
        ),
        (
            "security_token",
            sensitive(optional(
                "Security token of temporary keys. Also `ALICLOUD_SECURITY_TOKEN`, then \
                 `ALIBABA_CLOUD_SECURITY_TOKEN`, then `ALIBABACLOUD_SECURITY_TOKEN`; the variables are not read \
                 when both keys are set in the block.",
            )),
        ),
        (
            "profile",
            optional(
                "Profile of the credentials file, used when no access key is set. Also `ALICLOUD_PROFILE`, then \
                 `ALIBABA_CLOUD_PROFILE`. Default where a file is named: the file's own current profile. Modes: AK, \
                 StsToken, RamRoleArn, EcsRamRole, RamRoleArnWithRoleName, ChainableRamRoleArn, OIDC, CredentialsURI, \
                 CloudSSO, OAuth and External; the last is run without a shell, and `CredentialsURI` and `External` \
                 are refused when `ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS` is `true`.",
            ),
        ),
        (
            "shared_credentials_file",
            optional(
                "Credentials file: the command line tool's JSON, or an INI file of the SDKs; the content tells which. \
                 Also `ALICLOUD_SHARED_CREDENTIALS_FILE`, then `ALIBABA_CLOUD_CREDENTIALS_FILE`, then \
                 `ALIBABA_CLOUD_CONFIG_FILE`. Default: `~/.aliyun/config.json`. When nothing at all is configured, \
                 that file, then `~/.alibabacloud/credentials`, then `~/.alibabacloud/credentials.ini` are used if they exist, unless \
                 `ALIBABA_CLOUD_CLI_PROFILE_DISABLED` is `true`.",
            ),
        ),
        (
            "credentials_uri",
            optional(
                "URL that gives temporary keys. Also `ALICLOUD_CREDENTIALS_URI`, then \
                 `ALIBABA_CLOUD_CREDENTIALS_URI`.",
            ),
        ),
        (
            "ecs_role_name",
            optional(
                "RAM role of the ECS instance that Terraform runs on. Also `ALICLOUD_ECS_ROLE_NAME`, then \
                 `ALIBABA_CLOUD_ECS_METADATA`. `ALIBABA_CLOUD_IMDSV1_DISABLED=true` forbids version 1 of the metadata \
                 service, `ALIBABA_CLOUD_ECS_METADATA_DISABLED=true` all of it. For tests, `ALICLOUD_LIVE_ECS_METADATA_ENDPOINT` is a URL in place of `http://100.100.100.200`.",
            ),
        ),
        (
            "source_ip",
            optional(
                "IP address of the caller, sent when a role is assumed, for conditions of the role. Also \
                 `ALICLOUD_SOURCE_IP`, then `ALIBABA_CLOUD_SOURCE_IP`.",
            ),
        ),
        (
            "secure_transport",
            optional(
                "`true` or `false`, sent when a role is assumed, for conditions of the role. Also \
                 `ALICLOUD_SECURE_TRANSPORT`, then `ALIBABA_CLOUD_SECURE_TRANSPORT`.",
            ),
        ),
        (
            "security_transport",
            optional("Older name of `secure_transport`."),
        ),
        (
            "account_id",
            optional(
                "ID of the Alibaba Cloud account. Also `ALICLOUD_ACCOUNT_ID`, then `ALIBABA_CLOUD_ACCOUNT_ID`. An \
                 error where the credentials are known to belong to another account.",
            ),
        ),
    ]
}

fn calls() -> [(&'static str, Attribute); 9] {
    [
        (
            "region",
            optional(
                "Region of the API, such as `cn-shanghai`. Also `ALICLOUD_REGION`, then `ALIBABA_CLOUD_REGION`, then \
                 the region of the profile. Where none is chosen none is sent, and the central endpoint is called.",
            ),
        ),
        (
            "protocol",
            optional(
                "`HTTPS` (default) or `HTTP`. Applies to the endpoint of ApsaraVideo Live where it is given without a \
                 scheme. With `HTTP` anyone on the way can read and change the calls: for a mock on the same machine.",
            ),
        ),
        (
            "client_connect_timeout",
            number(
                "Time for a connection, in milliseconds. Also `CLIENT_CONNECT_TIMEOUT`. Default: `10000`.",
            ),
        ),
        (
            "client_read_timeout",
            number(
                "Time for one attempt, from sending to the last byte of the answer, in milliseconds. Also \
                 `CLIENT_READ_TIMEOUT`. Default: `30000`.",
            ),
        ),
        (
            "max_retries",
            number(
                "How often a failed call is made again where that is safe. Throttled calls are made again until the \
                 resource's timeout. Default: `4`.",
            ),
        ),
        (
            "max_retry_timeout",
            number(
                "Seconds after which a failed call is not made again. Where it is set and `max_retries` is not, retries end \
                 with this time alone. A job that the provider has stopped is started again all the same. Also \
                 `MAX_RETRY_TIMEOUT`. Default: `0`, no limit but the resource's timeout.",
            ),
        ),
        (
            "max_requests_per_minute",
            number(
                "Calls a minute that each operation may make. The account's quota is shared by all who use it. \
                 Default: `6000`, the published quota.",
            ),
        ),
        (
            "max_concurrent_interruptions",
            number(
                "Running jobs that may be interrupted at a time to change them. Independent of this, once a job that was \
                 stopped for a change cannot be started again, no further one is interrupted in that run. Default: no \
                 limit but Terraform's `-parallelism`.",
            ),
        ),
        (
            "configuration_source",
            optional(
                "Name of the module that calls, for the `User-Agent` of calls. Whatever `TF_APPEND_USER_AGENT` holds \
                 is appended too.",
            ),
        ),
    ]
}

fn without_effect() -> [(&'static str, Attribute); 2] {
    const DESCRIPTION: &str =
        "Accepted, so that blocks written for the official provider work. Has no effect here.";
    [
        ("account_type", optional(DESCRIPTION)),
        ("skip_region_validation", flag(DESCRIPTION)),
    ]
}

fn endpoints() -> Block {
    block(
        "Where services are reached instead of at their public endpoints.",
        [
            (
                "live",
                optional(
                    "Endpoint of ApsaraVideo Live: `host`, `host:port` (reached by `protocol`), or a URL such as \
                     `http://127.0.0.1:8080`. Also `ALIBABA_CLOUD_ENDPOINT_LIVE`, then `LIVE_ENDPOINT`. Default: the \
                     public endpoint of `region`.",
                ),
            ),
            (
                "sts",
                optional(
                    "Endpoint of the Security Token Service, by HTTPS unless it is a URL that says otherwise. Also \
                     `ALIBABA_CLOUD_ENDPOINT_STS`, then `STS_ENDPOINT`, then `ALIBABA_CLOUD_STS_ENDPOINT`. Default: `sts.aliyuncs.com`, or the regional \
                     one that `ALIBABA_CLOUD_STS_REGION` or the profile names.",
                ),
            ),
        ],
    )
}

fn sign_version() -> Block {
    block(
        "How calls are signed.",
        [(
            "live",
            optional(
                "Signature of calls to ApsaraVideo Live: `v1` (default) is RPC signature 1.0 with HMAC-SHA1, `v3` is \
                 ACS3-HMAC-SHA256.",
            ),
        )],
    )
}

fn assume_role() -> Block {
    block(
        "A role to take on with the credentials that were found.",
        [
            (
                "role_arn",
                optional(
                    "ARN of the role. Also `ALICLOUD_ASSUME_ROLE_ARN`, then `ALIBABA_CLOUD_ROLE_ARN`, which are read \
                     only where the block is written, be it without arguments. Without an ARN, no role is taken on.",
                ),
            ),
            (
                "session_name",
                optional(
                    "Name of the session. Also `ALICLOUD_ASSUME_ROLE_SESSION_NAME`, then \
                     `ALIBABA_CLOUD_ROLE_SESSION_NAME`. Default: `terraform`.",
                ),
            ),
            (
                "policy",
                optional("Policy in JSON that narrows the role's permissions."),
            ),
            (
                "session_expiration",
                number(
                    "How long keys of the role last, 900 to 43200 seconds; they are renewed in time. Also \
                     `ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION`. Default: `3600`.",
                ),
            ),
            (
                "external_id",
                optional("External ID that the role's owner asks for."),
            ),
        ],
    )
}

fn assume_role_with_oidc() -> Block {
    block(
        "A role to take on with a token of an identity provider, when nothing before it is configured.",
        [
            (
                "oidc_provider_arn",
                optional("ARN of the identity provider. Also `ALIBABA_CLOUD_OIDC_PROVIDER_ARN`."),
            ),
            (
                "role_arn",
                optional("ARN of the role. Also `ALIBABA_CLOUD_ROLE_ARN`."),
            ),
            (
                "oidc_token",
                sensitive(optional(
                    "The token itself. Also `ALIBABA_CLOUD_OIDC_TOKEN`.",
                )),
            ),
            (
                "oidc_token_file",
                optional(
                    "File of the token, read anew whenever keys are renewed. Also `ALIBABA_CLOUD_OIDC_TOKEN_FILE`.",
                ),
            ),
            (
                "role_session_name",
                optional(
                    "Name of the session. Also `ALIBABA_CLOUD_ROLE_SESSION_NAME`. Default: `terraform`.",
                ),
            ),
            (
                "policy",
                optional("Policy in JSON that narrows the role's permissions."),
            ),
            (
                "session_expiration",
                number("How long keys of the role last, 900 to 43200 seconds. Default: `3600`."),
            ),
        ],
    )
}
