//! What Terraform keeps: the objects of one workspace.

use std::collections::BTreeMap;

use crate::value::Value;

/// Of an instance, such as `job.a` or `job.a["x"]`.
pub type Address = String;

/// One object with what is stored beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub value: Value,
    pub private: Vec<u8>,
    pub identity: Option<Value>,
    pub is_tainted: bool,
    pub create_before_destroy: bool,
}

impl Stored {
    pub fn job_id(&self) -> &str {
        self.value.str("job_id")
    }
}

/// A slot of the state: the current object of an address, or a deposed one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub address: Address,
    pub deposed: Option<u32>,
}

impl Slot {
    pub fn current(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            deposed: None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub objects: BTreeMap<Slot, Stored>,
    next_deposed: u32,
}

impl State {
    pub fn current(&self, address: &str) -> Option<&Stored> {
        self.objects.get(&Slot::current(address))
    }

    pub fn set(&mut self, slot: &Slot, object: Option<Stored>) {
        match object {
            Some(object) => self.objects.insert(slot.clone(), object),
            None => self.objects.remove(slot),
        };
    }

    /// Moves the current object aside, for its successor to be created.
    pub fn depose(&mut self, address: &str) -> Option<Slot> {
        let object = self.objects.remove(&Slot::current(address))?;
        let slot = Slot {
            address: address.to_owned(),
            deposed: Some(self.next_deposed),
        };
        self.next_deposed += 1;
        self.objects.insert(slot.clone(), object);
        Some(slot)
    }

    /// Takes a deposed object back, if there is no successor.
    pub fn restore(&mut self, slot: &Slot) {
        let current = Slot::current(&slot.address);
        if !self.objects.contains_key(&current)
            && let Some(object) = self.objects.remove(slot)
        {
            self.objects.insert(current, object);
        }
    }

    /// A `moved` block.
    pub fn rename(&mut self, from: &str, to: &str) {
        if self.current(to).is_none()
            && let Some(object) = self.objects.remove(&Slot::current(from))
        {
            self.objects.insert(Slot::current(to), object);
        }
    }

    pub fn holds(&self, job_id: &str) -> bool {
        self.job_ids().any(|held| held == job_id)
    }

    pub fn job_ids(&self) -> impl Iterator<Item = &str> {
        self.objects.values().map(Stored::job_id)
    }
}
