//! What may be said of everybody in a programme: the funnel, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CohortRecord, ProgrammeStep,
    hiding::{Cell, Nested, is_small},
};
use crate::{Placement, State, Track};

/// Of whom something is not known.
const NOT_SAID: &str = "not said";
/// Of whom there are too few to be named.
const OTHERS: &str = "others";

/// Somebody in a programme.
#[derive(Debug, Clone, Default)]
pub struct Participant {
    /// How far the person has come in it.
    pub record: CohortRecord,
    /// The countries of the employers on matching platforms that picked the person out; none where that is not known.
    pub picked_in: BTreeSet<Option<String>>,
    /// The placements of the person.
    pub placements: Vec<Outcome>,
    /// The person's gender, if said.
    pub gender: Option<String>,
    /// The region where the person lives, if said.
    pub region: Option<String>,
    /// The town, if said.
    pub town: Option<String>,
}

/// A placement, as far as it is counted.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The employer's country, ISO 3166-1 alpha-2, if known.
    pub country: Option<String>,
    /// Where the person is to work.
    pub track: Option<Track>,
    /// An offer was accepted.
    pub is_accepted: bool,
    /// A contract was signed.
    pub is_signed: bool,
    /// The work began.
    pub is_started: bool,
    /// The person has moved: is in the country of the work.
    pub is_moved: bool,
}

/// A table: the first row holds all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// By what.
    pub by: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Whether nothing of it can be shown: there are no rows then.
    pub is_withheld: bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Of what.
    pub name: String,
    /// One for each column.
    pub cells: Vec<Cell>,
}

/// What may be said of a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is counted of persons.
    pub person_columns: Vec<String>,
    /// Persons: all of them, by gender and by region.
    pub persons: Vec<Breakdown>,
    /// What is counted of placements.
    pub placement_columns: Vec<String>,
    /// Placements: all of them, by the country of the employer and by track.
    pub placements: Vec<Breakdown>,
    /// Persons whom employers of anywhere have picked out.
    pub picked: Cell,
    /// Persons whom employers of several countries have picked out.
    pub picked_in_several: Cell,
    /// From how many towns the persons are who are trained, as far as that is said.
    pub towns: Cell,
    /// Who sat on committees.
    pub committee: BTreeSet<String>,
}

/// What is counted: columns that are nested one in the other, and others, each nested in one of those.
struct Layout {
    nested: Vec<String>,
    others: Vec<(String, usize)>,
}

impl Report {
    /// What may be said of these persons: everybody who was ever said to be in the programme.
    pub fn of(participants: &[Participant]) -> Self {
        let (countries, picked, picked_in_several) = picks(participants);
        let persons = persons_layout(&countries);
        let counted: Vec<Vec<u64>> = participants.iter().map(|one| counts_of_person(one, &countries)).collect();
        let by = |name: fn(&Participant) -> Option<&str>| -> Vec<&str> {
            participants.iter().map(|one| name(one).unwrap_or(NOT_SAID)).collect()
        };
        let outcomes: Vec<&Outcome> = participants.iter().flat_map(|one| &one.placements).collect();
        let placements = placements_layout();
        let of_placements: Vec<Vec<u64>> = outcomes.iter().map(|one| counts_of_placement(one)).collect();
        let country = outcomes.iter().map(|one| one.country.as_deref().unwrap_or(NOT_SAID)).collect::<Vec<_>>();
        let track = outcomes.iter().map(|one| word_of(one.track)).collect::<Vec<_>>();
        let trained = participants.iter().filter(|one| one.record.has_reached(ProgrammeStep::Trained));
        let towns: BTreeSet<&str> = trained.filter_map(|one| one.town.as_deref()).collect();
        Self {
            persons: vec![
                persons.all(&counted),
                persons.breakdown("gender", &by(|one| one.gender.as_deref()), &counted),
                persons.breakdown("region", &without_rare(by(|one| one.region.as_deref())), &counted),
            ],
            person_columns: persons.names(),
            placements: vec![
                placements.all(&of_placements),
                placements.breakdown("country", &country, &of_placements),
                placements.breakdown("track", &track, &of_placements),
            ],
            placement_columns: placements.names(),
            picked,
            picked_in_several,
            towns: Cell::alone(towns.len() as u64),
            committee: participants.iter().flat_map(|one| committee(&one.record)).collect(),
        }
    }
}

