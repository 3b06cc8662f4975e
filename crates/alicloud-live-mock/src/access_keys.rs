//! The access keys that a mock knows, and the state that each one selects. Tests that run in parallel against one mock use
//! one key each, and so have jobs, calls, faults and behavior of their own. The key selects the state because SDKs accept
//! no path in an endpoint.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::actions;
use super::random::Random;
use super::recorder::Recorder;
use super::settings::{AccessKey, MockSettings};
use super::shared::{Limits, Shared};

/// The number of access keys that can exist at a time.
const MAX_ACCESS_KEYS: usize = 1000;
/// The longest ID or secret.
const MAX_KEY_CHARS: usize = 128;

/// An access key with the state that it selects.
#[derive(Clone)]
pub(super) struct KnownKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) security_token: Option<String>,
    pub(super) denied_actions: Vec<String>,
    shares_state_with: Option<String>,
    pub(super) shared: Arc<Shared>,
}

/// All access keys. The first is the one of the settings and cannot be removed.
pub(super) struct AccessKeys {
    pub(super) first: Arc<Shared>,
    pub(super) recorder: Option<Recorder>,
    known: Mutex<BTreeMap<String, KnownKey>>,
    ids: Mutex<Random>,
}

/// Fails if an access key cannot have this ID: temporary ones begin with `STS.`.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() || id.starts_with("STS.") {
        return Err("access_key_id: expected an ID that does not begin with STS.".to_owned());
    }
    Ok(())
}

impl AccessKeys {
    /// Starts with the keys of the settings. Fails as [`Shared::new`], and if a key is invalid; the error names its index.
    pub(super) fn new(settings: MockSettings) -> io::Result<Self> {
        let more = settings.access_keys.clone();
        let recorder = settings.recording.as_ref().map(Recorder::new).transpose()?;
        let limits = Limits::new(settings.max_recorded_bytes);
        let first = Shared::new(settings, None, CancellationToken::new(), limits)?;
        let first = Arc::new(first);
        let id = first.settings.access_key_id.clone();
        let known = KnownKey {
            secret: first.settings.access_key_secret.clone(),
            security_token: first.settings.security_token.clone(),
            denied_actions: Vec::new(),
            shares_state_with: None,
            shared: Arc::clone(&first),
            id: id.clone(),
        };
        let keys = Self {
            // The prefix distinguishes these IDs from those of jobs, so the same seed may serve both.
            ids: Mutex::new(Random::new(first.settings.seed)),
            first,
            recorder,
            known: Mutex::new(BTreeMap::from([(id, known)])),
        };
        for (index, key) in more.into_iter().enumerate() {
            keys.put(key)
                .map_err(|why| io::Error::other(format!("access_keys[{index}]: {why}")))?;
        }
        Ok(keys)
    }

    /// Returns the key with this ID.
    pub(super) fn find(&self, id: &str) -> Option<KnownKey> {
        self.known().get(id).cloned()
    }

    /// Returns the state that an access key ID selects: that of the key, or of the key that a temporary one was issued
    /// for. An unknown ID selects the first.
    pub(super) fn state_of(&self, id: Option<&str>) -> Arc<Shared> {
        let known = self.known();
        let owner = |id: &str| {
            let (_, owner) = id.strip_prefix("STS.")?.split_once('@')?;
            known.get(owner)
        };
        id.and_then(|id| known.get(id).or_else(|| owner(id)))
            .map_or(&self.first, |key| &key.shared)
            .clone()
    }

