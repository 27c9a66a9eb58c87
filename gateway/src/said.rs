//! Everything that every party says of one person, opened and put together by employer.
//!
//! What is about one employer is about one placement after another: the employer is known by its number in a register,
//! else by its name, else as the partner that says it. [`placements::replay`] says what the events of one come to.

use std::collections::BTreeMap;

use anyhow::Result;
use consent::Country;
use jiff::tz::TimeZone;
use placements::{Event, Happening, Placement, Track, replay};
use schemas::{Kind, PartialDateTime, PlacementStatus, Record};

use crate::{
    config::Configuration, eligibility::legal_ids, intake::place_of_event, store::PlacementEvent, vault::Bodies,
};

/// An event, and what it says.
pub struct Said {
    pub event: PlacementEvent,
    pub record: Record,
}

impl Said {
    /// Opens an event. None if the keys of whom it is about were destroyed.
    ///
    /// # Errors
    /// If the keys' database does not answer, or the event is damaged.
    pub async fn open(bodies: &Bodies, event: PlacementEvent) -> Result<Option<Self>> {
        let (kind, place) = (Kind::PlacementStatus, place_of_event(event.message_id));
        let Some(canonical) = bodies.kept(kind, &place, &event.canonical).await? else { return Ok(None) };
        let record = Record::from_avro(kind, &canonical)?;
        Ok(Some(Self { event, record }))
    }
}

/// What was said of a person and one employer, and what it comes to.
pub struct ByEmployer<'a> {
    /// The employer: its number in a register, else its name, else who says it.
    pub employer: String,
    /// The employer's country, ISO 3166-1 alpha-2, if that is known.
    pub country: Option<String>,
    /// What was said, in the order in which it came.
    pub said: Vec<&'a Said>,
    /// The placements, one after another.
    pub placements: Vec<Placement>,
}

/// What everything comes to, by employer.
pub fn by_employer<'a>(said: &'a [Said], configuration: &Configuration) -> Vec<ByEmployer<'a>> {
    let mut found: BTreeMap<String, Vec<&Said>> = BTreeMap::new();
    for one in said {
        found.entry(employer_of(one, configuration)).or_default().push(one);
    }
    let replayed = |(employer, said): (String, Vec<&'a Said>)| {
        let track = said.iter().find_map(|one| track_of(&one.record));
        let placements = replay(track, said.iter().filter_map(|one| event_of(one)));
        let country = said.iter().find_map(|one| country_of(one, configuration));
        ByEmployer { employer, country, said, placements }
    };
    found.into_iter().map(replayed).collect()
}

/// The country of the employer that something is about: that of the register which gave its number, else that of the
/// partner which says it.
pub fn country_of(said: &Said, configuration: &Configuration) -> Option<String> {
    let of_register = |(scheme, _): &(&str, String)| scheme.split_once('-')?.0.to_uppercase().parse::<Country>().ok();
    let partner = || configuration.partners.get(&said.event.partner).map(|partner| partner.country.clone());
    let country = legal_ids(&said.record).iter().find_map(of_register).or_else(partner)?;
    Some(country.as_str().to_owned())
}

fn employer_of(said: &Said, configuration: &Configuration) -> String {
    let text = |path| said.record.text(path).filter(|text| !text.is_empty());
    let number = legal_ids(&said.record).into_iter().next();
    let partner = || configuration.partners.get(&said.event.partner).and_then(|partner| partner.legal_id.as_ref());
    number
        .map(|(scheme, value)| format!("{scheme}:{value}"))
        .or_else(|| text("employer.name").map(str::to_owned))
        .or_else(|| partner().map(ToString::to_string))
        .unwrap_or_else(|| said.event.partner.to_string())
}

fn track_of(record: &Record) -> Option<Track> {
    match PlacementStatus::of(record)?.track()? {
        "home" => Some(Track::Home),
        "away" => Some(Track::Away),
        _ => None,
    }
}

/// An event of the machine; none if it is about no placement, as what an employer makes of a profile.
pub fn event_of(said: &Said) -> Option<Event> {
    let status = PlacementStatus::of(&said.record)?;
    let text = |path| said.record.text(path).map(str::to_owned);
    let effective_at: PartialDateTime = said.record.text("effective_at")?.parse().ok()?;
    Some(Event {
        effective_at: effective_at.start(&TimeZone::UTC)?,
        sequence: status.sequence().and_then(|number| u64::try_from(number).ok()),
        source: said.event.partner.to_string(),
        id: text("reference")?,
        supersedes: text("supersedes"),
        happening: Some(Happening::of(status.happened()?, status.is_back())?),
    })
}
