//! An invented cohort in the published numbers of a real programme: 9,677 applied, 120 were selected and trained, from 35 towns
//! and 18 % of them women; employers in Belgium selected 43 of them and those in Morocco 116, some of them both; none moved.

use std::time::Instant;

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    scene::{PROGRAMME, Scene, cells, profile, said_by_employer, step, table},
    support::{grant_to, until},
};

const APPLIED: usize = 9_677;
const TRAINED: usize = 120;
const WOMEN: usize = 22;
/// Those of the trained whom employers in Belgium selected are the first so many, and so on.
const BELGIUM: std::ops::Range<usize> = 0..43;
const MOROCCO: std::ops::Range<usize> = 3..119;
/// Where the trained live; in the last region there are two of them.
const REGIONS: [&str; 11] =
    ["MA-01", "MA-02", "MA-03", "MA-04", "MA-05", "MA-06", "MA-07", "MA-08", "MA-09", "MA-10", "MA-11"];
const TOWNS: usize = 35;

fn person(number: usize) -> Value {
    let is_woman = if number < TRAINED { number < WOMEN } else { number.is_multiple_of(3) };
    let region = match number {
        5 | 6 => REGIONS[10],
        0..TRAINED => REGIONS[number % 10],
        _ => REGIONS[number % 11],
    };
    let town = if number < TRAINED { number % TOWNS } else { number % 60 };
    profile(number, if is_woman { "2" } else { "1" }, region, &format!("Ville {town}"))
}

/// Lets both platforms see those who are trained, and waits until they do.
async fn show_trained(scene: &mut Scene, trained: &[String]) {
    let grants = trained.iter().flat_map(|person| {
        let to = |partner, country| grant_to(person, partner, country, &["profile"]);
        [to("belgium", "BE"), to("morocco", "MA")]
    });
    let keep = async |grant: Value| scene.gateway.ask(Method::POST, "/v1/consents", &grant).await;
    stream::iter(grants).for_each_concurrent(16, async |grant| drop(keep(grant).await)).await;
    for platform in [&mut scene.belgium, &mut scene.morocco] {
        until("the platform sees everybody who is trained", async || {
            platform.pull().await.unwrap();
            platform.shown().len() == trained.len()
        })
        .await;
    }
}

#[tokio::test]
async fn the_published_figures_of_a_programme_are_reported_and_nothing_that_tells_of_few() {
    let began = Instant::now();
    let tell = |what: &str| println!("{:>6.1} s {what}", began.elapsed().as_secs_f32());
    let mut scene = Scene::start().await;
    let persons = scene.send("anapec", "talent_profile", (0..APPLIED).map(person)).await;
    tell("profiles taken");
    scene.send("anapec", "placement_status", (0..APPLIED).map(|number| step(number, "programme_applied", None))).await;
    tell("applications taken");
    let steps = (0..TRAINED).flat_map(|number| {
        let of = |happened, organisation| step(number, happened, organisation);
        let committee = ["Service", "Employers"].map(|name| of("committee_interview", Some(name)));
        let rest = ["programme_selected", "in_training", "trained"].map(|happened| of(happened, None));
        [of("programme_shortlisted", None)].into_iter().chain(committee).chain(rest)
    });
    scene.send("anapec", "placement_status", steps).await;
    let trained = &persons[..TRAINED];
    show_trained(&mut scene, trained).await;
    tell("platforms see the trained");

    for (platform, scheme, range) in [("belgium", "be-kbo", BELGIUM), ("morocco", "ma-ice", MOROCCO)] {
        let selected = trained[range].iter().map(|person| said_by_employer("selected", person, scheme, "2026-10-01"));
        scene.send(platform, "placement_status", selected).await;
    }
    // Sixty begin to work at home; three have accepted an offer from Belgium.
    let way = [("sourced", "2026-10-02"), ("offer_accepted", "2026-10-03"), ("contract_signed", "2026-10-04")];
    let home = trained[50..110].iter().flat_map(|person| {
        let way = way.into_iter().chain([("started", "2026-10-05")]);
        way.map(|(happened, at)| said_by_employer(happened, person, "ma-ice", at))
    });
    scene.send("morocco", "placement_status", home).await;
    let away = trained[..3].iter().flat_map(|person| {
        way[..2].iter().map(|(happened, at)| {
            let mut said = said_by_employer(happened, person, "be-kbo", at);
            said["data"]["track"] = "away".into();
            said
        })
    });
    scene.send("belgium", "placement_status", away).await;
    tell("everything is told");

    let report = scene.report_of_all().await;
    tell("the report is there");
    let all = ["9677", "120", "120", "120", "120", "120", "0", "43", "116", "60", "0"];
    assert_eq!(cells(&report, "persons", "all", "all"), all);
    check(&report);
    check_table(&scene).await;
    tell("checked");
}

fn check(report: &Value) {
    let columns = json!([
        "programme_applied",
        "programme_selected",
        "in_training",
        "trained",
        "programme_shortlisted",
        "committee_interview",
        "pre_departure",
        "selected by BE",
        "selected by MA",
        "started",
        "moved"
    ]);
    assert_eq!(report["persons"]["columns"], columns);
    // Three were selected in Belgium only, and one nowhere: neither can be computed.
    assert_eq!((&report["selected"], &report["selected_by_several"]), (&json!("*"), &json!("*")));
    assert_eq!(report["towns_of_trained"], 35);
    assert_eq!(report["committee"], json!(["Employers", "Service"]));

    let women = cells(report, "persons", "gender", "female");
    assert_eq!(women[1..4], ["22", "22", "22"], "18 % of them");
    assert_eq!(cells(report, "persons", "gender", "male")[1..4], ["98", "98", "98"]);
    assert_eq!(cells(report, "persons", "region", "MA-11")[1..4], ["<5", "<5", "<5"]);
    let regions = table(report, "persons", "region")["rows"].as_array().unwrap();
    let hidden = regions.iter().filter(|row| row["cells"][3] == "*").count();
    assert_eq!((regions.len(), hidden), (11, 1), "with one more nobody can compute it from the 120");

    assert_eq!(cells(report, "placements", "all", "all"), ["63", "63", "60", "60", "0"]);
    assert_eq!(cells(report, "placements", "track", "home"), ["*", "*", "60", "60", "0"]);
    assert_eq!(cells(report, "placements", "track", "away"), ["<5", "<5", "0", "0", "0"]);
    assert_eq!(cells(report, "placements", "country", "BE"), ["<5", "<5", "0", "0", "0"]);

    for of in ["persons", "placements"] {
        let rows = report[of]["tables"].as_array().unwrap().iter().flat_map(|table| table["rows"].as_array().unwrap());
        for cell in rows.flat_map(|row| row["cells"].as_array().unwrap()) {
            assert!(!matches!(cell.as_u64(), Some(1..5)), "no count under five is printed: {report}");
        }
    }
}

/// What the command line prints.
async fn check_table(scene: &Scene) {
    let output = scene.gateway.run(&["report", "programme", PROGRAMME]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let words: Vec<String> =
        printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "persons all",
        "programme_applied 9677",
        "programme_selected 120",
        "trained 120",
        "selected by BE 43",
        "selected by MA 116",
        "moved 0",
        "persons by gender female male",
        "trained 22 98",
        "placements by track away home",
        "begun <5 *",
        "selected by employers of any country *, of several countries *",
        "towns of those who are trained 35",
        "on committees: Employers, Service",
    ] {
        assert!(words.iter().any(|one| one == line), "`{line}` is missing:\n{printed}");
    }
}
