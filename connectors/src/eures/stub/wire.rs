//! Reads the answers of the Input API and checks their members one by one.
//!
//! Source: navikt/pam-eures-stilling-eksport (MIT), written against FMES 1.3.2.

use serde_json::{Map, Value};

use super::{
    codes,
    findings::Findings,
    rule::{self, Rule},
};

/// Milliseconds from September 2001 to 2286: seconds and microseconds fall outside.
const MILLISECONDS: std::ops::Range<i64> = 1_000_000_000_000..10_000_000_000_000;

/// The status of a vacancy, the truth whatever its document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It can be applied for.
    Active,
    /// It cannot.
    Closed,
}

/// When a vacancy became visible, changed and ended, as the export says: milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamps {
    /// `creationTimestamp`.
    pub created: i64,
    /// `lastModificationTimestamp`.
    pub modified: i64,
    /// `closingTimestamp`.
    pub closed: Option<i64>,
}

impl Stamps {
    /// The newest of them.
    pub(super) fn newest(&self) -> i64 {
        self.created.max(self.modified).max(self.closed.unwrap_or(i64::MIN))
    }
}

/// An entry of `getAll` or `getChanges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) reference: String,
    pub(super) status: Status,
    pub(super) stamps: Stamps,
    pub(super) at: String,
}

/// An entry of `getDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) reference: String,
    pub(super) status: Status,
    /// A closed vacancy need not say when it was created and changed.
    pub(super) created: Option<i64>,
    pub(super) modified: Option<i64>,
    pub(super) closed: Option<i64>,
    pub(super) content: Option<String>,
    pub(super) at: String,
}

/// The three lists of `getChanges`.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) created: Vec<Listed>,
    pub(super) modified: Vec<Listed>,
    pub(super) closed: Vec<Listed>,
}

/// Reads answers of one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The source that every entry must name, if it is known.
    pub(super) source: Option<&'a str>,
}

const LISTED: &[&str] = &["reference", "source", "status", "creationTimestamp", "lastModificationTimestamp"];
const DETAIL: &[&str] = &["reference", "source", "status", "contentFormatVersion"];

