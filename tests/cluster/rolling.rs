//! One node after the other is started anew, under traffic: neither those who send nor the partners see a gap.

use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::json;

use crate::{site::Site, support::arrivals_at};

/// How long neither door nor deliveries may be away: far less than silence of a node is suffered below.
const GAP: Duration = Duration::from_secs(10);
/// Restarts, one node after the other.
const RESTARTS: usize = 4;
/// Pushes to the door of the node that stays, each time.
const PUSHES: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_is_not_seen() {
    // A node that did not give back what it has would be missed for half a minute.
    let patient = [
        ("CLUSTER__LEASE_MS", "30000"),
        ("KAFKA__SESSION_TIMEOUT_MS", "30000"),
        ("KAFKA__MAX_POLL_INTERVAL_MS", "30000"),
    ];
    let mut site = Site::start(rand::rng().random(), &patient).await;
    site.run(3.0..4.0).await;
    let (arrivals, key) = (arrivals_at(&site.agency), site.nodes[0].key("acme").await);
    let mut slowest = Duration::ZERO;
    for restart in 0..RESTARTS {
        let (index, other) = (restart % 2, 1 - restart % 2);
        site.say(&format!("node {index} is asked to stop"));
        assert!(site.nodes[index].stop().await, "it stops cleanly\n{}", site.nodes[index].log());
        site.say(&format!("node {index} has stopped"));
        for push in 0..PUSHES {
            let begun = Instant::now();
            let document = json!({
                "reference": format!("ROLL-{restart}-{push}"),
                "status": "published",
                "profiles": [{"language": "nl", "title": "Lasser"}],
            });
            let node = &site.nodes[other];
            let response = node.http.post(node.url("/v1/acme/vacancy")).bearer_auth(&key).json(&document).send();
            assert_eq!(response.await.unwrap().status(), 202, "the other door answers");
            slowest = slowest.max(begun.elapsed());
        }
        site.run(1.0..2.0).await;
        site.nodes[index].start().await;
        site.say(&format!("node {index} is back"));
        site.run(3.0..4.0).await;
    }
    let arrivals = arrivals.lock().unwrap().clone();
    let widest = arrivals.windows(2).map(|pair| pair[1].duration_since(pair[0])).max().unwrap();
    println!("the slowest answer took {slowest:.1?}, the widest gap between deliveries was {widest:.1?}");
    assert!(slowest < GAP && widest < GAP);
    site.end().await.assert_clean();
}
