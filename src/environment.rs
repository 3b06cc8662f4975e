//! The process environment as a value, so that whoever reads it can be tested without changing it.

use std::collections::HashMap;
use std::sync::Arc;

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Environment variables by name. An empty value counts as not set, as in the official provider.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self {
            lookup: Arc::new(|name| std::env::var(name).ok()),
        }
    }

    /// The given variables and no others.
    pub fn of(variables: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let variables: HashMap<_, _> = variables.into_iter().collect();
        Self {
            lookup: Arc::new(move |name| variables.get(name).map(ToString::to_string)),
        }
    }

    /// The value of the first of these variables that is set.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| (self.lookup)(name).filter(|value| !value.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_not_empty_wins() {
        let environment = Environment::of([("A", ""), ("B", "b"), ("C", "c")]);
        assert_eq!(environment.first(&["A", "B", "C"]).as_deref(), Some("b"));
        assert_eq!(environment.first(&["X"]), None);
    }
}
