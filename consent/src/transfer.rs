//! On what basis personal data may leave a country: configured, dated instruments. Without one it stays.
//!
//! Sources: GDPR chapter V; Moroccan law 09-08, articles 43 and 44.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    grant::Onward,
    terms::{Country, Role, UnknownTerm, terms},
};

/// The countries under the GDPR: European Union and EEA. Between them no instrument is wanted.
const GDPR_COUNTRIES: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

terms! {
    /// What lets personal data leave a country.
    "transfer instrument": TransferInstrument {
        /// The Commission found the country adequate.
        Adequacy = "eu-gdpr:A45-3",
        /// A binding instrument between public authorities.
        BindingInstrument = "eu-gdpr:A46-2-a",
        /// Binding corporate rules.
        CorporateRules = "eu-gdpr:A46-2-b",
        /// Standard clauses of the Commission.
        StandardClauses = "eu-gdpr:A46-2-c",
        /// Clauses that an authority authorised.
        AuthorisedClauses = "eu-gdpr:A46-3-a",
        /// An administrative arrangement that an authority authorised.
        Arrangement = "eu-gdpr:A46-3-b",
        /// Explicit consent.
        ExplicitConsent = "eu-gdpr:A49-1-a",
        /// A contract with the person.
        Contract = "eu-gdpr:A49-1-b",
        /// A contract in the interest of the person.
        ContractInInterest = "eu-gdpr:A49-1-c",
        /// The country protects sufficiently, says the CNDP.
        MoroccanSufficiency = "ma:09-08:art43",
        /// Express consent.
        MoroccanConsent = "ma:09-08:art44-consent",
        /// An international agreement.
        MoroccanAgreement = "ma:09-08:art44-agreement",
        /// The CNDP authorised it (form F118).
        MoroccanAuthorisation = "ma:09-08:art44-authorisation",
    }
}

impl TransferInstrument {
    /// Whether it is the person's own consent, which must then name it.
    pub fn is_consent(self) -> bool {
        matches!(self, Self::ExplicitConsent | Self::MoroccanConsent)
    }

    fn is_moroccan(self) -> bool {
        self.as_str().starts_with("ma:")
    }

    /// Whether somebody must have authorised it.
    fn wants_authorisation(self) -> bool {
        matches!(self, Self::AuthorisedClauses | Self::Arrangement | Self::MoroccanAuthorisation)
    }
}

/// One end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// What it is in law.
    pub kind: Role,
    /// Where it is.
    pub country: Country,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.kind, self.country)
    }
}

/// Two countries, written `MA->BE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pair(pub Country, pub Country);

/// An instrument as it is configured: `[[transfers]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferSettings {
    /// Who sends.
    pub from: Endpoint,
    /// Who receives.
    pub to: Endpoint,
    /// What lets it.
    pub instrument: TransferInstrument,
    /// By what it is known: a number, a title, a date of signature.
    pub reference: String,
    /// The first day.
    #[serde(deserialize_with = "day")]
    pub since: Date,
    /// The first day on which it holds no more.
    #[serde(default, deserialize_with = "some_day")]
    pub until: Option<Date>,
    /// What authorised it, where that is wanted.
    pub authorisation: Option<String>,
    /// The assessment of what the law there does to it, where that is wanted.
    pub assessment: Option<String>,
    /// Whether the recipient may pass on.
    #[serde(default = "Onward::default_of_transfers")]
    pub onward: Onward,
}

impl Onward {
    fn default_of_transfers() -> Self {
        Self::Deny
    }
}

/// Every instrument that is configured. Those that the law does not give are not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfers(Vec<TransferSettings>);

/// An instrument that cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("from {from} to {to} by `{instrument}`: {problem}")]
pub struct Unusable {
    from: Endpoint,
    to: Endpoint,
    instrument: TransferInstrument,
    problem: &'static str,
}

/// Whether data may leave, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer<'a> {
    /// It does not leave: no instrument is wanted.
    Inside,
    /// It may leave by this.
    By(&'a TransferSettings),
    /// It may not.
    Denied,
}

impl Transfers {
    /// Takes instruments that can be relied on.
    ///
    /// # Errors
    /// Names the first that cannot.
    pub fn new(transfers: Vec<TransferSettings>) -> Result<Self, Unusable> {
        for transfer in &transfers {
            if let Some(problem) = transfer.problem() {
                let TransferSettings { from, to, instrument, .. } = transfer.clone();
                return Err(Unusable { from, to, instrument, problem });
            }
        }
        Ok(Self(transfers))
    }

