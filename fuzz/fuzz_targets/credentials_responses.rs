//! Responses of STS, of the instance's metadata and of a credentials URI.
#![no_main]

use std::sync::Arc;

use alicloud_auth::credentials::{
    CredentialsConfig, HttpRequest, HttpResponse, HttpSend, SystemContext, select_source,
};
use alicloud_auth::environment::Environment;
use async_trait::async_trait;
use fuzz::{Mutator, runtime};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use secrecy::SecretString;

struct Response {
    status: u16,
    body: String,
}

#[async_trait]
impl HttpSend for Response {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, String> {
        Ok(HttpResponse {
            status: self.status,
            body: SecretString::from(self.body.clone()),
            date: None,
        })
    }
}

fuzz_target!(|data: &[u8]| {
    let [way, status, body @ ..] = data else {
        return;
    };
    let Ok(body) = str::from_utf8(body) else {
        return;
    };
    let mut settings = CredentialsConfig::default();
    match way % 3 {
        0 => settings.ecs_role_name = Some("role".to_owned()),
        1 => settings.credentials_uri = Some("http://127.0.0.1/credentials".to_owned()),
        _ => {
            settings.access_key = Some("id".to_owned());
            settings.secret_key = Some(SecretString::from("secret"));
        }
    }
    let role = [("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r")];
    let variables = if way % 3 == 2 { &role[..] } else { &[] };
    let environment: Environment = variables.iter().copied().collect();
    let mut system = SystemContext::new(environment, "fuzz".to_owned()).unwrap();
    system.http = Arc::new(Response {
        status: [200, 200, 400, 500][usize::from(*status) % 4],
        body: body.to_owned(),
    });
    runtime().block_on(async {
        if let Ok(chosen) = select_source(&settings, &system).await {
            drop(chosen.source.load().await);
        }
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 2, Mutator::json)
});
