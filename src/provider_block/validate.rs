//! Rules for the arguments of the provider block.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::shared::check::shown;
use alicloud_auth::credentials::Region;
use alicloud_live::{Endpoint, Protocol};
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostics, diagnostic};

use super::endpoints::{invalid_endpoint, within};
use super::{ProviderConfig, only, parse_protocol, parse_sign_version, set};

/// What roles allow their sessions, in seconds.
const SESSION_SECONDS: RangeInclusive<i64> = 900..=43_200;

impl ProviderConfig {
    /// Checks what can be checked without the environment.
    pub(crate) fn validate(&self, diagnostics: &mut Diagnostics) {
        self.check_names(diagnostics);
        self.check_conditions(diagnostics);
        self.check_endpoints(diagnostics);
        self.check_numbers(diagnostics);
        self.check_sessions(diagnostics);
        self.warn_of_arguments_without_effect(diagnostics);
    }

    fn check_names(&self, diagnostics: &mut Diagnostics) {
        if let Value::Value(protocol) = &self.protocol
            && parse_protocol(protocol).is_none()
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("protocol"),
                "Invalid protocol",
                format!("Expected HTTPS or HTTP; got {}.", shown(protocol)),
            ));
        }
        if let Value::Value(region) = &self.region
            && let Err(input) = Region::parse(region, "It")
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("region"),
                "Invalid region",
                format!("{input}."),
            ));
        }
        if let Some(Value::Value(version)) = only(&self.sign_version).map(|block| &block.live)
            && parse_sign_version(version).is_none()
        {
            diagnostics.add_error(diagnostic::at(
                within("sign_version", "live"),
                "Invalid signature version",
                format!("Expected v1 or v3; got {}.", shown(version)),
            ));
        }
    }

    /// Values for conditions of roles: STS is not asked with others.
    fn check_conditions(&self, diagnostics: &mut Diagnostics) {
        if let Some(address) = set(&self.source_ip)
            && address.parse::<IpAddr>().is_err()
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("source_ip"),
                "Invalid source IP address",
                format!("Expected an IP address; got {}.", shown(&address)),
            ));
        }
        for (name, value) in [
            ("secure_transport", &self.secure_transport),
            ("security_transport", &self.security_transport),
        ] {
            if let Some(value) = set(value)
                && !matches!(&*value, "true" | "false")
            {
                diagnostics.add_error(diagnostic::at(
                    AttributePath::new(name),
                    "Invalid secure transport",
                    format!("Expected true or false; got {}.", shown(&value)),
                ));
            }
        }
    }

    fn check_endpoints(&self, diagnostics: &mut Diagnostics) {
        let Some(endpoints) = only(&self.endpoints) else {
            return;
        };
        for (name, endpoint) in [("live", &endpoints.live), ("sts", &endpoints.sts)] {
            if let Value::Value(endpoint) = endpoint
                && !endpoint.is_empty()
                && let Err(reason) = Endpoint::parse(endpoint, Protocol::Https)
            {
                let origin = format!("endpoints.{name}");
                diagnostics.add_error(invalid_endpoint(&origin, reason, within("endpoints", name)));
            }
        }
    }

    fn check_numbers(&self, diagnostics: &mut Diagnostics) {
        for (name, number, smallest) in [
            ("client_connect_timeout", &self.client_connect_timeout, 1),
            ("client_read_timeout", &self.client_read_timeout, 1),
            ("max_retries", &self.max_retries, 0),
            ("max_retry_timeout", &self.max_retry_timeout, 0),
            ("max_requests_per_minute", &self.max_requests_per_minute, 1),
            (
                "max_concurrent_interruptions",
                &self.max_concurrent_interruptions,
                1,
            ),
        ] {
            let largest = u32::MAX;
            let range = smallest..=i64::from(largest);
            if let Value::Value(number) = number
                && !number.whole().is_some_and(|number| range.contains(&number))
            {
                diagnostics.add_error(diagnostic::at(
                    AttributePath::new(name),
                    "Number out of range",
                    format!("Expected a whole number from {smallest} to {largest}; got {number}."),
                ));
            }
        }
    }

    fn check_sessions(&self, diagnostics: &mut Diagnostics) {
        let of_role = only(&self.assume_role).map(|block| &block.session_expiration);
        let of_oidc = only(&self.assume_role_with_oidc).map(|block| &block.session_expiration);
        for (name, seconds) in [("assume_role", of_role), ("assume_role_with_oidc", of_oidc)] {
            if let Some(Value::Value(seconds)) = seconds
                && !seconds
                    .whole()
                    .is_some_and(|seconds| seconds == 0 || SESSION_SECONDS.contains(&seconds))
            {
                diagnostics.add_error(diagnostic::at(
                    within(name, "session_expiration"),
                    "Invalid session expiration",
                    format!(
                        "Expected a whole number of seconds from {} to {}; got {seconds}.",
                        SESSION_SECONDS.start(),
                        SESSION_SECONDS.end()
                    ),
                ));
            }
        }
    }

    /// One warning for all of them: a block that was written for the official provider must work, and no user must
    /// believe that they do something here.
    fn warn_of_arguments_without_effect(&self, diagnostics: &mut Diagnostics) {
        let arguments = [
            ("account_type", !self.account_type.is_null()),
            (
                "skip_region_validation",
                !self.skip_region_validation.is_null(),
            ),
        ];
        let set: Vec<_> = arguments
            .into_iter()
            .filter_map(|(name, is_set)| is_set.then_some(name))
            .collect();
        if let Some(first) = set.first() {
            diagnostics.add_warning(diagnostic::at(
                AttributePath::new(*first),
                "Ignored provider arguments",
                format!(
                    "This provider accepts these arguments of the official alicloud provider and does nothing with \
                     them: {}.",
                    set.join(", ")
                ),
            ));
        }
    }
}