impl Reader<'_> {
    /// `{"allReferences": […]}`.
    pub(super) fn all(self, answer: &Value, findings: &mut Findings<'_>) -> Vec<Listed> {
        let root = members(answer, "getAll#", &["allReferences"], &[], findings);
        self.list(root, "allReferences", "getAll#", findings)
    }

    /// `{"createdReferences": […], "modifiedReferences": […], "closedReferences": […]}`.
    pub(super) fn changes(self, answer: &Value, findings: &mut Findings<'_>) -> Changes {
        let lists = ["createdReferences", "modifiedReferences", "closedReferences"];
        let root = members(answer, "getChanges#", &lists, &[], findings);
        let [created, modified, closed] = lists.map(|name| self.list(root, name, "getChanges#", findings));
        Changes { created, modified, closed }
    }

    /// `{"details": {"<reference>": {…}}}`.
    pub(super) fn details(self, answer: &Value, findings: &mut Findings<'_>) -> Vec<Detail> {
        let root = members(answer, "getDetails#", &["details"], &[], findings);
        let Some(details) = root.and_then(|root| root.get("details")).and_then(Value::as_object) else {
            findings.add(rule::SHAPE, "getDetails#/details", "it is no object");
            return Vec::new();
        };
        details.iter().filter_map(|(key, entry)| self.detail(key, entry, findings)).collect()
    }

    fn list(
        self,
        root: Option<&Map<String, Value>>,
        name: &str,
        call: &str,
        findings: &mut Findings<'_>,
    ) -> Vec<Listed> {
        let Some(entries) = root.and_then(|root| root.get(name)) else { return Vec::new() };
        let Some(entries) = entries.as_array() else {
            findings.add(rule::SHAPE, &format!("{call}/{name}"), "it is no array");
            return Vec::new();
        };
        let entries = entries.iter().enumerate();
        entries.filter_map(|(index, entry)| self.listed(entry, format!("{call}/{name}/{index}"), findings)).collect()
    }

    fn listed(self, entry: &Value, at: String, findings: &mut Findings<'_>) -> Option<Listed> {
        let entry = members(entry, &at, LISTED, &["closingTimestamp"], findings)?;
        let (reference, status) = self.head(entry, &at, findings)?;
        let created = time(entry, "creationTimestamp", &at, findings)?;
        let modified = time(entry, "lastModificationTimestamp", &at, findings)?;
        let closed = time(entry, "closingTimestamp", &at, findings);
        Some(Listed { reference, status, stamps: Stamps { created, modified, closed }, at })
    }

    fn detail(self, key: &str, entry: &Value, findings: &mut Findings<'_>) -> Option<Detail> {
        let at = format!("getDetails#/details/{}", key.replace('~', "~0").replace('/', "~1"));
        let optional = ["content", "creationTimestamp", "lastModificationTimestamp", "closingTimestamp"];
        let entry = members(entry, &at, DETAIL, &optional, findings)?;
        let (reference, status) = self.head(entry, &at, findings)?;
        if reference != key {
            findings.add(rule::DETAILS, &at, "the entry is about another vacancy than its key says");
            return None;
        }
        let version = entry.get("contentFormatVersion").and_then(Value::as_str).unwrap_or_default();
        if !codes::VERSIONS.contains(&version) {
            about(&reference, rule::BR_45, &at, "the contentFormatVersion is none", findings);
        }
        let content = entry.get("content").and_then(Value::as_str).map(str::to_owned);
        if entry.contains_key("content") && content.is_none() {
            about(&reference, rule::SHAPE, &at, "the content is no string", findings);
        }
        Some(Detail {
            status,
            created: time(entry, "creationTimestamp", &at, findings),
            modified: time(entry, "lastModificationTimestamp", &at, findings),
            closed: time(entry, "closingTimestamp", &at, findings),
            content,
            reference,
            at,
        })
    }

    fn head(self, entry: &Map<String, Value>, at: &str, findings: &mut Findings<'_>) -> Option<(String, Status)> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let reference = text("reference");
        if reference.is_empty() {
            findings.add(rule::SHAPE, at, "the reference is no text or empty");
            return None;
        }
        if text("source").is_empty() || self.source.is_some_and(|source| source != text("source")) {
            about(reference, rule::SHAPE, at, "the source is not the one that was agreed", findings);
        }
        match text("status") {
            "ACTIVE" => Some((reference.to_owned(), Status::Active)),
            "CLOSED" => Some((reference.to_owned(), Status::Closed)),
            _ => {
                about(reference, rule::SHAPE, at, "the status is neither ACTIVE nor CLOSED", findings);
                None
            }
        }
    }
}

fn about(reference: &str, rule: Rule, at: &str, problem: &str, findings: &mut Findings<'_>) {
    findings.add_about(Some(reference.to_owned()), rule, at, problem);
}

/// The object, with a breach for every member that is missing and every one that nobody knows.
fn members<'v>(
    value: &'v Value,
    at: &str,
    required: &[&str],
    optional: &[&str],
    findings: &mut Findings<'_>,
) -> Option<&'v Map<String, Value>> {
    let Some(object) = value.as_object() else {
        findings.add(rule::SHAPE, at, "it is no object");
        return None;
    };
    for name in required.iter().filter(|name| !object.contains_key(**name)) {
        findings.add(rule::SHAPE, &format!("{at}/{name}"), "the member is missing");
    }
    let is_known = |name: &str| required.contains(&name) || optional.contains(&name);
    for name in object.keys().filter(|name| !is_known(name)) {
        findings.add(rule::SHAPE, &format!("{at}/{name}"), "nobody knows the member");
    }
    Some(object)
}

