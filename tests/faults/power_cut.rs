//! A power cut: every file of the data directory goes back to its last fdatasync before the restart.
//!
//! A preloaded library keeps, beside each file, the image of what was synced; see `power_cut.c`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Gateway, Setup, Trial, pusher};

/// How often the power fails.
const CUTS: usize = 40;

/// The library, and the images of what is on disk.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/faults/power_cut.c");
        fs::create_dir(folder.path().join("images")).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
            .arg(folder.path().join("power_cut.so"))
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status()
            .unwrap();
        assert!(compiled.success(), "the library that watches syncs does not compile");
        Self { folder }
    }

    fn setup(&self, skip_sync: bool) -> Setup {
        let setup = Setup::new();
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let data = setup.data().to_string_lossy().into_owned();
        setup
            .environment("LD_PRELOAD", &path("power_cut.so"))
            .environment("POWER_CUT_DATA", &data)
            .environment("POWER_CUT_IMAGES", &path("images"))
            .environment("POWER_CUT_SKIP_SYNC", if skip_sync { "1" } else { "" })
    }

    /// Puts every file of the data directory back to what was synced of it.
    fn cut(&self, gateway: &Gateway) {
        for entry in fs::read_dir(gateway.data()).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let image = self.folder.path().join("images").join(path.file_name().unwrap());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with("-shm") {
                // Shared memory: it is made anew from the log beside it.
                fs::remove_file(&path).unwrap();
            } else {
                fs::write(&path, fs::read(&image).unwrap_or_default()).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_power_cuts() {
    let disk = Disk::new();
    let mut trial = Trial::start(disk.setup(false), "").await;
    trial.slow_down();
    for _ in 0..CUTS {
        trial.run(400).await;
        trial.gateway.kill().await;
        disk.cut(&trial.gateway);
        trial.gateway.start().await;
    }
    trial.end().await.assert_clean();
}

/// Whether a vacancy that was acknowledged is still known after a power cut.
async fn is_kept(skip_sync: bool) -> bool {
    let disk = Disk::new();
    let mut gateway = disk.setup(skip_sync).partner(pusher("acme", "canonical")).start().await;
    let key = gateway.key("acme").await;
    let document =
        json!({"reference": "R1", "status": "published", "profiles": [{"language": "nl", "title": "Lasser"}]});
    let push = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key).json(&document);
    let receipt = push.send().await.unwrap();
    assert_eq!(receipt.status(), 202);
    let message = receipt.headers()["location"].to_str().unwrap().to_owned();
    gateway.kill().await;
    disk.cut(&gateway);
    gateway.start().await;
    let ask = gateway.http.get(gateway.url(&message)).bearer_auth(gateway.operator_token());
    ask.send().await.unwrap().status() == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_skips_syncs_is_found_out() {
    assert!(is_kept(false).await, "what was synced is kept");
    assert!(!is_kept(true).await, "a power cut takes what was not synced");
}
