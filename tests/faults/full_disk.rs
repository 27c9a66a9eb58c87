//! A disk that is full for a while: what cannot be kept is not acknowledged, and what was acknowledged is kept.

use rand::RngExt;

use crate::support::{Setup, SmallDisk, Trial};

/// How often the disk fills up.
const TIMES: usize = 12;
/// How small the file system is.
const SIZE_MIB: usize = 96;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount(SIZE_MIB) else { return };
    let setup = Setup::new().data_dir(&disk.path().join("data"));
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
