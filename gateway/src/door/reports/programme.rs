//! How far the persons of a programme have come, and what came of it, in counts that tell of nobody.
//!
//! **Invariant:** nothing but what [`placements::programme`] shows leaves this file; whose keys are destroyed counts in
//! nothing.

use anyhow::Result;
use axum::{
    Json,
    extract::{Path, State},
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use placements::programme::{self, Breakdown, Cell, Outcome, Participant, ProgrammeStep, What, standing};
use schemas::{EntityKey, Kind, PartialDateTime, PlacementStatus, Record};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Configuration,
    door::{Door, identity::Operator, messages::instant, problem::Problem},
    intake::place_of_version,
    said::{Said, by_employer, country_of},
    store::PlacementEvent,
};

/// Persons that are read at once.
const PAGE: usize = 256;
/// Persons whose profiles are opened at once.
const AT_ONCE: usize = 32;

/// What may be said of a programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgrammeReport {
    /// Its name.
    #[schema(example = "PALIM")]
    programme: String,
    /// As of when.
    at: String,
    /// Counts from one to below this are hidden.
    #[schema(example = 5)]
    hidden_below: u64,
    /// Persons: how far they have come, whom employers on matching platforms selected, and who works or has moved.
    persons: Counted,
    /// Placements: how far they have come.
    placements: Counted,
    /// Persons selected by employers of any country.
    selected: Shown,
    /// Persons selected by employers of several countries.
    selected_by_several: Shown,
    /// From how many towns those are who are trained, as far as that is said.
    towns_of_trained: Shown,
    /// The organisations that sat on committees.
    committee: Vec<String>,
}

/// What is counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counted {
    /// What each column counts.
    #[schema(example = json!(["programme_applied", "programme_selected", "in_training", "trained"]))]
    columns: Vec<String>,
    /// All of them first, then by this and that.
    tables: Vec<Table>,
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
pub struct Table {
    /// By what.
    #[schema(example = "gender")]
    by: &'static str,
    /// Whether there are no rows because small counts could be computed from any.
    is_withheld: bool,
    /// Its rows.
    rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug, Serialize, ToSchema)]
pub struct Row {
    /// Of what.
    #[schema(example = "female")]
    name: String,
    /// A count for each column: a number, `<5`, or `*` where others could be computed from it.
    #[schema(value_type = Vec<Object>, example = json!([1742, 22, "*", "<5"]))]
    cells: Vec<Shown>,
}

/// A count: a number, `<5`, or `*`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Shown {
    /// The count.
    Count(u64),
    /// `<5`, or `*` where others could be computed from it.
    Hidden(String),
}