    /// Creates a key, or changes the fields of an existing one that `key` contains. Returns it with its secret.
    pub(super) fn put(&self, key: AccessKey) -> Result<AccessKey, String> {
        let is_action = |name: &String| actions::is_known(name);
        let denied = key.denied_actions.iter().flatten();
        if let Some(name) = denied.into_iter().find(|name| !is_action(name)) {
            return Err(format!(
                "denied_actions: expected the name of an operation, not `{name}`"
            ));
        }
        let mut known = self.known();
        let id = key.access_key_id.unwrap_or_else(|| self.new_id("mock-"));
        check_id(&id)?;
        let is_long = |text: &String| text.chars().count() > MAX_KEY_CHARS;
        if is_long(&id) || key.access_key_secret.as_ref().is_some_and(is_long) {
            return Err(format!(
                "access_key_id, access_key_secret: expected at most {MAX_KEY_CHARS} characters"
            ));
        }
        let mut entry = match known.get(&id) {
            Some(entry) if key.shares_state_with.is_some() => {
                let id = &entry.id;
                return Err(format!("shares_state_with: `{id}` exists already"));
            }
            Some(entry) => entry.clone(),
            None if known.len() >= MAX_ACCESS_KEYS => {
                return Err(format!(
                    "there are {MAX_ACCESS_KEYS} access keys already; delete one that is not needed"
                ));
            }
            None => KnownKey {
                secret: self.new_id(""),
                security_token: None,
                denied_actions: Vec::new(),
                shared: self.state_for(&id, key.shares_state_with.as_ref(), &known)?,
                shares_state_with: key.shares_state_with,
                id: id.clone(),
            },
        };
        if let Some(secret) = key.access_key_secret {
            entry.secret = secret;
        }
        if let Some(mut denied_actions) = key.denied_actions {
            denied_actions.sort();
            denied_actions.dedup();
            entry.denied_actions = denied_actions;
        }
        let with_secret = AccessKey {
            access_key_secret: Some(entry.secret.clone()),
            ..entry.without_secret()
        };
        known.insert(id, entry);
        Ok(with_secret)
    }

    /// Returns the state of the key `other`, or creates one in memory from the settings.
    fn state_for(
        &self,
        id: &str,
        other: Option<&String>,
        known: &BTreeMap<String, KnownKey>,
    ) -> Result<Arc<Shared>, String> {
        if let Some(other) = other {
            return known
                .get(other)
                .map(|key| Arc::clone(&key.shared))
                .ok_or_else(|| {
                    format!("shares_state_with: expected the ID of an access key, not `{other}`")
                });
        }
        let checked = self.first.state().budget.check();
        checked.map_err(|error| error.message)?;
        let settings = MockSettings {
            state_file: None,
            access_keys: Vec::new(),
            recording: None,
            ..self.first.settings.clone()
        };
        let (stopped, limits) = (
            self.first.stopped.child_token(),
            self.first.state().limits(),
        );
        let shared = Shared::new(settings, Some(id.to_owned()), stopped, limits);
        let shared = shared.map_err(|error| error.to_string())?;
        Ok(Arc::new(shared))
    }

    /// Removes a key, and its state with the last key that shares it. Returns false if the key does not exist.
    pub(super) fn remove(&self, id: &str) -> Result<bool, String> {
        if id == self.first.settings.access_key_id {
            return Err(
                "the access key that the mock was started with cannot be deleted".to_owned(),
            );
        }
        let mut known = self.known();
        let Some(removed) = known.remove(id) else {
            return Ok(false);
        };
        let is_shared = |key: &KnownKey| Arc::ptr_eq(&key.shared, &removed.shared);
        if !known.values().any(is_shared) {
            removed.shared.stopped.cancel();
        }
        Ok(true)
    }

    /// Returns every key in the order of the IDs, without secrets.
    pub(super) fn list(&self) -> Vec<AccessKey> {
        self.known()
            .values()
            .map(KnownKey::without_secret)
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, KnownKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self, prefix: &str) -> String {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{prefix}{}", ids.id())
    }
}

impl KnownKey {
    fn without_secret(&self) -> AccessKey {
        AccessKey {
            access_key_id: Some(self.id.clone()),
            access_key_secret: None,
            denied_actions: Some(self.denied_actions.clone()),
            shares_state_with: self.shares_state_with.clone(),
        }
    }
}
