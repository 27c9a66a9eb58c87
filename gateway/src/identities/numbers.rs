//! What numbers that partners have verified say about who is the same person. Pure: it sees whose numbers are the same, and no
//! number.
//!
//! **Invariant:** nothing else is compared: no name, no address, no day of birth.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{PartnerId, Record};
use uuid::Uuid;

use crate::{
    code::code,
    store::{Evidence, IdentityEvent, Pair},
};

/// The fields of a profile that hold numbers of the person, each with its scheme.
const FIELDS: [&str; 2] = ["restricted_ids", "source_ids"];

/// The numbers in a profile that are of these schemes, exactly as they stand there.
pub fn numbers<'a>(record: &'a Record, schemes: &BTreeSet<String>) -> Vec<(&'a str, &'a str)> {
    let items = FIELDS.iter().filter_map(|field| Some(record.at(field).ok()?.items())).flatten();
    let pairs = items.filter_map(|item| Some((item.field(0).as_text()?, item.field(1).as_text()?)));
    pairs.filter(|(scheme, number)| schemes.contains(*scheme) && !number.trim().is_empty()).collect()
}

/// Whose number it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// Which kind of number.
    pub scheme: String,
    /// The persons, and who has verified it.
    pub persons: BTreeMap<Uuid, PartnerId>,
}

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Concluded {
    /// Who is the same person, by which kind of number.
    pub linked: BTreeMap<Pair, String>,
    /// Of whom nothing says so any more: by which kind of number it did, and why not, as a code.
    pub split: BTreeMap<Pair, (String, &'static str)>,
    /// Kinds of numbers of the person that one partner gave to two persons.
    pub shared: BTreeSet<String>,
}

/// What is known beside the numbers.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Links that hold of any of the holders.
    pub links: &'a [IdentityEvent],
    /// Everybody who is the same person as a holder.
    pub together: &'a BTreeMap<Uuid, BTreeSet<Uuid>>,
}

/// Says what follows for a person from the numbers that it has, and from those that it has no longer.
pub fn conclude(subject: Uuid, has: &[Holders], had: &[Holders], known: Known<'_>) -> Concluded {
    let mut concluded = Concluded::default();
    let linked_by = |pair: Pair| {
        let link = known.links.iter().find(|link| link.pair == pair)?;
        match &link.evidence {
            Evidence::VerifiedId { scheme } => Some(scheme.as_str()),
            Evidence::SourceMerge | Evidence::Confirmation(_) => None,
        }
    };
    let shared = const { code("identity_number_shared") }.as_str();
    let mut doubtful = BTreeMap::new();
    for holders in has.iter().chain(had) {
        let is_doubtful = is_of_two(holders, known.together);
        if is_doubtful && holders.persons.contains_key(&subject) {
            concluded.shared.insert(holders.scheme.clone());
        }
        for (pair, [one, other]) in pairs(holders) {
            if is_doubtful {
                doubtful.insert(pair, (holders.scheme.clone(), shared));
            } else if one != other {
                concluded.linked.entry(pair).or_insert_with(|| holders.scheme.clone());
            }
        }
    }
    concluded.split.extend(doubtful.into_iter().filter(|(pair, (scheme, _))| linked_by(*pair) == Some(scheme)));
    for link in known.links.iter().filter(|link| link.pair.both().contains(&subject)) {
        if let Some(scheme) = linked_by(link.pair) {
            let changed = const { code("identity_number_changed") }.as_str();
            concluded.split.entry(link.pair).or_insert_with(|| (scheme.to_owned(), changed));
        }
    }
    concluded.split.retain(|pair, _| !concluded.linked.contains_key(pair));
    concluded
}

/// Whether one partner gave a number to two persons of whom nobody has said that they are one.
fn is_of_two(holders: &Holders, together: &BTreeMap<Uuid, BTreeSet<Uuid>>) -> bool {
    let is_one = |pair: Pair| {
        let [one, other] = pair.both();
        together.get(&one).is_some_and(|together| together.contains(&other))
    };
    pairs(holders).any(|(pair, [one, other])| one == other && !is_one(pair))
}

