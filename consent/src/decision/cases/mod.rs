//! Cases by hand, out of the reference: a grant, a request and instruments with which everything goes, and changes to them.

mod categories;
mod feedback;
mod order;
mod provisions;

use serde_json::{Value, json};

use super::*;
use crate::grant::Onward;

const RECORD: &str = include_str!("../../../../tests/consent/grant.json");
const REQUEST: &str = include_str!("../../../../tests/consent/request.json");

struct Case {
    grant: Value,
    request: Value,
    now: &'static str,
    transfers: &'static str,
}

/// A case in which everything is right, and what is to be changed in it.
fn case(change: impl FnOnce(&mut Case)) -> Decision {
    case_for(decide, change)
}

/// How it is decided.
type Deciding = fn(&Request, &Evidence<'_>) -> Decision;

/// The same, decided so.
fn case_for(deciding: Deciding, change: impl FnOnce(&mut Case)) -> Decision {
    let mut case = Case {
        grant: serde_json::from_str(RECORD).unwrap(),
        request: serde_json::from_str(REQUEST).unwrap(),
        now: "2026-06-01T12:00:00Z",
        transfers: include_str!("../../../../tests/consent/passerelle.toml"),
    };
    change(&mut case);
    let grants = match case.grant {
        Value::Array(grants) => grants,
        one => vec![one],
    };
    decided_by(deciding, &grants, case.request, (case.transfers, case.now))
}

fn decided_by(deciding: Deciding, grants: &[Value], request: Value, (transfers, now): (&str, &str)) -> Decision {
    #[derive(serde::Deserialize)]
    struct File {
        transfers: Vec<crate::TransferSettings>,
    }
    let grants: Vec<Grant> = grants.iter().map(|one| serde_json::from_value(one.clone()).unwrap()).collect();
    let transfers =
        if transfers.is_empty() { Vec::new() } else { toml::from_str::<File>(transfers).unwrap().transfers };
    let transfers = Transfers::new(transfers).unwrap();
    let request: Request = serde_json::from_value(request).unwrap();
    deciding(&request, &Evidence { grants: &grants, transfers: &transfers, now: now.parse().unwrap() })
}

fn reason(decision: &Decision) -> &'static str {
    match &decision.outcome {
        Outcome::Deny { reason, .. } => reason.code(),
        Outcome::Permit { .. } => "permit",
    }
}

fn root(case: &mut Case) -> &mut Value {
    &mut case.grant["processing"]["provisions"][0]
}

/// What becomes of one category.
fn of_category(name: &str, change: impl FnOnce(&mut Case)) -> &'static str {
    let decision = case(|case| {
        case.request["categories"] = json!([name]);
        change(case);
    });
    match decision.categories.as_slice() {
        [one] => one.withheld.map_or("goes", Withheld::code),
        _ => reason(&decision),
    }
}

fn event(case: &mut Case, event: Value) {
    case.grant["events"].as_array_mut().unwrap().push(event);
}

/// What the order comes to with one change, and that its steps say so.
fn step(expected: &str, change: impl FnOnce(&mut Case)) {
    let decision = case(change);
    assert_eq!(reason(&decision), expected, "{:?}", decision.steps);
    assert_eq!(decision.steps.last().unwrap().passed, expected == "permit");
    assert!(decision.steps.iter().zip(1..).all(|(step, number)| step.number == number));
}
