//! Runs the programs in `python/` with the packages that `make test` has installed.

use std::path::Path;
use std::process::Command;

use crate::TOP;

/// Runs a program that must succeed. Returns what it printed.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let top = Path::new(TOP);
    let packages = top.join(".tools/python-packages");
    assert!(
        packages.join(".ready").exists(),
        "the Python packages are not in .tools; `make test` installs them"
    );
    let output = Command::new(top.join(".tools/python/bin/python"))
        .arg("-B")
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/mock/python")
                .join(program),
        )
        .args(arguments)
        .env_clear()
        .env("PYTHONPATH", packages)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{complaints}");
    printed
}
