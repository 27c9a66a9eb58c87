//! Placements for people: where one stands, who said what and when, what does not fit, what is due, late or silent.

use serde_json::{Value, json};

use crate::cli::{
    Failure,
    client::{Client, encoded},
    output::say,
};

/// The page about one person, without a line break at its end.
pub fn page(placement: &Value) -> String {
    let mut lines = vec![format!("profile {}", said(placement, "profile"))];
    for one in listed(placement, "placements") {
        lines.push(String::new());
        let (employer, state, since) = (said(one, "employer"), said(one, "state"), said(one, "since"));
        lines.push(format!("at {employer}: {state} since {since}, {}", said(one, "track")));
        lines.extend(permit(&one["permit"]).map(|permit| format!("  single permit: {permit}")));
        lines.extend(hurry(one).into_iter().map(|line| format!("  {line}")));
        lines.extend(listed(one, "steps").map(|step| format!("  {}", step_of(step))));
        for conflict in listed(one, "conflicts") {
            lines.push(format!("  CONFLICT {}", conflict_of(conflict)));
            lines.push(format!("    what to do: {}", said(conflict, "remedy")));
        }
    }
    lines.push(String::new());
    lines.push("what each party says, in the order in which it came".to_owned());
    lines.extend(listed(placement, "events").map(|happened| format!("  {}", event_of(happened))));
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

/// Prints every placement that is late or silent, however many pages there are.
pub async fn list_late(client: &Client, as_json: bool) -> Result<(), Failure> {
    let (mut path, mut found) = ("/v1/placements?late=true".to_owned(), Vec::new());
    loop {
        let mut list = client.get(&path).await?;
        found.extend(list["placements"].as_array_mut().map(std::mem::take).unwrap_or_default());
        let Some(cursor) = list["cursor"].as_str() else { break };
        path = format!("/v1/placements?late=true&cursor={}", encoded(cursor));
    }
    if as_json {
        say(&json!({"placements": found}).to_string());
        return Ok(());
    }
    if found.is_empty() {
        say("nothing is late, and nobody is silent");
    }
    for one in &found {
        let (employer, state, since) = (said(one, "employer"), said(one, "state"), said(one, "since"));
        say(&plain(&format!("{} at {employer}: {state} since {since}", said(one, "profile"))));
        for line in hurry(one) {
            say(&format!("  {line}"));
        }
    }
    Ok(())
}

/// A line as a terminal may have it: what partners write moves no cursor, and begins no line of its own.
fn plain(line: &str) -> String {
    line.replace(char::is_control, "\u{fffd}")
}

/// What is due or late, and who is silent; a line each.
fn hurry(one: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let due = &one["due"];
    if let Some(kind) = due["kind"].as_str() {
        let (last_day, what) = (said(due, "last_day"), kind_of(kind));
        let deemed = due["deemed"].as_str();
        lines.push(if let Some(days) = due["days_late"].as_i64() {
            let deemed = deemed.map(|state| format!("; by law silence comes to {state}, which nobody has said"));
            format!("LATE: {what} was due by {last_day}, {} ago{}", days_of(days), deemed.unwrap_or_default())
        } else {
            let deemed = deemed.map(|state| format!("; silence comes to {state} then"));
            let left = days_of(due["days_left"].as_i64().unwrap_or_default());
            format!("due: {what} by {last_day}, {left} left{}", deemed.unwrap_or_default())
        });
    }
    if let Some(since) = one["silent_since"].as_str() {
        lines.push(format!("SILENT: nothing is said to have happened since {since}"));
    }
    lines
}

fn kind_of(kind: &str) -> &str {
    match kind {
        "completion" => "the completion of the application",
        "decision" => "the decision about the permit",
        "registration" => "the registration at the town hall",
        other => other,
    }
}

fn days_of(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn permit(permit: &Value) -> Option<String> {
    let annex = permit["annex"].as_str().map(|annex| format!("annex {annex}"));
    let complex = permit["complex"].as_bool().map(|complex| if complex { "complex" } else { "not complex" }.to_owned());
    let region = permit["region"].as_str().map(str::to_owned);
    let parts: Vec<String> = [region, annex, complex].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn step_of(step: &Value) -> String {
    let mut line = format!("{} {:16} {}", said(step, "at"), said(step, "partner"), said(step, "happened"));
    let inferred: Vec<_> = listed(step, "inferred").filter_map(Value::as_str).collect();
    if !inferred.is_empty() {
        line.push_str(&format!(" (so it has passed {})", inferred.join(", ")));
    }
    if step["confirms"] == true {
        line.push_str(" (confirms)");
    }
    line
}

fn conflict_of(conflict: &Value) -> String {
    let code = said(conflict, "code");
    let Some(against) = conflict.get("against") else {
        return format!("{}, which does not fit ({code})", statement(conflict));
    };
    format!("{}, where {} ({code})", statement(conflict), statement(against))
}

fn statement(one: &Value) -> String {
    let (partner, happened, at) = (said(one, "partner"), said(one, "happened"), said(one, "at"));
    match one["region"].as_str() {
        Some(region) => format!("{partner} names {region} with {happened} at {at}"),
        None => format!("{partner} says {happened} at {at}"),
    }
}

/// An event, as one party says it.
fn event_of(happened: &Value) -> String {
    let event = &happened["event"];
    let said_at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let mut line = format!(
        "{} {:10} says {}",
        said_at("/effective_at").unwrap_or("-"),
        said(happened, "happened"),
        said(happened, "partner"),
    );
    let employer = said_at("/employer/name").or(said_at("/employer/legal_ids/0/value"));
    let status = said_at("/source_status/label").or(said_at("/source_status/code"));
    for (before, value) in [
        (", employer ", employer),
        (", vacancy ", said_at("/vacancy")),
        (", status ", status),
        (", reason ", said_at("/reason")),
        (", in its words: ", said_at("/reason_text")),
    ] {
        if let Some(value) = value {
            line.push_str(before);
            line.push_str(value);
        }
    }
    line
}

fn said<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("-")
}

fn listed<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_partners_write_stays_on_its_line() {
        let event = json!({"effective_at": "2026-11-20T14:05:00Z", "reason_text": "no\n  CONFLICT\u{1b}[2J"});
        let told = json!({"profile": "P", "events": [{"happened": "rejected", "partner": "acme", "event": event}]});
        let page = page(&told);
        let last = page.lines().last().unwrap();
        assert!(last.ends_with("says acme, in its words: no\u{fffd}  CONFLICT\u{fffd}[2J"), "{page}");
    }

    #[test]
    fn what_is_due_is_told_in_days_and_what_the_law_makes_of_silence() {
        let due = |rest: Value| {
            let mut due = json!({"kind": "decision", "last_day": "2026-12-29", "deemed": "permit_granted"});
            due.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            hurry(&json!({"due": due})).join("|")
        };
        let decision = "the decision about the permit";
        let expected = format!("due: {decision} by 2026-12-29, 1 day left; silence comes to permit_granted then");
        assert_eq!(due(json!({"days_left": 1})), expected);
        let expected = "2 days ago; by law silence comes to permit_granted, which nobody has said";
        assert_eq!(due(json!({"days_late": 2})), format!("LATE: {decision} was due by 2026-12-29, {expected}"));
        assert!(hurry(&json!({"state": "applied"})).is_empty());
    }
}
