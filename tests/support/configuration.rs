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

/// The signing key in the stream URLs of [`Block::job`]. It opens those streams: a secret.
/// Ends in 2100.
pub(crate) const AUTH_KEY: &str = "4102444800-0-0-5ecre7a07h4ey5ecre7a07h4ey5ecre7";
/// The part of it that is secret.
pub(crate) const AUTH_KEY_HASH: &str = "5ecre7a07h4ey5ecre7a07h4ey5ecre7";

/// The same with another end, in Unix seconds.
pub(crate) fn auth_key(timestamp: u64) -> String {
    format!("{timestamp}-0-0-{AUTH_KEY_HASH}")
}

/// A block of Terraform's language.
#[derive(Clone)]
pub(crate) struct Block {
    /// Type and labels.
    header: String,
    /// Names and expressions.
    arguments: Vec<(String, String)>,
    blocks: Vec<Block>,
}

impl Block {
    pub(crate) fn new(header: &str) -> Self {
        Self {
            header: header.to_owned(),
            arguments: Vec::new(),
            blocks: Vec::new(),
        }
    }

    pub(crate) fn provider() -> Self {
        Self::new(r#"provider "alicloud""#)
    }

    /// A variable whose value Terraform must not show.
    pub(crate) fn sensitive_variable(name: &str) -> Self {
        Self::new(&format!(r#"variable "{name}""#)).with("sensitive", "true")
    }

    /// An object whose output `terraform_data.<label>.output` is known only once it was applied.
    pub(crate) fn known_after_apply(label: &str, value: &str) -> Self {
        Self::new(&format!(r#"resource "terraform_data" "{label}""#)).text("input", value)
    }

    /// The job `alicloud_live_edge_transcode_job.<label>`, with all that is required and no more.
    pub(crate) fn job(label: &str) -> Self {
        let stream = |host: &str| format!("rtmp://{host}/live/{label}?auth_key={AUTH_KEY}");
        Self::new("")
            .labelled(label)
            .text("cluster_id", "cluster-1")
            .text("template_id", "tpl-h264-720p")
            .text("name", &format!("job-{label}"))
            .text("stream_input", &stream("pull.example.com"))
            .text("stream_output", &stream("push.example.com"))
    }

    /// The same, and it runs.
    pub(crate) fn running_job(label: &str) -> Self {
        Self::job(label).text("status", "Running")
    }

    /// This job under another label.
    pub(crate) fn labelled(mut self, label: &str) -> Self {
        self.header = format!(r#"resource "alicloud_live_edge_transcode_job" "{label}""#);
        self
    }

    /// This block with an argument set to a text.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.with(name, &quoted(value))
    }

    /// This block with an argument set to an expression.
    pub(crate) fn with(self, name: &str, expression: &str) -> Self {
        let mut block = self.without(name);
        block
            .arguments
            .push((name.to_owned(), expression.to_owned()));
        block
    }

    /// This block without an argument.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.arguments.retain(|(existing, _)| existing != name);
        self
    }

    /// This block with another one inside.
    pub(crate) fn containing(mut self, block: Self) -> Self {
        self.blocks.push(block);
        self
    }
}

impl Display for Block {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} {{", self.header)?;
        for (name, expression) in &self.arguments {
            writeln!(formatter, "{name} = {expression}")?;
        }
        for block in &self.blocks {
            block.fmt(formatter)?;
        }
        writeln!(formatter, "}}")
    }
}

/// A configuration of several blocks.
pub(crate) fn all<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> String {
    blocks.into_iter().map(ToString::to_string).collect()
}

/// A literal text. Not for texts that hold template sequences (`${`, `%{`).
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
