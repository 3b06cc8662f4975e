//! Configurations written by tests: one line for each argument, so that a diagnostic's line names its argument.

use std::fmt::{self, Display, Formatter};

/// What every configuration of these tests begins with.
pub(crate) const HEADER: &str = r#"terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}
"#;

/// A block with one label or two, whose arguments are expressions in Terraform's language.
#[derive(Clone)]
pub(crate) struct Block {
    header: String,
    arguments: Vec<(String, String)>,
}

impl Block {
    pub(crate) fn provider() -> Self {
        Self {
            header: r#"provider "alicloud""#.to_owned(),
            arguments: Vec::new(),
        }
    }

    /// A job with all required arguments, as `alicloud_live_edge_transcode_job.<label>`.
    pub(crate) fn job(label: &str) -> Self {
        let block = Self {
            header: format!(r#"resource "alicloud_live_edge_transcode_job" "{label}""#),
            arguments: Vec::new(),
        };
        block
            .text("cluster_id", "cluster-1")
            .text("template_id", "tpl-h264-720p")
            .text("name", &format!("job-{label}"))
            .text(
                "stream_input",
                &format!("rtmp://pull.example.com/live/{label}?auth_key={AUTH_KEY}"),
            )
            .text(
                "stream_output",
                &format!("rtmp://push.example.com/live/{label}?auth_key={AUTH_KEY}"),
            )
    }

    /// This job under another label, so that many can stand in one configuration.
    pub(crate) fn labelled(mut self, label: &str) -> Self {
        self.header = format!(r#"resource "alicloud_live_edge_transcode_job" "{label}""#);
        self
    }

    /// This block with an argument set to a text.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.with(name, &quoted(value))
    }

    /// This block with an argument set to an expression.
    pub(crate) fn with(mut self, name: &str, expression: &str) -> Self {
        match self
            .arguments
            .iter_mut()
            .find(|(existing, _)| existing == name)
        {
            Some((_, value)) => expression.clone_into(value),
            None => self
                .arguments
                .push((name.to_owned(), expression.to_owned())),
        }
        self
    }

    /// This block without an argument.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.arguments.retain(|(existing, _)| existing != name);
        self
    }

    /// This block with a block inside, such as `("timeouts", &[("create", "\"1m\"")])`.
    pub(crate) fn nested(mut self, name: &str, arguments: &[(&str, &str)]) -> Self {
        let inside: String = arguments
            .iter()
            .map(|(name, value)| format!("    {name} = {value}\n"))
            .collect();
        self.arguments
            .push((format!("{name} {{\n{inside}  }}"), String::new()));
        self
    }
}

/// The signing key that the stream URLs of [`Block::job`] carry. It opens those streams, so it must stay secret.
pub(crate) const AUTH_KEY: &str = "1893456000-0-0-5ecre7a07h4ey5ecre7a07h4ey5ecre7";

impl Display for Block {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} {{", self.header)?;
        for (name, value) in &self.arguments {
            let equals = if value.is_empty() { "" } else { " = " };
            writeln!(formatter, "  {name}{equals}{value}")?;
        }
        writeln!(formatter, "}}")
    }
}

/// A literal text in Terraform's language. Not for texts with template sequences.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