    /// Every moment at which an instrument begins or ends.
    pub fn moments(&self) -> BTreeSet<Timestamp> {
        let days = self.0.iter().flat_map(|one| [Some(one.since), one.until]).flatten();
        days.filter_map(|day| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())).collect()
    }

    /// What lets data go from one to another at a moment; of several the first.
    pub fn resolve(&self, from: &Endpoint, to: &Endpoint, now: Timestamp) -> Transfer<'_> {
        let is_under_gdpr = |country: &Country| GDPR_COUNTRIES.contains(&country.as_str());
        if from.country == to.country || (is_under_gdpr(&from.country) && is_under_gdpr(&to.country)) {
            return Transfer::Inside;
        }
        let today = now.to_zoned(TimeZone::UTC).date();
        let is_in_force = |one: &&TransferSettings| one.since <= today && one.until.is_none_or(|until| today < until);
        let fits = |one: &&TransferSettings| one.from == *from && one.to == *to;
        self.0.iter().filter(fits).find(is_in_force).map_or(Transfer::Denied, Transfer::By)
    }
}

impl TransferSettings {
    /// Why it cannot be relied on.
    fn problem(&self) -> Option<&'static str> {
        use TransferInstrument::{BindingInstrument, Contract, ContractInInterest, ExplicitConsent, StandardClauses};
        let Self { from, to, instrument, .. } = self;
        let is_under_gdpr = GDPR_COUNTRIES.contains(&from.country.as_str());
        let are_public = from.kind == Role::PublicService && to.kind == Role::PublicService;
        let is_blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        if instrument.is_moroccan() && from.country.as_str() != "MA" {
            return Some("law 09-08 governs what leaves Morocco only");
        }
        if !instrument.is_moroccan() && !is_under_gdpr {
            return Some("the GDPR governs what leaves a country of the EEA only");
        }
        if matches!(instrument, ExplicitConsent | Contract | ContractInInterest) && from.kind == Role::PublicService {
            return Some("article 49(3): it is not available to public authorities");
        }
        if matches!(instrument, BindingInstrument | TransferInstrument::Arrangement) && !are_public {
            return Some("it binds public bodies only");
        }
        if instrument.wants_authorisation() && is_blank(&self.authorisation) {
            return Some("it wants `authorisation`: which authority authorised it, and under which number");
        }
        if *instrument == StandardClauses && is_blank(&self.assessment) {
            return Some("it wants `assessment`: where the transfer impact assessment is");
        }
        if self.reference.trim().is_empty() {
            return Some("`reference` says nothing: by what is the instrument known?");
        }
        if self.until.is_some_and(|until| until <= self.since) {
            return Some("`until` is not after `since`: it would never hold");
        }
        None
    }
}

/// Reads a day: TOML has a type for it, but our settings come by way of texts.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no day: use \"YYYY-MM-DD\"")))
}

fn some_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    day(deserializer).map(Some)
}

impl FromStr for Pair {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let countries = text.split_once("->").and_then(|(from, to)| Some(Self(from.parse().ok()?, to.parse().ok()?)));
        countries.ok_or_else(|| UnknownTerm {
            list: "pair of countries",
            text: text.to_owned(),
            known: vec!["MA->BE and the like"],
        })
    }
}

impl TryFrom<String> for Pair {
    type Error = UnknownTerm;

    fn try_from(text: String) -> Result<Self, UnknownTerm> {
        text.parse()
    }
}

