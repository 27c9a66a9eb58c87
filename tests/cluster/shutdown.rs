//! A gateway that is asked to stop does so in time, whatever the brokers do.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::{
    machinery::Machinery,
    site::node,
    support::{Gateway, RECEIVER_TOKEN, Setup, database_at, receiver, rest_receiver, under_traffic},
};

/// Gateways that are started, used and stopped at once.
const AT_ONCE: usize = 5;
/// How the brokers are when the gateways are asked to stop, time after time.
const BROKERS: [Brokers; 10] = {
    use Brokers::{Killed, Stopped, Well};
    [Well, Stopped, Well, Stopped, Well, Stopped, Well, Stopped, Well, Killed]
};
/// What a gateway may take to stop: the time for draining, and 15 seconds.
const BOUND: Duration = Duration::from_secs(3 + 15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brokers {
    Well,
    Stopped,
    Killed,
}

/// Pushes until the gateway is gone.
async fn push(http: reqwest::Client, url: String, key: String) {
    for number in 0.. {
        let reference = format!("S-{}", number % 20);
        let document = json!({
            "reference": reference,
            "status": "published",
            "profiles": [{"language": "nl", "title": format!("Lasser {number}")}],
        });
        let asked = http.post(&url).bearer_auth(&key).json(&document).timeout(Duration::from_secs(1));
        if asked.send().await.is_err_and(|error| error.is_connect()) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_time_also_with_the_brokers_gone() {
    let machinery = Machinery::found();
    machinery.heal().await;
    let prefix = format!("stops-{}.", uuid::Uuid::new_v4().simple());
    let database = database_at(&machinery.postgresql).await;
    let agency = receiver().await;
    let setup = || {
        let (name, file) = rest_receiver("agency", "canonical", agency.base_url().as_str(), "by_key");
        node(under_traffic(Setup::new()), &machinery, &prefix, &database)
            .partner((name, file))
            .secret("agency-token", RECEIVER_TOKEN)
    };
    let mut nodes: Vec<Gateway> = join_all((0..AT_ONCE).map(|_| setup().start())).await;
    let key = nodes[0].key("acme").await;
    let mut longest = Duration::ZERO;
    for (round, brokers) in BROKERS.into_iter().enumerate() {
        if round > 0 {
            join_all(nodes.iter_mut().map(Gateway::start)).await;
        }
        let pushing: Vec<_> = nodes
            .iter()
            .map(|node| tokio::spawn(push(node.http.clone(), node.url("/v1/acme/vacancy"), key.clone())))
            .collect();
        let before = agency.requests();
        let delivered =
            tokio::time::timeout(Duration::from_mins(2), agency.until(|inbox| inbox.requests() > before + 5));
        assert!(delivered.await.is_ok(), "there is traffic\n{}", nodes[0].log());
        match brokers {
            Brokers::Well => {}
            Brokers::Stopped => machinery.all_brokers("stop").await,
            Brokers::Killed => machinery.all_brokers("kill").await,
        }
        let stopped = join_all(nodes.iter_mut().map(async |node| {
            let begun = Instant::now();
            (node.stop().await, begun.elapsed())
        }));
        for (number, (is_clean, took)) in stopped.await.into_iter().enumerate() {
            println!("round {round}, brokers {brokers:?}: node {number} stopped in {took:.1?}, cleanly: {is_clean}");
            assert!(took < BOUND, "it took {took:?}\n{}", nodes[number].log());
            assert!(is_clean || brokers != Brokers::Well, "nothing kept it from it\n{}", nodes[number].log());
            longest = longest.max(took);
        }
        match brokers {
            Brokers::Well => {}
            Brokers::Stopped => machinery.all_brokers("cont").await,
            Brokers::Killed => machinery.all_brokers("start").await,
        }
        for pushing in pushing {
            pushing.abort();
        }
    }
    println!("{} stops, the longest took {longest:.1?}", BROKERS.len() * AT_ONCE);
}
