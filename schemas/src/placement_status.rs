//! Typed access to the few fields of a placement status that the gateway itself reads.

use crate::{EntityKey, Kind, Record, Value};

/// What an employer on a matching platform made of a profile, before there is a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interest {
    /// The source says what we do not know.
    Unknown,
    /// Looked at it.
    Viewed,
    /// Is interested.
    Interested,
    /// Has selected the person.
    Selected,
}

const INTERESTS: [(Interest, &str); 4] = [
    (Interest::Unknown, "unknown"),
    (Interest::Viewed, "viewed"),
    (Interest::Interested, "interested"),
    (Interest::Selected, "selected"),
];

impl Interest {
    /// Its symbol in the schema.
    pub fn as_str(self) -> &'static str {
        INTERESTS[self as usize].1
    }
}

/// A placement status record, read by name.
#[derive(Debug, Clone, Copy)]
pub struct PlacementStatus<'a>(&'a Record);

impl<'a> PlacementStatus<'a> {
    /// Looks at a record as a placement status; nothing if it is of another kind.
    pub fn of(record: &'a Record) -> Option<Self> {
        (record.kind() == Kind::PlacementStatus).then_some(Self(record))
    }

    /// Whom it is about: the pseudonym under which the profile went to the source. None if that is none of ours.
    pub fn profile(self) -> Option<EntityKey> {
        self.0.text("profile")?.parse().ok()
    }

    /// What an employer made of the profile, if it says so.
    pub fn interest(self) -> Option<Interest> {
        match self.0.at("interest") {
            Ok(Value::Symbol(index)) => {
                Some(INTERESTS.get(usize::from(*index)).map_or(Interest::Unknown, |(interest, _)| *interest))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{RecordType, Type};

    #[test]
    fn interests_are_those_of_the_schema() {
        let Type::Symbol(symbols) = RecordType::of(Kind::PlacementStatus).field("interest").unwrap().1.ty else {
            panic!("interest is an enum");
        };
        assert_eq!(symbols, INTERESTS.map(|(_, symbol)| symbol));
    }

    #[test]
    fn it_is_about_a_pseudonym_or_about_nobody() {
        let record = |json| Record::from_json(Kind::PlacementStatus, &json).unwrap();
        let profile = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11";
        let said = record(json!({"profile": profile, "interest": "selected"}));
        let status = PlacementStatus::of(&said).unwrap();
        assert_eq!(status.profile().unwrap().to_string(), profile);
        assert_eq!(status.interest(), Some(Interest::Selected));
        for nobody in [json!({}), json!({"profile": "AB123456"}), json!({"profile": ""})] {
            let said = record(nobody);
            let status = PlacementStatus::of(&said).unwrap();
            assert_eq!((status.profile(), status.interest()), (None, None));
        }
        assert!(PlacementStatus::of(&Record::new(Kind::TalentProfile)).is_none());
    }
}