impl Outcome {
    /// What is counted of a placement.
    pub fn of(placement: &Placement, country: Option<String>) -> Self {
        let reached = |state| placement.has_reached(state);
        Self {
            country,
            track: placement.track,
            is_accepted: reached(State::OfferAccepted),
            is_signed: reached(State::ContractSigned),
            is_started: reached(State::Started),
            is_moved: reached(State::Arrived),
        }
    }
}

/// Names as they are, but one for all those that few have: a source may call regions what it likes, and what only few are
/// called may be about them.
fn without_rare(names: Vec<&str>) -> Vec<&str> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    names.into_iter().map(|name| if is_small(counts[name]) { OTHERS } else { name }).collect()
}

fn word_of(track: Option<Track>) -> &'static str {
    match track {
        Some(Track::Home) => "home",
        Some(Track::Away) => "away",
        None => NOT_SAID,
    }
}

fn committee(record: &CohortRecord) -> BTreeSet<String> {
    record.steps.get(&ProgrammeStep::CommitteeInterview).map(|step| step.organisations.clone()).unwrap_or_default()
}

/// The countries of the employers that picked persons out, and how many persons they picked at all and in several of them.
///
/// With the counts by country, either of the last two tells how many were picked in one only. Where any such group is small
/// both are hidden; if even so they could be computed, the countries are not told apart.
fn picks(participants: &[Participant]) -> (Vec<Option<String>>, Cell, Cell) {
    let mut groups: BTreeMap<&BTreeSet<Option<String>>, u64> = BTreeMap::new();
    for one in participants.iter().filter(|one| !one.picked_in.is_empty()) {
        *groups.entry(&one.picked_in).or_default() += 1;
    }
    let countries: BTreeSet<&Option<String>> = groups.keys().copied().flatten().collect();
    let countries: Vec<Option<String>> = countries.into_iter().cloned().collect();
    let picked: u64 = groups.values().sum();
    let several: u64 = groups.iter().filter(|(group, _)| group.len() > 1).map(|(_, count)| count).sum();
    if countries.len() < 2 || !groups.values().any(|count| is_small(*count)) {
        (countries, Cell::alone(picked), Cell::alone(several))
    } else if may_be_otherwise(participants) {
        (countries, Cell::Withheld, Cell::Withheld)
    } else {
        (Vec::new(), Cell::alone(picked), Cell::Withheld)
    }
}

/// Whether the same report could be made of persons of whom another number was picked in two countries: two of one gender and
/// region between whom a pick may pass, without any other count becoming another.
fn may_be_otherwise(participants: &[Participant]) -> bool {
    let mut alike: BTreeMap<_, BTreeSet<&BTreeSet<Option<String>>>> = BTreeMap::new();
    for one in participants {
        alike.entry((&one.gender, &one.region)).or_default().insert(&one.picked_in);
    }
    alike.values().any(|groups| {
        let singles = groups.iter().filter(|group| group.len() == 1).count();
        let takes_both_ways =
            groups.iter().any(|group| group.is_empty()) && groups.iter().any(|group| group.len() == 2);
        singles > 1 || takes_both_ways
    })
}

/// The steps that whoever is trained has passed; the others are nested in the first, or the second of them.
const NESTED_STEPS: [ProgrammeStep; 4] =
    [ProgrammeStep::Applied, ProgrammeStep::Selected, ProgrammeStep::InTraining, ProgrammeStep::Trained];
const OTHER_STEPS: [(ProgrammeStep, usize); 3] =
    [(ProgrammeStep::Shortlisted, 0), (ProgrammeStep::CommitteeInterview, 0), (ProgrammeStep::PreDeparture, 1)];

fn persons_layout(countries: &[Option<String>]) -> Layout {
    let name = |country: &Option<String>| format!("selected by {}", country.as_deref().unwrap_or("unknown"));
    let steps = OTHER_STEPS.iter().map(|(step, within)| (step.to_string(), *within));
    let picked = countries.iter().map(|country| (name(country), 0));
    let ends = ["started", "moved"].map(|name| (name.to_owned(), 0));
    Layout {
        nested: NESTED_STEPS.iter().map(ToString::to_string).collect(),
        others: steps.chain(picked).chain(ends).collect(),
    }
}

