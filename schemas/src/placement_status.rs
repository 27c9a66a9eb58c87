//! Typed access to the few fields of a placement status that the gateway itself reads.

use crate::{EntityKey, Field, Kind, Path, Record, RecordType, Type, Value};

/// A placement status record, read by name.
#[derive(Debug, Clone, Copy)]
pub struct PlacementStatus<'a>(&'a Record);

/// Writes into a placement status record whom it is about: by the pseudonym, and in no other way.
pub fn set_person(record: &mut Record, person: EntityKey) {
    let mut set = |field: &str, value| {
        *Path::resolve(record.model(), field).expect("the schema has it").slot(record.root_mut()) = value;
    };
    set("profile", Value::text(person.to_string()));
    set("candidate", Value::Absent);
}

/// Writes into a placement status record what the event is called.
pub fn set_reference(record: &mut Record, reference: &str) {
    let path = Path::resolve(record.model(), "reference").expect("the schema has it");
    *path.slot(record.root_mut()) = Value::text(reference);
}

impl<'a> PlacementStatus<'a> {
    /// Looks at a record as a placement status; nothing if it is of another kind.
    pub fn of(record: &'a Record) -> Option<Self> {
        (record.kind() == Kind::PlacementStatus).then_some(Self(record))
    }

    /// Whom it is about: the pseudonym under which the profile went to the source. None if that is none of ours.
    pub fn profile(self) -> Option<EntityKey> {
        self.0.text("profile")?.parse().ok()
    }

    /// Whether it says whom it is about, in whatever way.
    pub fn is_about_somebody(self) -> bool {
        self.said("profile").is_some() || self.candidate().is_some()
    }

    /// What its source calls the person. It names the person: it goes nowhere but into a keyed hash.
    pub fn candidate(self) -> Option<&'a str> {
        self.said("candidate")
    }

    /// What happened, by its symbol in the schema.
    pub fn happened(self) -> Option<&'static str> {
        self.symbol("happened")
    }

    /// Whether the placement goes back there.
    pub fn is_back(self) -> bool {
        matches!(self.0.at("is_back"), Ok(Value::Boolean(true)))
    }

    /// Where the person is to work, by its symbol in the schema.
    pub fn track(self) -> Option<&'static str> {
        self.symbol("track")
    }

    /// The number of the event at its source.
    pub fn sequence(self) -> Option<i64> {
        match self.0.at("sequence") {
            Ok(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// Until when nobody is told.
    pub fn notify_not_before(self) -> Option<&'a str> {
        self.0.text("notify_not_before")
    }

    fn said(self, field: &str) -> Option<&'a str> {
        self.0.text(field).filter(|text| !text.is_empty())
    }

    /// What it says of the single permit.
    pub fn permit(self) -> Permit<'a> {
        let region = || match self.0.at("permit.region") {
            Ok(Value::Symbol(index)) => permit_regions().get(usize::from(*index).checked_sub(1)?).copied(),
            _ => None,
        };
        let is_complex = match self.0.at("permit.is_complex") {
            Ok(Value::Boolean(is_complex)) => Some(*is_complex),
            _ => None,
        };
        let annex = self.0.text("permit.annex").filter(|annex| !annex.is_empty());
        Permit { region: region(), annex, is_complex }
    }

    fn symbol(self, field: &str) -> Option<&'static str> {
        let Type::Symbol(symbols) = self.0.model().field(field)?.1.ty else { return None };
        match self.0.at(field) {
            Ok(Value::Symbol(index)) => symbols.get(usize::from(*index)).copied(),
            _ => None,
        }
    }
}

/// What is said of a single permit, as far as it is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permit<'a> {
    /// Which authority decides about the work, by its symbol in the schema; never `unknown`.
    pub region: Option<&'static str>,
    /// The annex that says it: 46, 47 or 49.
    pub annex: Option<&'a str>,
    /// Whether the case is complex.
    pub is_complex: Option<bool>,
}

/// The authorities that decide about the work, by their symbols in the schema, without `unknown`.
pub fn permit_regions() -> &'static [&'static str] {
    let permit = RecordType::of(Kind::PlacementStatus).field("permit").and_then(|(_, field)| field.ty.record_inside());
    match permit.and_then(|permit| permit.field("region")) {
        Some((_, Field { ty: Type::Symbol(symbols), .. })) => symbols.get(1..).unwrap_or_default(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_about_a_pseudonym_or_about_nobody() {
        let record = |json| Record::from_json(Kind::PlacementStatus, &json).unwrap();
        let profile = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11";
        let said = record(json!({"profile": profile, "happened": "selected", "track": "away", "sequence": 7}));
        let status = PlacementStatus::of(&said).unwrap();
        assert_eq!(status.profile().unwrap().to_string(), profile);
        let read = (status.happened(), status.track(), status.sequence(), status.is_back());
        assert_eq!(read, (Some("selected"), Some("away"), Some(7), false));
        assert!(PlacementStatus::of(&record(json!({"is_back": true}))).unwrap().is_back());
        for nobody in [json!({}), json!({"profile": "AB123456"}), json!({"profile": ""})] {
            let said = record(nobody);
            let status = PlacementStatus::of(&said).unwrap();
            assert_eq!((status.profile(), status.happened()), (None, None));
            assert_eq!(status.is_about_somebody(), said.text("profile") == Some("AB123456"));
        }
        assert!(PlacementStatus::of(&Record::new(Kind::TalentProfile)).is_none());
    }

    #[test]
    fn what_a_source_calls_somebody_gives_way_to_the_pseudonym() {
        let mut said = Record::from_json(Kind::PlacementStatus, &json!({"candidate": "P-1", "sequence": 7})).unwrap();
        let status = PlacementStatus::of(&said).unwrap();
        assert_eq!((status.candidate(), status.is_about_somebody()), (Some("P-1"), true));
        let person: EntityKey = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11".parse().unwrap();
        set_person(&mut said, person);
        let status = PlacementStatus::of(&said).unwrap();
        assert_eq!((status.candidate(), status.profile(), status.sequence()), (None, Some(person), Some(7)));
    }

    #[test]
    fn what_is_said_of_a_permit_is_read_and_an_unknown_region_is_none() {
        assert_eq!(permit_regions(), ["flanders", "brussels", "wallonia", "german_speaking_community"]);
        for (said, expected) in [
            (json!({}), (None, None, None)),
            (json!({"region": "unknown", "annex": "", "is_complex": false}), (None, None, Some(false))),
            (
                json!({"region": "brussels", "annex": "46", "is_complex": true}),
                (Some("brussels"), Some("46"), Some(true)),
            ),
        ] {
            let record = Record::from_json(Kind::PlacementStatus, &json!({"permit": said})).unwrap();
            let Permit { region, annex, is_complex } = PlacementStatus::of(&record).unwrap().permit();
            assert_eq!((region, annex, is_complex), expected, "{said}");
        }
    }
}
