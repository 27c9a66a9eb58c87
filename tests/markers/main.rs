//! Nothing of a person lies open anywhere: markers in everything that a profile says are looked for in every file, topic,
//! table and log that the gateway and its engines have written, in every form. `just test-distributed` looks on Kafka and
//! PostgreSQL, into the folders of the engines too.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod needles;
mod person;
mod places;
mod plants;
mod scene;

#[path = "../support/mod.rs"]
mod support;

use std::time::Instant;

use rand::{SeedableRng, rngs::StdRng};

use self::{
    needles::{FORMS, Needles, every_form, leaks},
    person::Person,
    places::{OnEngines, Place, Search, engine_folders},
    scene::Scene,
};

/// What is planted as a leak; the same words in scripts of one, two and three bytes a letter.
fn planted() -> Vec<String> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    vec![format!("Leak{unique}?>>??~~"), format!("تسرب{unique}"), format!("ⵜⴰⵎⵣⵉ{unique}")]
}

/// Looks everywhere at a gateway that does not run.
async fn look_everywhere<'a>(scene: &Scene, needles: &'a Needles) -> Search<'a> {
    let mut search = Search::for_any_of(needles);
    search.files(&scene.folder());
    if let Some(OnEngines { brokers, prefix, store, keys }) = OnEngines::of(&scene.gateway) {
        search.topics(&brokers, &prefix);
        search.tables("store", &store).await;
        search.tables("keys", &keys).await;
        search.engines(&prefix, &[&store, &keys]).await;
    }
    search
}

/// Plants leaks in every place, and gives the places; what the connections hold is there as long as they are.
async fn plant(scene: &Scene, leaks: &[Vec<u8>]) -> (Vec<Place>, Vec<sqlx::SqliteConnection>) {
    let (mut places, mut held) = (Vec::new(), Vec::new());
    for database in plants::databases(scene.gateway.data()) {
        held.push(plants::in_sqlite(&database, leaks).await);
        places.push(Place::file(&database));
        places.push(Place::file(&database.with_extension("db-wal")));
    }
    for name in ["stderr.log", "stdout.log", "shown/metrics-after", "temporary/x", "partners/x", "secrets/x", "data/x"]
    {
        let file = scene.folder().join(name);
        plants::in_file(&file, leaks);
        places.push(Place::file(&file));
    }
    if let Some(OnEngines { brokers, prefix, store, keys }) = OnEngines::of(&scene.gateway) {
        plants::in_topics(&brokers, &prefix, leaks);
        for topic in ["accepted", "journal", "dispatch.acme"] {
            let parts = ["keys", "headers", "values"];
            places.extend(parts.map(|part| Place::Just(format!("topic {prefix}{topic}: {part}"))));
        }
        for (name, url) in [("store", store), ("keys", keys)] {
            plants::in_postgresql(&url, leaks).await;
            places.push(Place::Just(format!("{name}: table public.leaked")));
        }
        if engine_folders().is_some() {
            places.push(Place::any([&format!("/data/{prefix}accepted"), ".log"]));
            places.push(Place::any(["/data/pg_wal/"]));
            places.push(Place::any(["/data/base/"]));
        }
    }
    (places, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_lies_open_anywhere() {
    let seed = rand::random();
    println!("seed {seed}");
    let (person, planted) = (Person::invented(&mut StdRng::seed_from_u64(seed)), planted());
    let markers = person.markers();
    let needles = Needles::of(&[markers.clone(), planted.clone()].concat());
    let began = Instant::now();
    let mut scene = Scene::start().await;
    let mut open = Search::for_any_of(&needles);
    scene.live(&person).await;
    open.open_files(scene.gateway.pid());
    assert!(scene.gateway.stop().await);
    let stopped = look_everywhere(&scene, &needles).await;
    scene.gateway.start().await;
    scene.withdraw(&person).await;
    open.open_files(scene.gateway.pid());
    scene.gateway.kill().await;
    let killed = look_everywhere(&scene, &needles).await;
    println!("lived and searched twice in {:.1} s; {}", began.elapsed().as_secs_f32(), killed.extent());

    let leaks = leaks(&planted);
    let (places, held) = plant(&scene, &leaks).await;
    let _nameless = plants::in_nameless_file(&leaks);
    let control = look_everywhere(&scene, &needles).await;
    drop(held);
    for place in &places {
        let missed: Vec<_> = every_form(&planted).difference(&control.found_at(place)).cloned().collect();
        assert_eq!(missed, [], "what is planted in {place:?} is found");
    }
    let mut nameless = Search::for_any_of(&needles);
    nameless.open_files(std::process::id());
    assert_eq!(nameless.found_at(&Place::any(["open: ", "(deleted)"])), every_form(&planted));
    println!("{} forms of {} leaks found in {} places", FORMS.len(), planted.len(), places.len() + 1);

    for (when, search) in [("open", open), ("stopped", stopped), ("killed", killed), ("control", control)] {
        assert_eq!(search.leaks_of(&markers), [""; 0], "{when}");
    }
}
