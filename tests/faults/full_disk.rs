//! A disk that is full for a while: what cannot be kept is not acknowledged, and what was acknowledged is kept.

use std::{fs::File, io::Write, path::Path, process::Command};

use rand::RngExt;

use crate::support::{Setup, Trial, wanted_tool};

/// How often the disk fills up.
const TIMES: usize = 12;

/// How small the file system is.
const SIZE_MIB: usize = 96;

/// A small file system in memory; gone when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={SIZE_MIB}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        let pages = (0..=SIZE_MIB * 256).take_while(|_| filler.write_all(&[0; 4_096]).is_ok()).count();
        assert!(pages <= SIZE_MIB * 256, "the small file system has no end");
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        Path::join(self.0.path(), "filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(disk) = wanted_tool("a tmpfs", "run as root, so that `mount` may make one", SmallDisk::mount()) else {
        return;
    };
    let setup = Setup::new().data_dir(&disk.0.path().join("data"));
    let mut trial = Trial::start(setup, "").await;
    trial.slow_down();
    for _ in 0..TIMES {
        trial.run(300).await;
        disk.fill();
        trial.run(500).await;
        disk.free();
        if trial.random.random_bool(0.5) {
            trial.gateway.kill().await;
            trial.gateway.start().await;
        }
    }
    assert!(trial.refused() > 0, "the disk was never full");
    trial.end().await.assert_clean();
}
