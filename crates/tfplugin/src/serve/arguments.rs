//! The command line, as small as it is. Terraform passes no arguments at all.

use std::ffi::OsString;

use super::ProviderInfo;

/// What the program was asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Serve Terraform, which started us.
    Plugin,
    /// Serve callers that attach.
    Debug,
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// An argument that we do not have.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown argument {0:?}; --help lists those there are")]
pub(super) struct UnknownArgument(OsString);

/// Reads the arguments after the program's name. Go's flags take one dash or two, and so do ours: people's editors
/// and notes hold `-debug`.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Mode, UnknownArgument> {
    arguments
        .into_iter()
        .try_fold(Mode::Plugin, |_, argument| match argument.to_str() {
            Some("-debug" | "--debug") => Ok(Mode::Debug),
            Some("-version" | "--version" | "-V") => Ok(Mode::Version),
            Some("-help" | "--help" | "-h") => Ok(Mode::Help),
            _ => Err(UnknownArgument(argument)),
        })
}

/// The help text.
pub(super) fn help(about: &ProviderInfo) -> String {
    let ProviderInfo {
        name,
        version,
        address,
        ..
    } = about;
    format!(
        "terraform-provider-{name} {version}

A provider for Terraform and OpenTofu, which start it by themselves. A configuration names it in required_providers:

  source  = \"{address}\"
  version = \"{version}\"

Options:
  -debug      Serve until interrupted and print the TF_REATTACH_PROVIDERS setting with which to attach to it
  --version   Print the version
  --help      Print this help
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_take_one_dash_or_two_and_an_unknown_argument_is_named() {
        for (argument, mode) in [
            (None, Ok(Mode::Plugin)),
            (Some("-debug"), Ok(Mode::Debug)),
            (Some("--debug"), Ok(Mode::Debug)),
            (Some("--verbose"), Err(UnknownArgument("--verbose".into()))),
        ] {
            assert_eq!(parse(argument.map(OsString::from)), mode);
        }
        let unknown = parse(["--verbose".into()]).unwrap_err().to_string();
        assert!(unknown.starts_with("unknown argument \"--verbose\""));
    }
}
