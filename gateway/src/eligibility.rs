//! Whether a vacancy may go to a partner, before anything is translated. Pure; when it may go is [`mod@window`]. Of what is
//! about persons only what stands [`between`] two partners is decided here; the rest is for [`crate::disclosure`].
//!
//! A rule that a vacancy says nothing about denies: without a place of work no list of countries is met.

mod employer;
mod window;

use consent::{Country, Reason};
use schemas::{PartnerId, Path, Record, Step, Vacancy, Value};

pub use self::{
    employer::{employers, legal_ids, spelling},
    window::window,
};
use crate::{
    config::{Connector, International, NationalsOnly, Outgoing, Partner},
    store::Standing,
};

/// What a partner is told that may not have something any more, whatever the reason.
pub const NOT_ENTITLED: &str = "not_entitled";

/// Why something does not go to a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It came from there.
    CameFromThere,
    /// The partner itself knows the person, who is the same though another source calls them otherwise.
    LinkedSource,
    /// The partner does not take this source's vacancies.
    NotSubscribed,
    /// It is for the employer's own people.
    Internal,
    /// The employer does not want it passed on.
    EmployerOptOut,
    /// It came from EURES and would go back there by another way.
    CameFromEures,
    /// It is for nationals only, and the partner is elsewhere.
    NationalsOnly,
    /// The employer does not look abroad, and the partner takes only what does.
    NotInternational,
    /// The employer's country is not among those of the partner.
    EmployerCountry,
    /// No place of work is in a country of the partner.
    LocationCountry,
    /// The person has not permitted it, or it may not leave the country.
    Consent(Reason),
}

impl Obstacle {
    /// The code in the journal.
    pub fn code(self) -> &'static str {
        match self {
            Self::CameFromThere => "came_from_there",
            Self::LinkedSource => "linked_source",
            Self::NotSubscribed => "not_subscribed",
            Self::Internal => "internal_only",
            Self::EmployerOptOut => "employer_opt_out",
            Self::CameFromEures => "came_from_eures",
            Self::NationalsOnly => "nationals_only",
            Self::NotInternational => "not_international",
            Self::EmployerCountry => "employer_country",
            Self::LocationCountry => "location_country",
            Self::Consent(reason) => reason.code(),
        }
    }

    /// What it means, for people. Names rules, never what a document says.
    pub fn reason(self) -> &'static str {
        match self {
            Self::CameFromThere => "it came from there, and that partner is no co-owner",
            Self::LinkedSource => "that partner itself has sent the person, under another name, and is no co-owner",
            Self::NotSubscribed => "`from` of that partner does not name the source",
            Self::Internal => "it is for the employer's own people (`eligibility.internal_only`)",
            Self::EmployerOptOut => {
                "the employer does not want it passed on (`eligibility.employer_opt_out`, or the rule `opted_out_employers`)"
            }
            Self::CameFromEures => "it came from EURES, which would get it back",
            Self::NationalsOnly => "it is for nationals only (`eligibility.nationals_only`, the rule `nationals_only`)",
            Self::NotInternational => {
                "the employer does not look abroad (`eligibility.international`, the rule `international`)"
            }
            Self::EmployerCountry => "the rule `employer_countries` does not name the employer's country",
            Self::LocationCountry => "the rule `location_countries` names no country of `locations[].country`",
            Self::Consent(reason) => reason.remedy(),
        }
    }

    /// The code that a partner may see: nobody is told who else knows a person.
    pub fn code_for_partners(self) -> &'static str {
        if self == Self::LinkedSource { NOT_ENTITLED } else { self.code() }
    }

    /// Whether it lies between two partners, whatever the vacancy says.
    pub fn is_between_partners(self) -> bool {
        matches!(self, Self::CameFromThere | Self::NotSubscribed | Self::CameFromEures)
    }
}

/// The first obstacle between a vacancy and a partner.
pub fn obstacle(record: &Record, source: &Partner, receiver: &Partner, outgoing: &Outgoing) -> Option<Obstacle> {
    between(source, receiver, outgoing).or_else(|| within(record, source, receiver, outgoing))
}

