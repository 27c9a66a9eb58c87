//! Traffic that notes what was accepted: pushers that repeat until they are answered, an ATS that posts signed
//! webhooks; and behind the gateway a receiver of pushes and the EURES puller, each with rules of its own.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use connectors::{
    eures::stub::EuresStub,
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Gateway, PATIENCE, PULLER_TOKEN, Setup, WEBHOOK_SECRET, eures_feed, greenhouse_source, pusher, rest_receiver,
    sources::{Sending, Sources, eures},
    until,
    verdict::{arrivals_at, check_order, is_settled, missing_at_eures, missing_at_receiver},
};

/// Sends under way at once.
const IN_FLIGHT: usize = 8;
/// The token that receivers ask for.
pub const RECEIVER_TOKEN: &str = "receiver";

/// A gateway under traffic.
pub struct Trial {
    pub gateway: Gateway,
    pub receiver: RestStub,
    pub random: StdRng,
    sources: Sources,
    pulling: tokio::task::JoinHandle<EuresStub>,
    stop: CancellationToken,
}

/// How a trial ended.
#[derive(Debug)]
pub struct Report {
    /// What was acknowledged and does not stand at a partner as it should.
    pub missing: Vec<String>,
    /// What EURES complains about.
    pub complaints: Vec<String>,
    /// Sends that the receiver saw.
    pub sends: usize,
    /// Sends with a key that it had seen before.
    pub repeats: usize,
}

impl Report {
    /// Checks that nothing is missing and nobody complains.
    pub fn assert_clean(&self) {
        assert_eq!((&self.missing, &self.complaints), (&Vec::new(), &Vec::new()));
    }
}

/// What a gateway under traffic is like: its sources, EURES, and short waits. Receivers come on top.
pub fn under_traffic(setup: Setup) -> Setup {
    setup
        .partner(pusher("acme", "canonical"))
        .partner(greenhouse_source("metal"))
        .partner(eures_feed("eures-vdab", "eures-xml", "VDAB"))
        .secret("agency-token", RECEIVER_TOKEN)
        .secret("greenhouse-webhook", WEBHOOK_SECRET)
        .secret("puller-token", PULLER_TOKEN)
        .setting("DELIVERY__IN_FLIGHT", &IN_FLIGHT.to_string())
        .setting("DELIVERY__CONNECT_TIMEOUT_MS", "500")
        .setting("DELIVERY__SEND_TIMEOUT_MS", "1000")
        .setting("DELIVERY__RETRY_INITIAL_MS", "20")
        .setting("DELIVERY__RETRY_LONGEST_MS", "200")
        .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
        .setting("DELIVERY__BREAKER_LONGEST_MS", "200")
        .setting("TELEMETRY__LOG", "warn,passerelle::daemon=info")
}

/// A partner that we push to, and that asks for [`RECEIVER_TOKEN`].
pub async fn receiver() -> RestStub {
    RestStub::start(RestStubSettings { token: Some(RECEIVER_TOKEN.into()), ..RestStubSettings::default() })
        .await
        .unwrap()
}

impl Trial {
    /// Starts a gateway with its partners, and the traffic.
    pub async fn start(setup: Setup, limits: &str) -> Self {
        let seed = rand::rng().random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let receiver = receiver().await;
        let (agency, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
        let gateway = under_traffic(setup).partner((agency, file + limits)).start().await;
        let (door, sending) = (gateway.url(""), Sending::at_once());
        let sources = Sources::start(&door, &gateway.key("acme").await, &sending, &mut random);
        let (mut puller, stop) = (eures(&door), CancellationToken::new());
        let pulling = tokio::spawn({
            let (ats, pace, stop) = (sources.ats.clone(), sending.pace(), stop.clone());
            async move {
                tokio::join!(ats.steady(&pace, &stop), puller.run(Duration::from_millis(30), &stop, |_| {}));
                puller
            }
        });
        Self { gateway, receiver, random, sources, pulling, stop }
    }

    /// Makes the receiver slow, so that sends are under way whenever the gateway is hit.
    pub fn slow_down(&self) {
        self.receiver.inject(10_000, &Injection::Slow(Duration::from_millis(25)));
    }

    /// When requests arrive at the receiver, from now on.
    pub fn arrivals(&self) -> Arc<Mutex<Vec<Instant>>> {
        arrivals_at(&self.receiver)
    }

    /// How many pushes were refused so far because the gateway could not keep them.
    pub fn refused(&self) -> usize {
        self.sources.refused.load(Ordering::SeqCst)
    }

    /// Lets the traffic run for a random while, up to so many milliseconds.
    pub async fn run(&mut self, longest_ms: u64) {
        tokio::time::sleep(Duration::from_millis(self.random.random_range(5..longest_ms))).await;
    }

    /// Ends the traffic, waits until nothing is owed any more, and compares what was acknowledged with what arrived.
    pub async fn end(mut self) -> Report {
        until("the traffic has run", async || self.sources.have_run()).await;
        self.stop.cancel();
        let gateway = &self.gateway;
        // What was sent is repeated until it is answered: a gateway that never answers again must not hang the test.
        let ended = tokio::time::timeout(PATIENCE, async { (self.pulling.await.unwrap(), self.sources.stop().await) });
        let Ok((mut puller, expected)) = ended.await else {
            panic!("what was sent is not answered any more; {}\n{}", gateway.state().await, gateway.log())
        };
        self.receiver.heal();
        until("nothing is owed any more", async || is_settled(&gateway.get("/v1/backlog").await)).await;
        let mut missing = missing_at_receiver(&self.receiver, &expected);
        missing.extend(missing_at_eures(&mut puller, &expected).await);
        assert_eq!(gateway.get("/v1/parked").await["parked"], json!([]), "nothing is parked");
        let complaints = puller.view().breaches().iter().map(|breach| breach.problem.clone()).collect();
        let (sends, repeats) = check_order(&self.receiver, || gateway.log());
        println!("{sends} sends, {repeats} repeats, {} missing", missing.len());
        Report { missing, complaints, sends, repeats }
    }
}
