//! Typed access to the few fields of a vacancy that the gateway itself reads.

use jiff::{Timestamp, tz::TimeZone};

use crate::{Kind, PartialDateTime, Path, Record, RecordType, Value};

/// Where a vacancy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The source does not say, or says what we do not know.
    Unknown,
    /// Not yet public.
    Draft,
    /// Public: the only status that is sent out.
    Published,
    /// No longer public, but not ended.
    Unpublished,
    /// Ended.
    Closed,
}

const STATUSES: [(Status, &str); 5] = [
    (Status::Unknown, "unknown"),
    (Status::Draft, "draft"),
    (Status::Published, "published"),
    (Status::Unpublished, "unpublished"),
    (Status::Closed, "closed"),
];

/// A vacancy record, read by name.
#[derive(Debug, Clone, Copy)]
pub struct Vacancy<'a>(&'a Record);

impl<'a> Vacancy<'a> {
    /// Looks at a record as a vacancy; nothing if it is of another kind.
    pub fn of(record: &'a Record) -> Option<Self> {
        (record.kind() == Kind::Vacancy).then_some(Self(record))
    }

    /// The source's reference.
    pub fn reference(self) -> Option<&'a str> {
        self.0.text("reference")
    }

    /// Where the vacancy stands.
    pub fn status(self) -> Status {
        let Ok(Value::Symbol(index)) = self.0.at("status") else {
            return Status::Unknown;
        };
        STATUSES.get(usize::from(*index)).map_or(Status::Unknown, |(status, _)| *status)
    }

    /// When the source last changed it, as the source says.
    pub fn modified_at(self) -> Option<PartialDateTime> {
        self.0.text("modified_at")?.parse().ok()
    }

    /// Whether its validity has ended at that instant.
    pub fn is_expired(self, now: Timestamp) -> bool {
        let valid_until: Option<PartialDateTime> = self.0.text("valid_until").and_then(|text| text.parse().ok());
        valid_until.and_then(|until| until.end(&TimeZone::UTC)).is_some_and(|end| end <= now)
    }

    /// A yes-or-no field under `eligibility`.
    pub fn eligibility(self, name: &str) -> Option<bool> {
        self.0.at(&format!("eligibility.{name}")).ok()?.as_boolean()
    }

    /// The employer's name.
    pub fn employer_name(self) -> Option<&'a str> {
        self.0.text("employer.name")
    }
}

impl Status {
    /// The symbol in the schema.
    pub fn as_str(self) -> &'static str {
        STATUSES[self as usize].1
    }

    /// The value that stands for it in a record.
    pub fn to_value(self) -> Value {
        Value::Symbol(self as u16)
    }

    /// Writes the status into a vacancy record.
    pub fn set_on(self, record: &mut Record) {
        let model = RecordType::of(Kind::Vacancy);
        let path = Path::resolve(model, "status").expect("the schema has a status");
        *path.slot(record.root_mut()) = self.to_value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    #[test]
    fn the_statuses_are_those_of_the_schema() {
        let model = RecordType::of(Kind::Vacancy);
        let Type::Symbol(symbols) = model.field("status").unwrap().1.ty else {
            panic!("status is an enum");
        };
        assert_eq!(symbols, STATUSES.map(|(_, symbol)| symbol));
        for (index, (status, symbol)) in STATUSES.iter().enumerate() {
            assert_eq!((status.as_str(), *status as usize), (*symbol, index));
        }
    }

    #[test]
    fn validity_ends_with_its_last_day() {
        let mut record = Record::new(Kind::Vacancy);
        *Path::resolve(record.model(), "valid_until").unwrap().slot(record.root_mut()) = Value::text("2026-11-22");
        let is_expired = |now: &str| Vacancy::of(&record).unwrap().is_expired(now.parse().unwrap());
        assert!(!is_expired("2026-11-22T23:59:59Z"));
        assert!(is_expired("2026-11-23T00:00:00Z"));
    }
}
