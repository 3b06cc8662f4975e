//! From a build to a plain `terraform init`: the plugin folder that `make install` fills, and the archives of a release.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::JOB;
use crate::support::configuration::{Block, quoted};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    a_plain_init_finds_what_make_install_put_in_place,
}

over_newest_terraform! {
    a_release_has_the_registrys_names_and_installs_from_a_mirror,
}

const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-alicloud-live");
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Any platform's triple would do for the archives' names; the plugin folder must be this machine's.
const TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};
const PLATFORM: &str = if cfg!(target_arch = "aarch64") {
    "linux_arm64"
} else {
    "linux_amd64"
};

fn a_plain_init_finds_what_make_install_put_in_place(world: &TestWorkspace) {
    let plugins = world.home().join(".terraform.d/plugins");
    let install = ["install", PROVIDER, "--target", TARGET, "--plugins"];
    package(&install, &plugins);
    // No settings of the CLI: no dev_overrides and no mirror.
    world.unset("TF_CLI_CONFIG_FILE");
    installs_and_works(world);
}

fn a_release_has_the_registrys_names_and_installs_from_a_mirror(world: &TestWorkspace) {
    let dist = world.home().join("dist");
    // The mock is a package of its own, built beside this one.
    let mock = Path::new(PROVIDER).with_file_name("alicloud-live-mock");
    for program in [Path::new(PROVIDER), &mock] {
        let program = program.to_str().unwrap();
        package(&["archive", program, "--target", TARGET, "--output"], &dist);
    }
    package(&["sums", "--output"], &dist);
    package(&["mirror", "--output"], &dist);

    let release = |program: &str, rest: &str| format!("{program}_{VERSION}_{rest}");
    let provider = |rest: &str| release("terraform-provider-alicloud-live", rest);
    let archive = provider(&format!("{PLATFORM}.zip"));
    let mut expected = [
        archive.clone(),
        provider("manifest.json"),
        provider("SHA256SUMS"),
        release("alicloud-live-mock", &format!("{PLATFORM}.zip")),
        release("alicloud-live-mock", "SHA256SUMS"),
        "mirror".to_owned(),
    ];
    expected.sort();
    assert_eq!(files(&dist), expected);

    let sums = fs::read_to_string(dist.join(provider("SHA256SUMS"))).unwrap();
    let summed: Vec<&str> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    assert_eq!(summed, [archive, provider("manifest.json")]);
    for sums in [
        provider("SHA256SUMS"),
        release("alicloud-live-mock", "SHA256SUMS"),
    ] {
        let check = Command::new("sha256sum")
            .args(["--check", "--strict", &sums])
            .current_dir(&dist)
            .output()
            .unwrap();
        assert!(check.status.success(), "{check:?}");
    }
    let manifest = fs::read(dist.join(provider("manifest.json"))).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["metadata"]["protocol_versions"][0], "6.0");

    let mirror = quoted(dist.join("mirror").to_str().unwrap());
    let settings = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror}\n  }}\n}}\n"
    );
    world.put("cli.tfrc", &settings);
    installs_and_works(world);
}

/// `init` installs this version, and what it installed makes a job.
fn installs_and_works(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    // A pre-release is installed only where it is named.
    let source = "source = \"edge-transcode/alicloud-live\"";
    let with_version = format!("{source}\nversion = {}", quoted(VERSION));
    world.replace_in_configuration(source, &with_version);
    let init = world.run(&["init", "-no-color"]).succeeded();
    init.must_print(&format!("edge-transcode/alicloud-live v{VERSION}"));
    // Within .terraform is what init chose: a link to the plugin folder, or what it took out of the archive.
    world.apply().succeeded();
    world.plan().is_empty();
    assert_eq!(world.cloud.jobs().len(), 1);
    assert!(world.state(JOB)["job_id"].is_string());
    world.destroy().succeeded();
}

fn package(arguments: &[&str], folder: &Path) {
    let packaged = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/package"))
        .args(arguments)
        .arg(folder)
        .output()
        .unwrap();
    assert!(packaged.status.success(), "{packaged:?}");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
