//! Each directory of `tests/cases/credentials` is a case: arguments, environment and files, and the expected source or
//! error.

use std::collections::BTreeSet;
use std::fs;

use crate::case::{self, DIRECTORY};

macro_rules! cases {
    ($($name:ident,)+) => {
        $(#[tokio::test] async fn $name() { case::check(stringify!($name)).await; })+

        #[test]
        fn every_directory_is_a_test() {
            let directories: BTreeSet<String> = fs::read_dir(DIRECTORY)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let tests = BTreeSet::from([$(stringify!($name).to_owned()),+]);
            assert_eq!(directories, tests);
        }
    };
}

cases! {
    account_id_by_variable_works,
    account_id_of_another_account,
    account_id_works,
    assume_role_absent,
    assume_role_broken,
    assume_role_by_variables_works,
    assume_role_expiration_no_number,
    assume_role_on_oidc_works,
    assume_role_replaces_the_role_of_the_profile,
    assume_role_unreachable,
    assume_role_works,
    block_broken,
    block_works,
    credentials_uri_broken,
    credentials_uri_fails,
    credentials_uri_unreachable,
    credentials_uri_works,
    ecs_role_broken,
    ecs_role_turned_off,
    ecs_role_v1_forbidden,
    ecs_role_v1_works,
    ecs_role_works,
    environment_absent,
    environment_broken,
    environment_region_of_sts_wrong,
    environment_works,
    home_absent,
    home_broken,
    home_ini_works,
    home_json_works,
    ini_broken,
    ini_role_works,
    ini_type_unsupported,
    ini_works,
    nothing_is_configured,
    oidc_block_works,
    oidc_broken,
    oidc_environment_works,
    oidc_incomplete,
    oidc_refused,
    order_broken_stops,
    order_ecs_role_before_oidc,
    order_oidc_before_home,
    order_profile_before_uri,
    order_uri_before_ecs_role,
    profile_absent_from_file,
    profile_ak_broken,
    profile_ak_works,
    profile_chainable_broken,
    profile_chainable_endless,
    profile_chainable_works,
    profile_cloud_sso_broken,
    profile_cloud_sso_cached_works,
    profile_cloud_sso_refused,
    profile_cloud_sso_works,
    profile_credentials_uri_broken,
    profile_credentials_uri_works,
    profile_ecs_ram_role_broken,
    profile_ecs_ram_role_works,
    profile_external_broken,
    profile_external_forbidden,
    profile_external_prints_no_keys,
    profile_external_works,
    profile_file_missing,
    profile_file_named_and_missing,
    profile_file_no_json,
    profile_file_wrong_type,
    profile_in_use,
    profile_missing_beside_keys_of_the_environment,
    profile_mode_unsupported,
    profile_oauth_broken,
    profile_oauth_works,
    profile_oidc_broken,
    profile_oidc_works,
    profile_ram_role_arn_broken,
    profile_ram_role_arn_with_role_name_works,
    profile_ram_role_arn_works,
    profile_ram_role_arn_wrong_secret,
    profile_region_beside_keys_of_the_environment,
    profile_region_wrong_beside_keys_of_the_environment,
    profile_role_beside_keys_of_the_environment,
    profile_session_too_short,
    profile_sts_endpoint_works,
    profile_sts_region_wrong,
    profile_sts_token_broken,
    profile_sts_token_works,
}
