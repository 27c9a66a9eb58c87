//! A cohort of invented persons in numbers that were published.

use super::*;
use crate::programme::{Said, What, standing};

/// Somebody who has come to some steps.
fn person(number: u64, steps: &[ProgrammeStep]) -> Participant {
    let said = steps.iter().zip(1..).map(|(step, id)| Said {
        effective_at: "2026-03-01T09:00:00Z".parse().unwrap(),
        sequence: None,
        source: "service".to_owned(),
        id: format!("{number}/{id}"),
        supersedes: None,
        what: What::Step { programme: "Passage".to_owned(), step: *step, organisation: None },
    });
    let record = standing(said).programmes.remove("Passage").unwrap();
    Participant { record, ..Participant::default() }
}

fn countries(names: &[&str]) -> BTreeSet<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

/// 9,677 applied, 120 are trained, of whom employers in Belgium selected 43 and those in Morocco 116.
fn cohort() -> Vec<Participant> {
    let trained = (0..120).map(|number| {
        let mut one = person(number, &[ProgrammeStep::Trained]);
        one.gender = Some(if number < 22 { "female" } else { "male" }.to_owned());
        // 40 by both, 3 and 76 by one of them, one by nobody.
        one.picked_in = match number {
            0..40 => countries(&["BE", "MA"]),
            40..43 => countries(&["BE"]),
            43..119 => countries(&["MA"]),
            _ => BTreeSet::new(),
        };
        one.region = Some(format!("region {}", if number == 7 { 11 } else { number % 11 }));
        one.town = Some(format!("town {}", number % 35));
        one
    });
    let others = (120..9_677).map(|number| {
        let mut one = person(number, &[ProgrammeStep::Applied]);
        one.gender = (number % 50 > 0).then(|| if number % 3 == 0 { "female" } else { "male" }.to_owned());
        one.region = Some(format!("region {}", number % 12));
        one
    });
    trained.chain(others).collect()
}

fn row<'a>(breakdown: &'a Breakdown, name: &str) -> Vec<String> {
    let row: &'a Row = breakdown.rows.iter().find(|row| row.name == name).unwrap();
    row.cells.iter().map(ToString::to_string).collect()
}

#[test]
fn the_published_figures_are_counted_and_what_would_tell_of_few_is_hidden() {
    let report = Report::of(&cohort());
    let columns = [
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
        "moved",
    ];
    assert_eq!(report.person_columns, columns);
    let all = ["9677", "120", "120", "120", "0", "0", "0", "43", "116", "0", "0"];
    assert_eq!(row(&report.persons[0], "all"), all);
    assert_eq!(row(&report.persons[1], "female")[1..4], ["22", "22", "22"]);
    assert_eq!(
        (report.picked, report.picked_in_several),
        (Cell::Withheld, Cell::Withheld),
        "three were selected by one only"
    );
    assert_eq!(report.towns, Cell::Count(35));
    let regions = &report.persons[2];
    assert_eq!(row(regions, "region 11")[1..4], ["<5", "<5", "<5"]);
    let hidden: Vec<&str> = regions
        .rows
        .iter()
        .filter(|row| row.cells[1] == Cell::Withheld)
        .inspect(|row| assert_eq!(row.cells[1..4], [Cell::Withheld; 3], "what is equal is hidden together"))
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(hidden.len(), 1, "{hidden:?}");
}

#[test]
fn who_is_selected_in_how_many_countries_is_shown_where_every_group_is_large() {
    let group = |names: &[&str], count: u64| {
        let of = |number| Participant { picked_in: countries(names), ..person(number, &[ProgrammeStep::Applied]) };
        (0..count).map(of).collect::<Vec<_>>()
    };
    let picked = |groups: &[(&[&str], u64)]| {
        let all: Vec<_> = groups.iter().flat_map(|(names, count)| group(names, *count)).collect();
        let report = Report::of(&all);
        let by = report.person_columns.iter().filter(|name| name.starts_with("selected by")).count();
        (by, report.picked.to_string(), report.picked_in_several.to_string())
    };
    let said = |by, picked: &str, several: &str| (by, picked.to_owned(), several.to_owned());
    assert_eq!(picked(&[(&["BE"], 9), (&["BE", "MA"], 5), (&[], 50)]), said(2, "14", "5"));
    assert_eq!(picked(&[(&["BE"], 9), (&["BE", "MA"], 4), (&[], 50)]), said(2, "*", "*"));
    assert_eq!(picked(&[(&["BE"], 3), (&[], 50)]), said(1, "<5", "0"));
    assert_eq!(picked(&[(&["BE"], 3), (&["BE", "MA"], 9)]), said(0, "12", "*"), "everybody was selected by one");
}

#[test]
fn placements_are_counted_by_country_and_track() {
    let outcome = |country: &str, track, is_started| Outcome {
        country: Some(country.to_owned()),
        track: Some(track),
        is_accepted: true,
        is_signed: is_started,
        is_started,
        is_moved: false,
    };
    let mut cohort = cohort();
    for one in &mut cohort[40..100] {
        one.placements.push(outcome("MA", Track::Home, true));
    }
    for one in &mut cohort[0..2] {
        one.placements.push(outcome("BE", Track::Away, false));
    }
    let report = Report::of(&cohort);
    assert_eq!(report.placement_columns, ["begun", "offer_accepted", "contract_signed", "started", "moved"]);
    assert_eq!(row(&report.placements[0], "all"), ["62", "62", "60", "60", "0"]);
    assert_eq!(row(&report.placements[1], "BE"), ["<5", "<5", "0", "0", "0"]);
    assert_eq!(row(&report.placements[1], "MA"), ["*", "*", "60", "60", "0"]);
    assert_eq!(row(&report.placements[2], "away"), ["<5", "<5", "0", "0", "0"]);
    assert_eq!(row(&report.persons[0], "all")[9..], ["60", "0"]);
}

#[test]
fn a_region_that_few_live_in_is_not_named() {
    let of = |region: &str, number| Participant {
        region: Some(region.to_owned()),
        ..person(number, &[ProgrammeStep::Applied])
    };
    let few = (0..4).map(|number| of("Rue des Exemples 4", number));
    let many = (4..40).map(|number| of("MA-06", number));
    let report = Report::of(&few.chain(many).collect::<Vec<_>>());
    let names: Vec<&str> = report.persons[2].rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["MA-06", "others"]);
    assert_eq!(row(&report.persons[2], "others")[0], "<5");
}
