//! What differs between releases of Terraform.

/// A release, by its minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub minor: usize,
}

impl Version {
    pub const ALL: [Self; 4] = [
        Self { minor: 6 },
        Self { minor: 12 },
        Self { minor: 15 },
        Self { minor: 16 },
    ];

    /// An apply that fails and has a value loses the identity.
    pub fn drops_identity_on_error(self) -> bool {
        self.minor == 12
    }

    /// Stop reaches the provider before calls are held back, in the plan too.
    pub fn stops_before_holding_back(self) -> bool {
        self.minor >= 16
    }

    /// Whether the private data of the plan walk comes along in the apply walk's plan call.
    pub fn keeps_planned_private(self) -> bool {
        self.minor >= 16
    }

    /// Whether core allows deferrals in the apply walk, which tells it from the plan walk.
    pub fn announces_apply(self) -> bool {
        self.minor >= 9
    }

    /// A `-refresh-only` plans the end of what has no block, and drops that.
    pub fn plans_orphans_in_refresh(self) -> bool {
        self.minor > 6
    }

    pub fn has_removed_blocks(self) -> bool {
        self.minor >= 7
    }
}
