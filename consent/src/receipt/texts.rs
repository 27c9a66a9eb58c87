//! The words of receipts, one file a language. Every term of consent has its words in each; a test proves it.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::Said;
use crate::{
    grant::EventName,
    period::Period,
    terms::{Country, Role, terms},
};

terms! {
    /// A language of receipts. Source of the codes: BCP 47.
    "language of receipts": Language {
        /// French.
        French = "fr",
        /// Dutch.
        Dutch = "nl",
        /// Arabic, written from the right.
        Arabic = "ar",
        /// English.
        English = "en",
    }
}

/// The words of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    direction: String,
    page: BTreeMap<String, String>,
    role: BTreeMap<String, String>,
    unit: BTreeMap<String, BTreeMap<String, String>>,
    event: BTreeMap<String, String>,
    term: BTreeMap<String, String>,
    country: BTreeMap<String, String>,
}

static FRENCH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/fr.toml")));
static DUTCH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/nl.toml")));
static ARABIC: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/ar.toml")));
static ENGLISH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/en.toml")));

fn read(text: &str) -> Texts {
    toml::from_str(text).expect("the files of words are part of the program, and a test reads each")
}

impl Language {
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::French => &FRENCH,
            Self::Dutch => &DUTCH,
            Self::Arabic => &ARABIC,
            Self::English => &ENGLISH,
        }
    }
}

impl Texts {
    /// Where lines begin.
    pub fn direction(&self) -> &str {
        &self.direction
    }

    /// The words around a receipt.
    pub fn page(&self) -> &BTreeMap<String, String> {
        &self.page
    }

    /// Words around a receipt, with something filled in.
    pub fn page_with(&self, key: &str, values: &[(&str, &str)]) -> String {
        let text = self.page.get(key).map_or(key, String::as_str);
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// Every term with its words.
    #[cfg(test)]
    pub fn terms(&self) -> &BTreeMap<String, String> {
        &self.term
    }

    /// A term.
    pub fn term(&self, term: &'static str) -> Said {
        let label = self.term.get(term).map_or(term, String::as_str).to_owned();
        Said { term, label }
    }

    /// A country: by its name, if it is one that we meet often.
    pub fn country(&self, country: &Country) -> String {
        self.country.get(country.as_str()).map_or(country.as_str(), String::as_str).to_owned()
    }

    /// A kind of organisation.
    pub fn role(&self, role: Role) -> &str {
        let key = match role {
            Role::PublicService => "public_service",
            Role::Employer => "employer",
            Role::Platform => "platform",
        };
        self.role.get(key).map_or(key, String::as_str)
    }

    /// Something that may happen.
    pub fn event(&self, name: &EventName) -> String {
        let name = name.to_string();
        self.event.get(&name).cloned().unwrap_or(name)
    }

    /// A day, in UTC, as ISO 8601 writes it: read alike in every language.
    pub fn day(&self, moment: Timestamp) -> String {
        let date = moment.to_zoned(TimeZone::UTC).date().to_string();
        // A date among letters from the right keeps its own direction.
        if self.direction == "rtl" { format!("\u{2066}{date}\u{2069}") } else { date }
    }

    /// A length of time in words.
    pub fn period(&self, period: Period) -> String {
        let parts = period.parts().into_iter().filter(|(_, count)| *count > 0);
        let said = parts.map(|(unit, count)| {
            let form = match count {
                1 => "one",
                2 => "two",
                3..=10 => "few",
                _ => "many",
            };
            let text = self.unit.get(unit).and_then(|forms| forms.get(form)).map_or("{n}", String::as_str);
            text.replace("{n}", &count.to_string())
        });
        said.collect::<Vec<_>>().join(" + ")
    }
}