/// Every two of them, with their partners.
fn pairs(holders: &Holders) -> impl Iterator<Item = (Pair, [&PartnerId; 2])> {
    let persons = &holders.persons;
    let after = |one| persons.range(one..).skip(1);
    persons.iter().flat_map(move |(one, partner)| {
        after(one).filter_map(move |(other, others)| Pair::with((*one, partner), (*other, others)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Said;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn pair(one: u128, other: u128) -> Pair {
        Pair::of(id(one), id(other)).unwrap()
    }

    fn holders(scheme: &str, persons: &[(u128, &str)]) -> Holders {
        let persons = persons.iter().map(|(number, partner)| (id(*number), partner.parse().unwrap()));
        Holders { scheme: scheme.to_owned(), persons: persons.collect() }
    }

    fn link(one: u128, other: u128, evidence: Evidence) -> IdentityEvent {
        let sources = ["anapec".parse().unwrap(), "forem".parse().unwrap()];
        IdentityEvent {
            event_id: id(one + other),
            pair: pair(one, other),
            sources,
            said: Said::Linked,
            evidence,
            said_by: None,
            code: None,
            effective_at: 1,
            recorded_at: 1,
        }
    }

    fn by(scheme: &str) -> Evidence {
        Evidence::VerifiedId { scheme: scheme.to_owned() }
    }

    fn concluded(has: &[Holders], had: &[Holders], links: &[IdentityEvent]) -> Concluded {
        let mut together: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
        for link in links {
            let [one, other] = link.pair.both();
            together.entry(one).or_default().extend([one, other]);
            together.entry(other).or_default().extend([one, other]);
        }
        conclude(id(1), has, had, Known { links, together: &together })
    }

    #[test]
    fn two_partners_with_the_same_number_mean_the_same_person() {
        let both = [holders("ma-cin", &[(1, "anapec"), (2, "forem")])];
        let found = concluded(&both, &[], &[]);
        assert_eq!(found.linked, BTreeMap::from([(pair(1, 2), "ma-cin".to_owned())]));
        assert_eq!((found.split, found.shared), Default::default());
        assert_eq!(concluded(&[holders("ma-cin", &[(1, "anapec")])], &[], &[]), Concluded::default());
    }

    #[test]
    fn a_number_that_one_partner_gave_to_two_persons_says_nothing() {
        let three = [holders("ma-cin", &[(1, "anapec"), (2, "forem"), (3, "anapec")])];
        let found = concluded(&three, &[], &[link(2, 3, by("ma-cin"))]);
        assert_eq!(found.linked, BTreeMap::new());
        assert_eq!(found.split[&pair(2, 3)], ("ma-cin".to_owned(), "identity_number_shared"));
        assert_eq!(found.shared, BTreeSet::from(["ma-cin".to_owned()]));
        let by_another = concluded(&three, &[], &[link(2, 3, by("sigec"))]);
        assert_eq!(by_another.split, BTreeMap::new(), "another number links them");
        let merged = concluded(&three, &[], &[link(1, 3, Evidence::SourceMerge)]);
        assert_eq!(merged.linked.len(), 2, "the source itself says that they are one: {merged:?}");
        assert_eq!(merged.shared, BTreeSet::new());
    }

    #[test]
    fn a_number_that_is_no_longer_there_links_nobody_any_more() {
        let had = [holders("ma-cin", &[(2, "forem")])];
        let found = concluded(&[], &had, &[link(1, 2, by("ma-cin"))]);
        assert_eq!(found.split[&pair(1, 2)], ("ma-cin".to_owned(), "identity_number_changed"));
        let said = concluded(&[], &had, &[link(1, 2, Evidence::SourceMerge)]);
        assert_eq!(said, Concluded::default(), "a number takes nobody's word back");
        let another = [holders("sigec", &[(1, "anapec"), (2, "forem")])];
        assert_eq!(concluded(&another, &had, &[link(1, 2, by("ma-cin"))]).split, BTreeMap::new());
    }

    #[test]
    fn whoever_had_it_last_no_longer_stands_between_the_others() {
        let others = [holders("ma-cin", &[(2, "forem"), (3, "anapec")])];
        assert_eq!(concluded(&[], &others, &[]).linked, BTreeMap::from([(pair(2, 3), "ma-cin".to_owned())]));
    }

    #[test]
    fn numbers_are_taken_as_they_stand_and_only_those_of_known_kinds() {
        let said = serde_json::json!({
            "restricted_ids": [{"scheme": "ma-cin", "value": "Ab 1"}, {"scheme": "ma-cnss", "value": "2"}],
            "source_ids": [{"scheme": "sigec", "value": " "}, {"scheme": "actiris", "value": "007"}],
        });
        let record = Record::from_json(schemas::Kind::TalentProfile, &said).unwrap();
        let schemes = ["ma-cin", "sigec", "actiris"].map(str::to_owned).into();
        assert_eq!(numbers(&record, &schemes), [("ma-cin", "Ab 1"), ("actiris", "007")]);
        assert_eq!(numbers(&record, &BTreeSet::new()), []);
    }
}
