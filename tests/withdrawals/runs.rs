//! What happens in a scene: everybody lives as they like, or everybody takes back at the worst moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use connectors::rest::stub::Injection;
use futures::{StreamExt, future::join_all, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    checker::{Verdict, Withdrawn, check},
    life::{Door, Life},
    puller::{Puller, Seen},
    scene::{Pace, Scene},
    support::{comes_true, is_settled},
};

/// Persons who live at the same time.
const AT_ONCE: usize = 24;
/// How long everything may take to come to rest.
const REST: Duration = Duration::from_mins(5);
/// How long an employer keeps an answer back that nobody lets go.
const HELD: Duration = Duration::from_mins(2);

/// How many persons; ten thousand sends and withdrawals want 900.
fn persons() -> usize {
    std::env::var("PASSERELLE_TEST_PERSONS").map_or(60, |number| number.parse().unwrap())
}

/// A platform that pulls while everybody lives.
struct Pulling {
    stop: CancellationToken,
    seen: JoinHandle<Seen>,
    began: Instant,
}

impl Scene {
    /// Lets everybody live, and kills so many nodes meanwhile; then waits until everything has come to rest.
    pub async fn run(mut self, kills: usize) -> Verdict {
        let (seed, persons) = (rand::rng().random(), persons());
        println!("seed {seed}");
        let pulling = self.begin().await;
        let done = CancellationToken::new();
        let lives: Vec<Life> = (0..persons).map(|number| self.life(number)).collect();
        let living = {
            let done = done.clone();
            tokio::spawn(async move {
                let lives = lives.into_iter().zip(0..).map(|(life, number)| {
                    let random = StdRng::seed_from_u64(seed ^ number);
                    tokio::spawn(life.live(random))
                });
                // Spawned only when their turn comes: `lives` is lazy.
                let lived: Vec<Withdrawn> =
                    stream::iter(lives).buffer_unordered(AT_ONCE).map(|lived| lived.unwrap()).collect().await;
                done.cancel();
                lived
            })
        };
        let Pace { lives_ms: (shortest, longest), .. } = self.pace;
        let mut random = StdRng::seed_from_u64(seed);
        for kill in 0..kills {
            let pause = Duration::from_millis(random.random_range(shortest..longest));
            if tokio::time::timeout(pause, done.cancelled()).await.is_ok() {
                println!("only {kill} of {kills} kills: everybody has lived");
                break;
            }
            let turn = kill % self.nodes.len();
            self.nodes[turn].kill().await;
            self.nodes[turn].start().await;
        }
        let withdrawn = living.await.unwrap();
        self.end(pulling, &withdrawn).await
    }

    /// Lets everybody take back while the first document is on its way and the second waits behind it, however fast or
    /// slow everything else is: employers keep their answers back until all withdrawals are acknowledged.
    pub async fn run_while_answers_wait(self) -> Verdict {
        let pulling = self.begin().await;
        for (_, employer) in &self.employers {
            employer.heal();
            employer.inject(usize::MAX, &Injection::Slow(HELD));
        }
        let lives: Vec<Life> = (0..persons()).map(|number| self.life(number)).collect();
        let permitted = join_all(lives.iter().map(Life::permit)).await;
        for (_, employer) in &self.employers {
            let is_on_its_way =
                employer.until(|inbox| permitted.iter().any(|(person, _)| !inbox.history(person).is_empty()));
            tokio::time::timeout(REST, is_on_its_way).await.unwrap();
        }
        join_all(lives.iter().map(|life| life.push(1))).await;
        let is_routed = comes_true(REST, async || self.nodes[0].get("/v1/backlog").await["unrouted"] == 0).await;
        assert!(is_routed, "{}", self.nodes[0].log());
        let taken_back = lives.iter().zip(&permitted).map(|(life, (person, record))| life.withdraw(person, record));
        let withdrawn = join_all(taken_back).await;
        for (_, employer) in &self.employers {
            employer.heal();
        }
        self.end(pulling, &withdrawn).await
    }

    /// One lives already who takes nothing back, so that there is always a file to read.
    async fn begin(&self) -> Pulling {
        let began = Instant::now();
        self.life(persons()).permit().await;
        let stop = CancellationToken::new();
        let seen = tokio::spawn(Puller::of(&self.nodes).await.pull(stop.clone()));
        Pulling { stop, seen, began }
    }

    fn life(&self, number: usize) -> Life {
        let doors = self.nodes.iter();
        let doors = doors.map(|node| Door { http: node.http.clone(), url: node.url(""), data: node.data().to_owned() });
        Life {
            doors: Arc::new(doors.collect()),
            employers: Arc::new(self.employers.clone()),
            files: self.files.clone(),
            key: self.key.clone(),
            number,
            impatience: self.pace.impatience,
        }
    }

    /// Waits until everything has come to rest, and judges.
    async fn end(self, pulling: Pulling, withdrawn: &[Withdrawn]) -> Verdict {
        let is_at_rest = comes_true(REST, async || {
            is_settled(&self.nodes[0].get("/v1/backlog").await)
                && self.nodes[0].get("/v1/recalls").await["recalls"] == json!([])
        })
        .await;
        // It pulls as long as recalls wait for it.
        pulling.stop.cancel();
        let seen = pulling.seen.await.unwrap();
        let mut verdict = check(withdrawn, &self.employers, &seen, &self.known).await;
        if !is_at_rest {
            let open = self.nodes[0].get("/v1/recalls").await;
            verdict.unrecalled.push(format!("no rest: {open}\n{}", self.nodes[0].log()));
        }
        println!("{verdict} in {:.1} s", pulling.began.elapsed().as_secs_f32());
        verdict
    }
}
