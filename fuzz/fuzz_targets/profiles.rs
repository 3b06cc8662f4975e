//! Files of credentials: Alibaba Cloud CLI's JSON and the SDKs' INI.
#![no_main]

use std::io;
use std::path::Path;
use std::sync::Arc;

use alicloud_auth::credentials::{
    CredentialsConfig, FileAccess, FileText, LockedFile, SystemContext, select_source,
};
use alicloud_auth::environment::Environment;
use async_trait::async_trait;
use fuzz::{choice, runtime};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

/// Every file holds the same.
struct File(String);

#[async_trait]
impl FileAccess for File {
    async fn read(&self, _: &Path) -> io::Result<FileText> {
        Ok(FileText {
            text: SecretString::from(self.0.clone()),
            is_readable_by_others: false,
        })
    }

    async fn lock(&self, _: &Path) -> io::Result<Box<dyn LockedFile>> {
        Err(io::Error::other("locked"))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((way, text)) = choice(data, 3) else {
        return;
    };
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let variables = [
        vec![("HOME", "/nowhere"), ("ALIBABA_CLOUD_PROFILE", "default")],
        vec![("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere/credentials")],
        vec![("HOME", "/nowhere")],
    ];
    let environment: Environment = variables[usize::from(way)].iter().copied().collect();
    let mut system = SystemContext::new(environment, "fuzz".to_owned()).unwrap();
    system.files = Arc::new(File(text.to_owned()));
    let settings = CredentialsConfig {
        profile: (way == 2).then(|| "default".to_owned()),
        ..CredentialsConfig::default()
    };
    // A source that was found is not asked: it may run a program or make calls.
    drop(runtime().block_on(select_source(&settings, &system)));
});
