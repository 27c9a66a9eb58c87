//! A clock that goes an hour forward and back, by libfaketime.

use std::path::PathBuf;

use connectors::rest::stub::Injection;

use crate::support::{Setup, Trial, wanted_tool};

/// Where the operating system's package puts it.
const PLACES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_loses_nothing_and_holds_nothing_up() {
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    let Some(library) = wanted_tool("libfaketime", "install Debian's `libfaketime`", found) else { return };
    let mut trial = Trial::start(Setup::new(), "").await;
    for shift in ["+1h", "-1h", "+0", "-1h", "+1h", "+0", "-1h"] {
        trial.run(500).await;
        // What waits for its time when the clock jumps must not wait an hour longer.
        trial.receiver.inject(20, &Injection::Status { status: 503, retry_after: None });
        trial.run(500).await;
        trial.gateway.kill().await;
        trial.gateway.environment("LD_PRELOAD", &library.to_string_lossy());
        trial.gateway.environment("FAKETIME", shift);
        trial.gateway.environment("DONT_FAKE_MONOTONIC", "1");
        trial.gateway.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        trial.gateway.start().await;
    }
    trial.run(1_000).await;
    let mut report = trial.end().await;
    // A gateway that believes in the future says so; nothing else may be wrong.
    report.complaints.retain(|complaint| complaint != "a time lies in the future");
    report.assert_clean();
}
