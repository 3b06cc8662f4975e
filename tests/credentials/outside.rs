//! The world that sources touch, where it is the real one.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use alicloud_live::credentials::{Settings, choose};
use tempfile::TempDir;

use crate::case::outside;

#[tokio::test]
async fn a_program_that_does_not_end_is_ended() {
    let home = TempDir::new().unwrap();
    let outside = outside(BTreeMap::new(), home.path());
    let begun = Instant::now();
    let ended = outside
        .commands
        .run("sleep", &["600".to_owned()], Duration::from_millis(50))
        .await;
    assert_eq!(ended.err().unwrap().kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_file_that_others_can_read_is_warned_of_and_a_private_one_is_not() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("keys.ini");
    let text = "[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = hunter2\n";
    fs::write(&file, text).unwrap();
    let settings = || Settings {
        shared_credentials_file: Some("~/keys.ini".to_owned()),
        ..Settings::default()
    };
    for (mode, warnings) in [(0o644, 1), (0o640, 1), (0o600, 0)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let chosen = choose(&settings(), &outside(BTreeMap::new(), home.path())).unwrap();
        assert_eq!(chosen.warnings.len(), warnings, "{mode:o}");
        assert!(
            chosen
                .warnings
                .iter()
                .all(|text| text.contains("chmod 600 ~/keys.ini"))
        );
    }
}
