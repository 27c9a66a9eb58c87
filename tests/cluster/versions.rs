//! The previous version and this one in one group: an upgrade, and a way back, under traffic.

use std::path::{Path, PathBuf};

use rand::RngExt;

use crate::site::Site;

/// Where `just previous` puts the daemon of the commit before this one.
fn previous() -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/previous/passerelle");
    if program.exists() {
        return Some(program);
    }
    eprintln!("skipped: there is no daemon of a previous version; `just previous` builds it where git knows one");
    None
}

/// Starts a node anew as another version, gently, while the traffic goes on.
async fn change(site: &mut Site, index: usize, (name, program): (&str, &Path)) {
    assert!(site.nodes[index].stop().await, "it stops cleanly\n{}", site.nodes[index].log());
    site.nodes[index].program(program);
    site.nodes[index].start().await;
    site.say(&format!("node {index} is of the {name} version"));
    site.run(3.0..5.0).await;
}

/// The other node has to take over what this one was about.
async fn kill(site: &mut Site, index: usize) {
    site.say(&format!("node {index} is killed"));
    site.nodes[index].kill().await;
    site.run(4.0..6.0).await;
    site.nodes[index].start().await;
    site.run(1.0..3.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_and_this_one_work_in_one_group() {
    let Some(program) = previous() else { return };
    let (old, new) = (("previous", program.as_path()), ("new", Path::new(env!("CARGO_BIN_EXE_passerelle"))));
    let mut site = Site::start_as(rand::rng().random(), &[], old.1).await;
    site.run(2.0..4.0).await;
    change(&mut site, 0, new).await;
    for index in [0, 1] {
        kill(&mut site, index).await;
    }
    change(&mut site, 1, new).await;
    change(&mut site, 0, old).await;
    site.end().await.assert_clean();
}