fn counts_of_person(one: &Participant, countries: &[Option<String>]) -> Vec<u64> {
    let steps = NESTED_STEPS.iter().chain(OTHER_STEPS.iter().map(|(step, _)| step));
    let steps = steps.map(|step| one.record.has_reached(*step));
    let picked = countries.iter().map(|country| one.picked_in.contains(country));
    let is_started = one.placements.iter().any(|placement| placement.is_started);
    let is_moved = one.placements.iter().any(|placement| placement.is_moved);
    steps.chain(picked).chain([is_started, is_moved]).map(u64::from).collect()
}

fn placements_layout() -> Layout {
    let nested = ["begun", "offer_accepted", "contract_signed", "started"].map(str::to_owned);
    Layout { nested: nested.into(), others: vec![("moved".to_owned(), 2)] }
}

fn counts_of_placement(one: &Outcome) -> Vec<u64> {
    // What nobody said, and must have been.
    let is_signed = one.is_signed || one.is_started || one.is_moved;
    let is_accepted = one.is_accepted || is_signed;
    [true, is_accepted, is_signed, one.is_started, one.is_moved].map(u64::from).into()
}

impl Layout {
    fn names(&self) -> Vec<String> {
        self.nested.iter().chain(self.others.iter().map(|(name, _)| name)).cloned().collect()
    }

    /// All of them in one row.
    fn all(&self, counted: &[Vec<u64>]) -> Breakdown {
        let cells = self.sums(counted).into_iter().map(Cell::alone).collect();
        Breakdown { by: "all", rows: vec![Row { name: "all".to_owned(), cells }], is_withheld: false }
    }

    fn sums(&self, counted: &[Vec<u64>]) -> Vec<u64> {
        let columns = self.nested.len() + self.others.len();
        (0..columns).map(|column| counted.iter().map(|one| one[column]).sum()).collect()
    }

    /// A row for each name; none if what is small cannot be hidden by hiding more.
    fn breakdown(&self, by: &'static str, names: &[&str], counted: &[Vec<u64>]) -> Breakdown {
        let mut rows: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (name, one) in names.iter().zip(counted) {
            let sums = rows.entry(name).or_insert_with(|| vec![0; one.len()]);
            for (sum, count) in sums.iter_mut().zip(one) {
                *sum += count;
            }
        }
        let counts: Vec<&Vec<u64>> = rows.values().collect();
        let Some(shown) = self.protected(&counts) else {
            return Breakdown { by, rows: Vec::new(), is_withheld: true };
        };
        let rows = rows.keys().zip(shown).map(|(name, cells)| Row { name: (*name).to_owned(), cells });
        Breakdown { by, rows: rows.collect(), is_withheld: false }
    }

    fn protected(&self, counts: &[&Vec<u64>]) -> Option<Vec<Vec<Cell>>> {
        let width = self.nested.len();
        let nested = counts.iter().map(|row| row[..width].to_vec()).collect();
        // Each is protected as if all the others were known: then they are together as well.
        let inside = |row: &Vec<u64>, column: usize| {
            let others = self.others.iter().zip(&row[width..]).filter(|((_, within), _)| *within == column);
            others.map(|(_, count)| *count).max().unwrap_or(0)
        };
        // There would be no row without anybody in its first column.
        let least =
            |row: &&Vec<u64>| (0..width).map(|column| inside(row, column).max(u64::from(column == 0))).collect();
        let least = counts.iter().map(least).collect();
        let mut shown = Nested::new(nested, least, vec![u64::MAX; counts.len()]).protected()?;
        for (place, (_, within)) in self.others.iter().enumerate() {
            let column = counts.iter().map(|row| vec![row[width + place]]).collect();
            let most = counts.iter().map(|row| row[*within]).collect();
            let protected = Nested::new(column, vec![vec![0]; counts.len()], most).protected()?;
            for (row, cells) in shown.iter_mut().zip(protected) {
                row.extend(cells);
            }
        }
        Some(shown)
    }
}

#[cfg(test)]
mod tests;
