//! A page as it is described to partners, member by member.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Profile, Removed};
use crate::{Notice, rest::stub::Finding};

const PAGE: &[&str] = &["items", "closed", "cursor", "next"];
const ITEM: &[&str] =
    &["reference", "operation", "created", "modified", "media_type", "withheld", "obligations", "document"];
const CLOSED: &[&str] = &["reference", "operation", "modified", "closed", "reason"];

/// What a page says.
#[derive(Debug, Default)]
pub struct Page {
    pub items: Vec<(String, Profile)>,
    pub closed: Vec<(String, Removed)>,
    pub cursor: Option<String>,
    pub next: Option<String>,
}

impl Page {
    /// Reads a page of at most so many items, with what is wrong about it.
    pub fn read(value: &Value, limit: usize) -> (Self, Vec<Finding>) {
        let (mut page, mut findings) = (Self::default(), Findings::default());
        let Some(members) = findings.members(value, "", PAGE) else { return (page, findings.0) };
        page.cursor = text(members, "cursor");
        page.next = text(members, "next");
        let list = |name: &str| members.get(name).and_then(Value::as_array);
        let (Some(items), Some(closed)) = (list("items"), list("closed")) else {
            findings.add("", "shape", "a page has the lists `items` and `closed`");
            return (page, findings.0);
        };
        if items.len() + closed.len() > limit {
            findings.add("", "too_many", "the page is longer than was asked for");
        }
        for (index, item) in items.iter().enumerate() {
            page.items.extend(findings.item(item, &format!("/items/{index}")));
        }
        for (index, item) in closed.iter().enumerate() {
            page.closed.extend(findings.closed(item, &format!("/closed/{index}")));
        }
        if !page.items.is_sorted_by(|one, next| one.1.modified <= next.1.modified)
            || !page.closed.is_sorted_by(|one, next| one.1.closed <= next.1.closed)
        {
            findings.add("", "order", "what changed first does not come first");
        }
        let mut seen = BTreeSet::new();
        let references = page.items.iter().map(|(one, _)| one).chain(page.closed.iter().map(|(one, _)| one));
        if !references.into_iter().all(|reference| seen.insert(reference)) {
            findings.add("", "twice", "the page names a profile twice");
        }
        (page, findings.0)
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, pointer: &str, code: &'static str, detail: &str) {
        self.0.push(Finding { pointer: pointer.to_owned(), code, detail: detail.to_owned() });
    }

    /// The members of an object, of which nobody knows others.
    fn members<'v>(&mut self, value: &'v Value, at: &str, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(members) = value.as_object() else {
            self.add(at, "shape", "it is no object");
            return None;
        };
        if members.keys().any(|name| !known.contains(&name.as_str())) {
            self.add(at, "unknown_member", "nobody knows the member");
        }
        Some(members)
    }

    fn item(&mut self, value: &Value, at: &str) -> Option<(String, Profile)> {
        let members = self.members(value, at, ITEM)?;
        let told = |name: &str| text(members, name);
        if told("operation").as_deref() != Some("upsert") {
            self.add(at, "operation", "an item is an `upsert`");
        }
        if told("media_type").as_deref() != Some("application/json") {
            self.add(at, "media_type", "a profile is `application/json`");
        }
        let notice = told("withheld").zip(told("obligations"));
        let (Some(reference), Some((withheld, obligations)), Some(created), Some(modified), Some(document)) =
            (told("reference"), notice, told("created"), told("modified"), members.get("document"))
        else {
            self.add(at, "shape", "an item has its reference, its times, what is withheld and owed, and a document");
            return None;
        };
        let notice = Notice { withheld, obligations };
        Some((reference, Profile { document: document.clone(), notice, created, modified }))
    }

    fn closed(&mut self, value: &Value, at: &str) -> Option<(String, Removed)> {
        let members = self.members(value, at, CLOSED)?;
        let told = |name: &str| text(members, name);
        if told("operation").as_deref() != Some("close") {
            self.add(at, "operation", "what has gone is a `close`");
        }
        let (Some(reference), Some(closed)) = (told("reference"), told("closed")) else {
            self.add(at, "shape", "what has gone has its reference and its time");
            return None;
        };
        if told("modified").as_deref() != Some(closed.as_str()) {
            self.add(at, "times", "what has gone changed when it went");
        }
        Some((reference, Removed { reason: told("reason"), closed }))
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> Value {
        json!({
            "items": [{
                "reference": "r", "operation": "upsert", "created": "2026-11-22T08:30:00.000Z",
                "modified": "2026-11-22T08:30:00.000Z", "media_type": "application/json",
                "withheld": "picture;reason=category_excepted", "obligations": "retention=\"P6M\", onward=deny",
                "document": {},
            }],
            "closed": [{
                "reference": "s", "operation": "close", "modified": "2026-11-22T09:20:00.000Z",
                "closed": "2026-11-22T09:20:00.000Z", "reason": "consent_withdrawn",
            }],
            "cursor": "c",
        })
    }

    #[test]
    fn a_page_is_read_and_every_member_is_checked() {
        let codes = |page: &Value, limit| Page::read(page, limit).1.iter().map(|one| one.code).collect::<Vec<_>>();
        assert_eq!(codes(&page(), 2), [""; 0]);
        assert_eq!(codes(&page(), 1), ["too_many"]);
        for (pointer, value, expected) in [
            ("/items/0/withheld", Value::Null, "shape"),
            ("/items/0/operation", json!("close"), "operation"),
            ("/items/0/media_type", json!("text/plain"), "media_type"),
            ("/items/0/reference", json!("s"), "twice"),
            ("/closed/0/modified", json!("2026-11-22T09:20:01.000Z"), "times"),
            ("/closed/0/operation", json!("upsert"), "operation"),
            ("/closed/0/reference", Value::Null, "shape"),
            ("/items", json!({}), "shape"),
        ] {
            let mut page = page();
            *page.pointer_mut(pointer).unwrap() = value;
            assert_eq!(codes(&page, 2), [expected], "{pointer}");
        }
        for place in ["", "/items/0", "/closed/0"] {
            let mut page = page();
            page.pointer_mut(place).unwrap()["source_reason"] = json!("x");
            assert_eq!(codes(&page, 2), ["unknown_member"], "{place}");
        }
    }
}