/// Tells how far the persons of a programme have come, and what came of it: persons by gender and region, placements by the
/// employer's country and by track. Counts from one to four are hidden, and as many others as it takes so that none can be
/// computed.
#[utoipa::path(get, path = "/v1/reports/programme/{name}", tag = "reports",
    params(("name" = String, Path, description = "The programme, as events call it.", example = "PALIM")),
    responses((status = 200, description = "The counts.", body = ProgrammeReport),
        (status = 404, description = "Nobody is known to be in such a programme.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn show(
    State(door): State<Door>,
    _: Operator,
    Path(name): Path<String>,
) -> Result<Json<ProgrammeReport>, Problem> {
    let name = name.trim().to_owned();
    let participants = door.participants(&name).await?;
    if participants.is_empty() {
        return Err(Problem::not_found("programme"));
    }
    let at = instant(door.intake.clock.now_micros());
    let counting = tokio::task::spawn_blocking(move || programme::Report::of(&participants));
    let report = counting.await.map_err(anyhow::Error::from)?;
    Ok(Json(ProgrammeReport::of(name, at, report)))
}

impl Door {
    /// Everybody in a programme whose keys are there.
    async fn participants(&self, name: &str) -> Result<Vec<Participant>, Problem> {
        let intake = &self.intake;
        let Some(vault) = intake.bodies.vault() else { return Ok(Vec::new()) };
        let (programme, rules) = (vault.hash_of_programme(name), intake.in_force.now());
        let (mut participants, mut after) = (Vec::new(), None);
        loop {
            let events = intake.store.events_of_programme(programme, after, PAGE).await?;
            let Some(last) = events.last() else { return Ok(participants) };
            after = Some(last.entity_key);
            let persons: Vec<Vec<PlacementEvent>> =
                events.chunk_by(|one, other| one.entity_key == other.entity_key).map(<[_]>::to_vec).collect();
            let opened = stream::iter(persons).map(|events| self.participant(name, events, &rules.configuration));
            let opened: Vec<Option<Participant>> = opened.buffer_unordered(AT_ONCE).try_collect().await?;
            participants.extend(opened.into_iter().flatten());
        }
    }

    /// One person, by everything that was said; none whose keys are destroyed, or who was never in the programme after all.
    async fn participant(
        &self,
        name: &str,
        events: Vec<PlacementEvent>,
        configuration: &Configuration,
    ) -> Result<Option<Participant>, Problem> {
        let Some(person) = events.first().map(|event| event.entity_key) else { return Ok(None) };
        let mut said = Vec::with_capacity(events.len());
        for event in events {
            let Some(one) = Said::open(&self.intake.bodies, event).await? else { return Ok(None) };
            said.push(one);
        }
        let mut stands = standing(said.iter().filter_map(|one| event_of(one, configuration)));
        let Some(record) = stands.programmes.remove(name) else { return Ok(None) };
        let Some(profile) = self.newest_profile(person).await? else { return Ok(None) };
        let placements = by_employer(&said, configuration);
        let outcomes = placements.iter().flat_map(|with| {
            let began = with.placements.iter().filter(|placement| placement.state.is_some());
            began.map(|placement| Outcome::of(placement, with.country.clone()))
        });
        Ok(Some(Participant {
            record,
            picked_in: stands.picked_in,
            placements: outcomes.collect(),
            gender: gender_of(&profile).map(str::to_owned),
            region: text_of(&profile, &REGION),
            town: text_of(&profile, &TOWN),
        }))
    }

    /// What a person's source says last; none if the keys are destroyed.
    async fn newest_profile(&self, person: EntityKey) -> Result<Option<Record>, Problem> {
        let intake = &self.intake;
        let Some(newest) = intake.store.newest_version(person).await? else { return Ok(None) };
        let canonical = intake.bodies.kept(newest.kind, &place_of_version(person), &newest.canonical).await?;
        let record = canonical.map(|canonical| Record::from_avro(newest.kind, &canonical));
        Ok(record.transpose().map_err(anyhow::Error::from)?.filter(|record| record.kind() == Kind::TalentProfile))
    }
}

/// Where a profile says its region, the best first.
const REGION: [&str; 3] =
    ["person.residence.region.label", "person.residence.region.code", "person.residence.subdivision"];
/// Where it says the town.
const TOWN: [&str; 4] = [
    "person.residence.city",
    "person.residence.town.label",
    "person.residence.town.code",
    "person.residence.municipality.label",
];

fn text_of(profile: &Record, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| profile.text(path).map(str::trim).filter(|text| !text.is_empty())).map(str::to_owned)
}

/// The gender by its code in ISO/IEC 5218.
fn gender_of(profile: &Record) -> Option<&'static str> {
    match (profile.text("person.sex.scheme")?, profile.text("person.sex.code")?) {
        ("iso-5218", "1") => Some("male"),
        ("iso-5218", "2") => Some("female"),
        _ => None,
    }
}

/// What was said, as far as it tells of programmes; none if it does not say when.
fn event_of(said: &Said, configuration: &Configuration) -> Option<programme::Said> {
    let status = PlacementStatus::of(&said.record)?;
    let text = |path| said.record.text(path).filter(|text| !text.trim().is_empty()).map(|text| text.trim().to_owned());
    let effective_at: PartialDateTime = said.record.text("effective_at")?.parse().ok()?;
    let happened = status.happened()?;
    let what = match (happened.parse::<ProgrammeStep>(), text("programme.name")) {
        (Ok(step), Some(programme)) => What::Step { programme, step, organisation: text("programme.organisation") },
        _ if happened == "selected" => What::Picked { country: country_of(said, configuration) },
        _ => What::Other,
    };
    Some(programme::Said {
        effective_at: effective_at.start(&TimeZone::UTC)?,
        sequence: status.sequence().and_then(|number| u64::try_from(number).ok()),
        source: said.event.partner.to_string(),
        id: text("reference")?,
        supersedes: text("supersedes"),
        what,
    })
}

impl ProgrammeReport {
    fn of(programme: String, at: String, report: programme::Report) -> Self {
        Self {
            programme,
            at,
            hidden_below: programme::SMALL,
            persons: Counted::of(report.person_columns, report.persons),
            placements: Counted::of(report.placement_columns, report.placements),
            selected: Shown::of(&report.picked),
            selected_by_several: Shown::of(&report.picked_in_several),
            towns_of_trained: Shown::of(&report.towns),
            committee: report.committee.into_iter().collect(),
        }
    }
}

impl Counted {
    fn of(columns: Vec<String>, breakdowns: Vec<Breakdown>) -> Self {
        let row = |row: programme::Row| Row { name: row.name, cells: row.cells.iter().map(Shown::of).collect() };
        let table =
            |Breakdown { by, rows, is_withheld }| Table { by, is_withheld, rows: rows.into_iter().map(row).collect() };
        Self { columns, tables: breakdowns.into_iter().map(table).collect() }
    }
}

impl Shown {
    fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Count(count) => Self::Count(*count),
            Cell::Small | Cell::Withheld => Self::Hidden(cell.to_string()),
        }
    }
}