impl From<Pair> for String {
    fn from(pair: Pair) -> Self {
        format!("{}->{}", pair.0, pair.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> TransferSettings {
        toml::from_str(text).unwrap()
    }

    fn entry(from: &str, to: &str, rest: &str) -> TransferSettings {
        let end = |text: &str| {
            let (kind, country) = text.split_once(' ').unwrap();
            format!("{{ kind = \"{kind}\", country = \"{country}\" }}")
        };
        settings(&format!(
            "from = {}\nto = {}\nreference = \"R-1\"\nsince = \"2026-03-01\"\n{rest}",
            end(from),
            end(to)
        ))
    }

    fn endpoint(kind: Role, country: &str) -> Endpoint {
        Endpoint { kind, country: country.parse().unwrap() }
    }

    #[test]
    fn nothing_leaves_without_an_instrument_that_is_in_force() {
        let (vdab, anapec) = (endpoint(Role::PublicService, "BE"), endpoint(Role::PublicService, "MA"));
        let none = Transfers::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = at("2026-06-01T00:00:00Z");
        assert_eq!(none.resolve(&vdab, &anapec, day), Transfer::Denied);
        assert_eq!(none.resolve(&anapec, &vdab, day), Transfer::Denied);
        assert_eq!(none.resolve(&vdab, &endpoint(Role::Employer, "BE"), day), Transfer::Inside);
        assert_eq!(none.resolve(&vdab, &endpoint(Role::Employer, "NO"), day), Transfer::Inside);
        assert_eq!(none.resolve(&vdab, &endpoint(Role::Employer, "CH"), day), Transfer::Denied);
        assert_eq!(none.resolve(&endpoint(Role::Employer, "CH"), &vdab, day), Transfer::Denied);
        let instrument =
            entry("public_service BE", "public_service MA", "instrument = \"eu-gdpr:A46-2-a\"\nuntil = \"2027-03-01\"");
        let one = Transfers::new(vec![instrument.clone()]).unwrap();
        for (moment, expected) in [
            ("2026-02-28T23:59:59Z", Transfer::Denied),
            ("2026-03-01T00:00:00Z", Transfer::By(&instrument)),
            ("2027-02-28T23:59:59Z", Transfer::By(&instrument)),
            ("2027-03-01T00:00:00Z", Transfer::Denied),
        ] {
            assert_eq!(one.resolve(&vdab, &anapec, at(moment)), expected, "{moment}");
        }
        assert_eq!(one.resolve(&anapec, &vdab, day), Transfer::Denied, "the way back wants its own");
        assert_eq!(one.resolve(&vdab, &endpoint(Role::Employer, "MA"), day), Transfer::Denied, "others want theirs");
        assert_eq!(one.resolve(&endpoint(Role::Employer, "BE"), &anapec, day), Transfer::Denied);
        let open =
            Transfers::new(vec![entry("public_service BE", "public_service MA", "instrument = \"eu-gdpr:A46-2-a\"")])
                .unwrap();
        assert!(matches!(open.resolve(&vdab, &anapec, at("2099-01-01T00:00:00Z")), Transfer::By(_)));
    }

    #[test]
    fn instruments_that_the_law_does_not_give_are_refused() {
        let table = [
            ("public_service BE", "public_service MA", "instrument = \"eu-gdpr:A49-1-a\"", "49(3)"),
            ("public_service BE", "employer MA", "instrument = \"eu-gdpr:A49-1-b\"", "49(3)"),
            ("public_service BE", "employer MA", "instrument = \"eu-gdpr:A49-1-c\"", "49(3)"),
            ("employer BE", "public_service MA", "instrument = \"eu-gdpr:A46-2-a\"", "public bodies"),
            (
                "public_service BE",
                "employer MA",
                "instrument = \"eu-gdpr:A46-3-b\"\nauthorisation = \"x\"",
                "public bodies",
            ),
            ("public_service BE", "public_service MA", "instrument = \"eu-gdpr:A46-3-b\"", "authorisation"),
            ("employer BE", "employer MA", "instrument = \"eu-gdpr:A46-3-a\"", "authorisation"),
            ("public_service MA", "employer BE", "instrument = \"ma:09-08:art44-authorisation\"", "authorisation"),
            (
                "public_service MA",
                "employer BE",
                "instrument = \"ma:09-08:art44-authorisation\"\nauthorisation = \" \"",
                "authorisation",
            ),
            ("employer BE", "employer MA", "instrument = \"eu-gdpr:A46-2-c\"", "assessment"),
            ("employer BE", "employer MA", "instrument = \"ma:09-08:art44-consent\"", "Morocco only"),
            ("employer MA", "employer BE", "instrument = \"eu-gdpr:A46-2-b\"", "EEA only"),
            ("employer BE", "employer MA", "instrument = \"eu-gdpr:A45-3\"\nuntil = \"2026-03-01\"", "never hold"),
        ];
        for (from, to, rest, expected) in table {
            let error = Transfers::new(vec![entry(from, to, rest)]).unwrap_err().to_string();
            assert!(error.contains(expected), "{rest}: {error}");
        }
        for (from, to, rest) in [
            ("employer BE", "employer MA", "instrument = \"eu-gdpr:A49-1-a\""),
            ("employer BE", "employer MA", "instrument = \"eu-gdpr:A46-2-c\"\nassessment = \"TIA-7\""),
            ("public_service BE", "public_service MA", "instrument = \"eu-gdpr:A46-3-b\"\nauthorisation = \"GBA 1\""),
            ("public_service MA", "employer BE", "instrument = \"ma:09-08:art44-consent\""),
            (
                "public_service MA",
                "employer BE",
                "instrument = \"ma:09-08:art44-authorisation\"\nauthorisation = \"F118\"",
            ),
        ] {
            assert!(Transfers::new(vec![entry(from, to, rest)]).is_ok(), "{rest}");
        }
        let mut nameless = entry("employer BE", "employer MA", "instrument = \"eu-gdpr:A45-3\"");
        " ".clone_into(&mut nameless.reference);
        let said = Transfers::new(vec![nameless]).unwrap_err().to_string();
        assert!(said.starts_with("from employer in BE to employer in MA by `eu-gdpr:A45-3`: `reference`"), "{said}");
    }
}
