//! The example of `crates/tfplugin`, a whole provider in one file, under real Terraform.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    the_minimal_provider_creates_changes_and_deletes_a_note,
}

/// Built beside the provider: `cargo test` builds the examples of every package.
fn executable() -> std::path::PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_terraform-provider-alicloud-live"))
        .with_file_name("examples")
        .join("minimal");
    assert!(
        built.exists(),
        "{} is missing: run `cargo build --examples`",
        built.display()
    );
    built
}

fn the_minimal_provider_creates_changes_and_deletes_a_note(world: &TestWorkspace) {
    let plugins = world.home().join("minimal");
    fs::create_dir(&plugins).unwrap();
    symlink(executable(), plugins.join("terraform-provider-minimal")).unwrap();
    let settings = world.home().join("minimal.tfrc");
    fs::write(
        &settings,
        format!(
            "provider_installation {{\n  dev_overrides {{\n    \"example/minimal\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
            plugins.display()
        ),
    )
    .unwrap();
    world.set("TF_CLI_CONFIG_FILE", settings.to_str().unwrap());
    let configuration = |text: &str| {
        format!(
            "terraform {{
  required_providers {{
    minimal = {{ source = \"example/minimal\" }}
  }}
}}

resource \"minimal_note\" \"it\" {{
  text = \"{text}\"
}}
"
        )
    };

    for text in ["remember", "remember the milk"] {
        world.put("main.tf", &configuration(text));
        world.apply().succeeded();
        assert_eq!(world.state("minimal_note.it")["text"], text);
        world.plan().is_empty();
    }
    world.destroy().succeeded();
}
