//! Tests of masks: what is withheld says nothing of the data.

use proptest::{collection::vec, prelude::*, sample::subsequence};
use serde_json::json;

use super::*;
use crate::Kind;

fn model() -> &'static RecordType {
    RecordType::of(Kind::TalentProfile)
}

/// Any value of a type; keys and formats do not matter here.
fn value(ty: Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Text(_) => "[a-z]{0,3}".prop_map(Value::text).boxed(),
        Type::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Symbol(symbols) => (0..u16::try_from(symbols.len()).unwrap()).prop_map(Value::Symbol).boxed(),
        Type::Record(record) => fields(record),
        Type::List { item, .. } => vec(value(*item), 0..3).prop_map(Value::List).boxed(),
    }
}

fn fields(record: &'static RecordType) -> BoxedStrategy<Value> {
    let fields: Vec<_> = record.fields.iter().map(|field| prop::option::weighted(0.3, value(field.ty))).collect();
    fields.prop_map(|fields| Value::Record(fields.into_iter().map(Option::unwrap_or_default).collect())).boxed()
}

fn records() -> impl Strategy<Value = Record> {
    let paths = prop::sample::select(vec!["person.birth_date", "seeking.since", "no.such.path", "person", "sex"]);
    (fields(model()), vec(paths, 0..3)).prop_map(|(mut root, paths)| {
        let (cleared, _) = model().field(CLEARED).unwrap();
        *root.field_mut(model(), cleared) = Value::List(paths.into_iter().map(Value::text).collect());
        let mut record = Record::new(Kind::TalentProfile);
        *record.root_mut() = root;
        record
    })
}

fn masks() -> impl Strategy<Value = Mask> {
    (subsequence(Category::ALL.to_vec(), 0..=Category::ALL.len()), any::<bool>()).prop_map(|(permitted, has_reason)| {
        let mask = Mask::permitting(permitted);
        if has_reason { mask.because(Category::Picture, "before_interview") } else { mask }
    })
}

/// What `one` says of the permitted categories and `other` of the rest, leaf by leaf.
fn mixed(mask: &Mask, one: &Value, other: &Value, record: &'static RecordType, around: Option<Category>) -> Value {
    let slots = record.fields.iter().enumerate().map(|(index, field)| {
        let own = field.category.or(around);
        match (field.ty, own) {
            (Type::Record(inner), None) => mixed(mask, one.field(index), other.field(index), inner, own),
            (Type::Record(inner), Some(category)) if inner.fields.iter().any(|inner| inner.category.is_some()) => {
                mixed(mask, one.field(index), other.field(index), inner, Some(category))
            }
            (_, Some(category)) if mask.permits(category) => one.field(index).clone(),
            _ => other.field(index).clone(),
        }
    });
    Value::Record(slots.collect())
}

fn is_denied(mask: &Mask, pointer: &str) -> bool {
    let category = Path::resolve(model(), pointer).unwrap().category();
    category.is_none_or(|category| !mask.permits(category))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_withheld_says_nothing_of_the_data(mask in masks(), one in records(), other in records()) {
        let mut twin = one.clone();
        *twin.root_mut() = mixed(&mask, one.root(), other.root(), model(), None);
        prop_assert_eq!(mask.apply(&one), mask.apply(&twin));
        let listed = |record: &Record| serde_json::to_value(mask.apply(record)).unwrap()["withheld"].clone();
        let ours = |record: &Record| {
            let count = mask.withheld(model()).len();
            listed(record).as_array().map(|entries| entries.iter().take(count).cloned().collect::<Vec<_>>())
        };
        prop_assert_eq!(ours(&one), ours(&other), "the entries of two people who have nothing in common");
    }

    #[test]
    fn nothing_but_what_is_permitted_is_left_and_all_of_that(mask in masks(), record in records()) {
        let shown = mask.apply(&record);
        let mut left = Vec::new();
        shown.visit_leaves(&mut |pointer, value| left.push((pointer.to_owned(), value.clone())));
        for (pointer, _) in &left {
            prop_assert!(!is_denied(&mask, pointer), "{} is left", pointer);
        }
        let mut lost = Vec::new();
        record.visit_leaves(&mut |pointer, value| {
            let is_bookkeeping = pointer.starts_with(CLEARED) || pointer.starts_with(WITHHELD);
            if !is_bookkeeping && !is_denied(&mask, pointer) && !left.contains(&(pointer.to_owned(), value.clone())) {
                lost.push(pointer.to_owned());
            }
        });
        prop_assert!(lost.is_empty(), "{:?} may be shown and is gone", lost);
        prop_assert_eq!(mask.apply(&shown), shown, "a second time changes nothing");
    }

    #[test]
    fn every_denied_leaf_is_covered_by_one_entry(mask in masks()) {
        let withheld = mask.withheld(model());
        for (index, one) in withheld.iter().enumerate() {
            let path = Path::resolve(model(), &one.path).unwrap();
            prop_assert_eq!(mask.reason(&path), Some(&*one.reason));
            let inside = format!("{}.", one.path);
            let is_twice = withheld.iter().skip(index + 1).any(|other| other.path.starts_with(&inside) || other == one);
            prop_assert!(!is_twice, "{} is listed twice", one.path);
        }
    }
}

#[test]
fn the_reason_follows_the_mask() {
    let mask = Mask::permitting([Category::Identity, Category::Profile])
        .because(Category::Picture, "before_interview")
        .because(Category::Identity, "never said: it is permitted");
    let json = json!({
        "person": {"names": [{"script": "Latn", "family": "Exemple"}], "birth_date": "1996",
                   "residence": {"country": "MA", "address_line": "4 rue inventée"}},
        "contacts": [{"type": "email", "value": "a@example.org"}],
        "desired": {"titles": []},
        "cleared": ["seeking.since", "person.sex", "nothing.like.it"],
        "withheld": [{"path": "desired.mobility", "reason": "theirs"}, {"path": "links", "reason": "theirs"}]
    });
    let shown = mask.apply(&Record::from_json(Kind::TalentProfile, &json).unwrap());
    let mut shown = serde_json::to_value(&shown).unwrap();
    let withheld = shown.as_object_mut().unwrap().remove("withheld").unwrap();
    assert_eq!(
        shown,
        json!({
            "person": {"names": [{"script": "Latn", "family": "Exemple"}], "residence": {"country": "MA"}},
            "desired": {"titles": []},
            "cleared": ["seeking.since"]
        })
    );
    let entries: Vec<(&str, &str)> = withheld
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["path"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    assert!(entries.contains(&("media.picture", "before_interview")), "{entries:?}");
    assert!(entries.contains(&("person.residence.address_line", "no_consent")), "{entries:?}");
    assert!(entries.contains(&("links", "no_consent")), "{entries:?}");
    assert_eq!(entries.last(), Some(&("desired.mobility", "theirs")));
    assert_eq!(entries.iter().filter(|(path, _)| *path == "links").count(), 1);
}

#[test]
fn an_empty_mask_leaves_the_record_itself() {
    let json = json!({"reference": "P1", "skills_text": "invented"});
    let shown = Mask::default().apply(&Record::from_json(Kind::TalentProfile, &json).unwrap());
    assert_eq!((shown.text("reference"), shown.text("skills_text")), (Some("P1"), None));
}
