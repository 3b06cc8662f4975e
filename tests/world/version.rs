//! What differs between releases of Terraform.

/// A release, by its minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) minor: usize,
}

impl Version {
    pub(crate) const ALL: [Self; 4] = [
        Self { minor: 6 },
        Self { minor: 12 },
        Self { minor: 15 },
        Self { minor: 16 },
    ];

    /// An apply that fails and has a value loses the identity.
    pub(crate) fn drops_identity_on_error(self) -> bool {
        self.minor == 12
    }

    /// Stop reaches the provider before calls are held back, in the plan too.
    pub(crate) fn stops_before_holding_back(self) -> bool {
        self.minor >= 16
    }

    /// Whether the private data of the plan walk comes along in the apply walk's plan call.
    pub(crate) fn keeps_planned_private(self) -> bool {
        self.minor >= 16
    }

    /// A `-refresh-only` plans the end of what has no block, and drops that.
    pub(crate) fn plans_orphans_in_refresh(self) -> bool {
        self.minor > 6
    }

    pub(crate) fn has_removed_blocks(self) -> bool {
        self.minor >= 7
    }
}
