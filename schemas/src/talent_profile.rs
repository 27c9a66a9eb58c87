//! Typed access to the few fields of a talent profile that the gateway itself reads.

use crate::{Kind, Path, Record, Value};

/// Where a profile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileStatus {
    /// The source says what we do not know.
    Unknown,
    /// Not finished.
    Draft,
    /// In use: the only status that is sent out.
    Active,
    /// Put aside.
    Inactive,
    /// Ended.
    Closed,
}

const STATUSES: [ProfileStatus; 5] = [
    ProfileStatus::Unknown,
    ProfileStatus::Draft,
    ProfileStatus::Active,
    ProfileStatus::Inactive,
    ProfileStatus::Closed,
];

impl ProfileStatus {
    /// Writes the status into a talent profile record.
    pub fn set_on(self, record: &mut Record) {
        let path = Path::resolve(record.model(), "status").expect("the schema has a status");
        *path.slot(record.root_mut()) = Value::Symbol(self as u16);
    }
}

/// A talent profile record, read by name.
#[derive(Debug, Clone, Copy)]
pub struct TalentProfile<'a>(&'a Record);

impl<'a> TalentProfile<'a> {
    /// Looks at a record as a talent profile; nothing if it is of another kind.
    pub fn of(record: &'a Record) -> Option<Self> {
        (record.kind() == Kind::TalentProfile).then_some(Self(record))
    }

    /// Where the profile stands, if the source says so at all: dialects of registrations do not, and send those that
    /// are in use.
    pub fn status(self) -> Option<ProfileStatus> {
        match self.0.at("status") {
            Ok(Value::Symbol(index)) => {
                Some(STATUSES.get(usize::from(*index)).copied().unwrap_or(ProfileStatus::Unknown))
            }
            _ => None,
        }
    }

    /// What the source calls the person: its reference, else a number that a state gave, else its own number if there
    /// is only one. It names the person: it goes nowhere but into a keyed hash.
    pub fn foreign_id(self) -> Option<&'a str> {
        let said = |path| self.0.text(path).filter(|text| !text.is_empty());
        let by_state =
            || said("restricted_ids[ma-cin].value").or_else(|| said("restricted_ids[ma-residence-card].value"));
        said("reference").or_else(by_state).or_else(|| self.only_source_id())
    }

    fn only_source_id(self) -> Option<&'a str> {
        match self.0.at("source_ids").ok()?.items() {
            [only] => only.field(1).as_text().filter(|text| !text.is_empty()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(json: &serde_json::Value) -> Record {
        Record::from_json(Kind::TalentProfile, json).unwrap()
    }

    #[test]
    fn a_person_is_known_by_what_the_source_surely_means() {
        let (cin, card) =
            (json!({"scheme": "ma-cin", "value": "BX1"}), json!({"scheme": "ma-residence-card", "value": "R1"}));
        let (sigec, actiris) = (json!({"scheme": "sigec", "value": "11"}), json!({"scheme": "actiris", "value": "22"}));
        for (said, expected) in [
            (json!({}), None),
            (json!({"reference": ""}), None),
            (json!({"reference": "P-1", "restricted_ids": [cin]}), Some("P-1")),
            (json!({"restricted_ids": [card, cin], "source_ids": [sigec]}), Some("BX1")),
            (json!({"restricted_ids": [card], "source_ids": [sigec]}), Some("R1")),
            (json!({"source_ids": [sigec]}), Some("11")),
            (json!({"source_ids": [sigec, actiris]}), None),
        ] {
            assert_eq!(TalentProfile::of(&record(&said)).unwrap().foreign_id(), expected, "{said}");
        }
    }

    #[test]
    fn every_status_of_the_schema_has_a_name() {
        for (word, expected) in [
            ("unknown", ProfileStatus::Unknown),
            ("draft", ProfileStatus::Draft),
            ("active", ProfileStatus::Active),
            ("inactive", ProfileStatus::Inactive),
            ("closed", ProfileStatus::Closed),
        ] {
            let record = record(&json!({"status": word}));
            assert_eq!(TalentProfile::of(&record).unwrap().status(), Some(expected), "{word}");
        }
        assert_eq!(TalentProfile::of(&record(&json!({}))).unwrap().status(), None);
        assert!(TalentProfile::of(&Record::new(Kind::Vacancy)).is_none());
    }
}
