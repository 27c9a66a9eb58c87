//! When a decision may come out differently though nothing happens but that time passes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    grant::{Grant, Provision},
    transfer::Transfers,
};

/// Every moment at which something begins or ends that a decision looks at: between two of them it does not change.
pub fn moments(grants: &[Grant], transfers: &Transfers) -> BTreeSet<Timestamp> {
    let mut moments = transfers.moments();
    for grant in grants {
        for consent in grant.events().iter().filter(|event| event.state.permits()) {
            moments.insert(consent.at);
            moments.extend(consent.duration.as_ref().and_then(|until| until.end(consent.at)));
            for provision in &grant.record().processing.provisions {
                collect(provision, consent.at, &mut moments);
            }
        }
    }
    moments
}

fn collect(provision: &Provision, given: Timestamp, moments: &mut BTreeSet<Timestamp>) {
    let valid = &provision.valid;
    moments.extend(valid.from);
    moments.extend(valid.until.as_ref().and_then(|until| until.end(valid.from.unwrap_or(given))));
    for exception in &provision.exceptions {
        collect(exception, given, moments);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::transfer::TransferSettings;

    /// The moments of a grant, given on 2 March for a year, with a change; and of an instrument.
    fn named(change: impl FnOnce(&mut Value), transfers: Vec<TransferSettings>) -> Vec<String> {
        let mut grant = serde_json::from_str(include_str!("../../tests/consent/grant.json")).unwrap();
        change(&mut grant);
        let moments = moments(&[serde_json::from_value(grant).unwrap()], &Transfers::new(transfers).unwrap());
        moments.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_consent_begins_and_ends() {
        assert_eq!(named(|_| {}, vec![]), ["2026-03-02T09:05:00Z", "2027-03-02T09:05:00Z"]);
        let by_event = |grant: &mut Value| grant["events"][1]["duration"] = "event:training.ended".into();
        assert_eq!(named(by_event, vec![]), ["2026-03-02T09:05:00Z"], "what happens is no matter of time");
        let asked = |grant: &mut Value| drop(grant["events"].as_array_mut().unwrap().pop());
        assert_eq!(named(asked, vec![]), Vec::<String>::new());
    }

    #[test]
    fn provisions_begin_and_end_however_deep_they_lie() {
        let moments = named(
            |grant| {
                let root = &mut grant["processing"]["provisions"][0];
                root["valid"] = json!({"until": "P6M"});
                root["exceptions"] = json!([{
                    "effect": "deny", "valid": {"from": "2026-04-01T00:00:00Z", "until": "P1M"},
                    "exceptions": [{"effect": "permit", "valid": {"until": "2026-04-20T00:00:00Z"}}],
                }]);
            },
            vec![],
        );
        assert_eq!(
            moments,
            [
                "2026-03-02T09:05:00Z",
                "2026-04-01T00:00:00Z",
                "2026-04-20T00:00:00Z",
                "2026-05-01T00:00:00Z",
                "2026-09-02T09:05:00Z",
                "2027-03-02T09:05:00Z",
            ]
        );
    }

    #[test]
    fn instruments_begin_and_end() {
        let instrument = toml::from_str(
            "from = { kind = \"public_service\", country = \"MA\" }\nto = { kind = \"employer\", country = \"BE\" }\n\
             instrument = \"ma:09-08:art43\"\nreference = \"R-1\"\nsince = \"2026-01-01\"\nuntil = \"2028-01-01\"\n",
        );
        let moments = named(|_| {}, vec![instrument.unwrap()]);
        assert_eq!((moments[0].as_str(), moments[3].as_str()), ("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"));
    }
}