/// What stands between a person and a partner that itself sent the person, as another one; unless it is co-owner.
pub fn linked(standing: &Standing, receiver: &Partner) -> Option<Obstacle> {
    let is_source = standing.other_sources.contains(&receiver.id);
    (is_source && !receiver.is_co_owner).then_some(Obstacle::LinkedSource)
}

/// What stands between two partners, whatever the record says.
pub fn between(source: &Partner, receiver: &Partner, outgoing: &Outgoing) -> Option<Obstacle> {
    if source.id == receiver.id && !receiver.is_co_owner {
        return Some(Obstacle::CameFromThere);
    }
    if !is_subscribed(outgoing, &source.id) {
        return Some(Obstacle::NotSubscribed);
    }
    if is_eures(source) && is_eures(receiver) {
        return Some(Obstacle::CameFromEures);
    }
    None
}

/// What the vacancy itself says against it.
fn within(record: &Record, source: &Partner, receiver: &Partner, outgoing: &Outgoing) -> Option<Obstacle> {
    let says = |name: &str| Vacancy::of(record).and_then(|vacancy| vacancy.eligibility(name));
    let rules = &outgoing.rules;
    if says("internal_only") == Some(true) {
        return Some(Obstacle::Internal);
    }
    if says("employer_opt_out") == Some(true) || has_opted_out(record, &rules.opted_out_employers) {
        return Some(Obstacle::EmployerOptOut);
    }
    if says("nationals_only") == Some(true) {
        let may_go = match rules.nationals_only {
            NationalsOnly::OwnCountry => {
                !is_eures(receiver) && receiver.country.as_str() == employer_country(record, source)
            }
            NationalsOnly::Allowed => true,
            NationalsOnly::Refused => false,
        };
        if !may_go {
            return Some(Obstacle::NationalsOnly);
        }
    }
    let looks_abroad = match rules.international {
        International::Ignored => true,
        International::NotRefused => says("international") != Some(false),
        International::Required => says("international") == Some(true),
    };
    if !looks_abroad {
        return Some(Obstacle::NotInternational);
    }
    let is_listed = |countries: &[Country], country: &str| countries.iter().any(|one| one.as_str() == country);
    if !rules.employer_countries.is_empty() && !is_listed(&rules.employer_countries, &employer_country(record, source))
    {
        return Some(Obstacle::EmployerCountry);
    }
    let mut places = texts(record, "locations", "country");
    if !rules.location_countries.is_empty() && !places.any(|country| is_listed(&rules.location_countries, country)) {
        return Some(Obstacle::LocationCountry);
    }
    None
}

fn is_eures(partner: &Partner) -> bool {
    partner.outgoing.values().any(|outgoing| matches!(outgoing.connector, Connector::EuresFeed { .. }))
}

fn is_subscribed(outgoing: &Outgoing, source: &PartnerId) -> bool {
    outgoing.from.is_empty() || outgoing.from.contains(source)
}

/// The country of the register that knows the employer (`be-kbo`), else that of the partner who sent the vacancy.
fn employer_country(record: &Record, source: &Partner) -> String {
    let country_of = |scheme: &str| scheme.split_once('-').map(|(country, _)| country.to_ascii_uppercase());
    let is_country = |country: &String| country.parse::<Country>().is_ok();
    let register =
        texts(record, "employer.legal_ids", "scheme").find_map(|scheme| country_of(scheme).filter(is_country));
    register.unwrap_or_else(|| source.country.to_string())
}

fn has_opted_out(record: &Record, opted_out: &[String]) -> bool {
    let is_one = |known: String| opted_out.iter().any(|employer| spelling(employer) == known);
    !opted_out.is_empty() && employers(record).any(is_one)
}

/// A text of every item of a list.
fn texts<'a>(record: &'a Record, list: &str, field: &str) -> impl Iterator<Item = &'a str> {
    let index = field_index(record, list, field);
    items(record, list).iter().filter_map(move |item| item.field(index?).as_text())
}

/// The items of a list.
fn items<'a>(record: &'a Record, list: &str) -> &'a [Value] {
    record.at(list).map_or(&[][..], Value::items)
}

/// Where a field stands in the items of a list.
fn field_index(record: &Record, list: &str, field: &str) -> Option<usize> {
    match Path::resolve(record.model(), &format!("{list}[].{field}")).ok()?.steps().last() {
        Some(Step::Field(_, index)) => Some(*index),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