fn time(entry: &Map<String, Value>, name: &str, at: &str, findings: &mut Findings<'_>) -> Option<i64> {
    let value = entry.get(name)?;
    let time = value.as_i64().filter(|time| MILLISECONDS.contains(time));
    if time.is_none() {
        findings.add(rule::SHAPE, &format!("{at}/{name}"), "it is no time in milliseconds since 1970");
    }
    time
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(read: impl FnOnce(&mut Findings<'_>)) -> Vec<String> {
        let mut findings = Findings::of_pull();
        read(&mut findings);
        findings.into_breaches().iter().map(|breach| format!("{} {}", breach.rule, breach.at)).collect()
    }

    fn entry() -> Value {
        json!({
            "reference": "r", "source": "VDAB", "status": "ACTIVE",
            "creationTimestamp": 1_795_305_600_000_i64, "lastModificationTimestamp": 1_795_305_600_000_i64,
        })
    }

    const READER: Reader<'_> = Reader { source: Some("VDAB") };

    #[test]
    fn good_answers_are_read() {
        let all = json!({ "allReferences": [entry()] });
        let changes = json!({ "createdReferences": [], "modifiedReferences": [entry()], "closedReferences": [] });
        let none = findings(|findings| {
            assert_eq!(READER.all(&all, findings).len(), 1);
            assert_eq!(READER.changes(&changes, findings).modified.len(), 1);
        });
        assert_eq!(none, Vec::<String>::new());
    }

    #[test]
    fn every_member_is_checked() {
        for (name, value) in [
            ("extra", json!(1)),
            ("source", json!("NAV")),
            ("reference", json!("")),
            ("reference", json!(7)),
            ("status", json!("OPEN")),
            ("creationTimestamp", json!("2026-11-21")),
            ("creationTimestamp", json!(1_795_305_600)),
            ("lastModificationTimestamp", json!(1_795_305_600_000_000_i64)),
            ("lastModificationTimestamp", json!(1.5)),
            ("closingTimestamp", json!(null)),
        ] {
            let mut entry = entry();
            entry[name] = value;
            let all = json!({ "allReferences": [entry] });
            let found = findings(|findings| {
                READER.all(&all, findings);
            });
            assert!(found.len() == 1 && found[0].starts_with("SHAPE getAll#/allReferences/0"), "{name}: {found:?}");
        }
        for name in LISTED {
            let mut entry = entry();
            entry.as_object_mut().unwrap().remove(*name);
            let all = json!({ "allReferences": [entry] });
            let found = findings(|findings| {
                READER.all(&all, findings);
            });
            assert!(found.contains(&format!("SHAPE getAll#/allReferences/0/{name}")), "{found:?}");
        }
    }

    #[test]
    fn answers_of_another_form_are_refused() {
        for answer in [json!([]), json!({}), json!({ "allReferences": {} }), json!({ "allReferences": [], "next": 1 })]
        {
            let found = findings(|findings| {
                READER.all(&answer, findings);
            });
            assert_eq!(found.len(), 1, "{answer}");
        }
        let found = findings(|findings| {
            READER.changes(&json!({ "createdReferences": [] }), findings);
        });
        assert_eq!(found, ["SHAPE getChanges#/modifiedReferences", "SHAPE getChanges#/closedReferences"]);
    }

    #[test]
    fn details_are_read_by_their_key() {
        let mut detail = entry();
        detail["contentFormatVersion"] = json!("1.3");
        detail["content"] = json!("<a/>");
        let found = findings(|findings| {
            assert_eq!(READER.details(&json!({ "details": { "r": detail } }), findings).len(), 1);
            assert_eq!(READER.details(&json!({ "details": { "s": detail } }), findings).len(), 0);
            let mut old = detail.clone();
            old["contentFormatVersion"] = json!("0.9");
            READER.details(&json!({ "details": { "r": old } }), findings);
        });
        assert_eq!(found, ["DETAILS getDetails#/details/s", "BR-COM-45 getDetails#/details/r"]);
    }
}
