//! What happened on a person's way to a job, told between public employment services: permitted without a consent, since it
//! is their task, and never more than stages, dates and coarse reasons.
//!
//! Source: Regulation (EU) 2016/679, article 6(1)(e); law 09-08, article 4. What the person has denied by name stays
//! denied, who is to be left alone is, and where the transfer itself rests on consent, only consent will do.

use std::collections::BTreeSet;

use schemas::Category;

use super::{
    Decision, Evidence, Obligations, Outcome, Reason, Request, Step, Withheld,
    categories::Asked,
    decide, in_force,
    outcome::{CategoryDecision, Mask},
};
use crate::{
    grant::Onward,
    period::Period,
    terms::Role,
    transfer::{Transfer, Transfers},
};

/// How long a service keeps what it was told so.
const RETENTION: &str = "P6M";

/// Decides about what happened: by what the person granted, else by the task of services.
pub fn decide_feedback(request: &Request, evidence: &Evidence<'_>) -> Decision {
    let by_grants = decide(request, evidence);
    let Outcome::Deny { reason, .. } = by_grants.outcome else { return by_grants };
    let Some(transfer) = by_task(request, evidence, reason) else { return by_grants };
    let Ok(retention) = RETENTION.parse::<Period>() else { return by_grants };
    let onward = match transfer {
        Transfer::By(by) => by.onward.min(Onward::Deny),
        Transfer::Inside | Transfer::Denied => Onward::Deny,
    };
    let category = Category::StatusFeedback;
    let others = request.categories.iter().filter(|name| *name != category.as_str());
    let withheld = others.map(|name| (name.clone(), Withheld::NotPermitted)).collect();
    let mask = Mask { permitted: BTreeSet::from([category]), withheld };
    let categories = request.categories.iter().map(|name| CategoryDecision {
        category: name.clone(),
        withheld: mask.withheld.get(name).copied(),
        decided_by: BTreeSet::new(),
    });
    let categories = categories.collect();
    let obligations =
        Obligations { retain_until: retention.after(evidence.now), retention, onward, notify_on_change: true };
    let mut steps = by_grants.steps;
    // The step that failed is not the last word.
    steps.push(Step::new(steps.len() + 1, "between public services stages and dates go by their task".to_owned()));
    Decision { outcome: Outcome::permitted(mask, obligations, Vec::new()), steps, categories }
}

/// The transfer, if the task of services permits what no grant does.
fn by_task<'a>(request: &Request, evidence: &Evidence<'a>, denied: Reason) -> Option<Transfer<'a>> {
    let is_between_services =
        request.exporter.kind == Role::PublicService && request.recipient.kind == Role::PublicService;
    let is_left_alone = matches!(
        denied,
        Reason::NothingAsked
            | Reason::SubjectUnknown
            | Reason::SubjectErased
            | Reason::SubjectRestricted
            | Reason::NoInstrument
            | Reason::TransferNotConsented
    );
    if !is_between_services || is_left_alone || !request.categories.contains(Category::StatusFeedback.as_str()) {
        return None;
    }
    let transfers: &Transfers = evidence.transfers;
    let transfer = transfers.resolve(&request.exporter, &request.recipient.endpoint(), evidence.now);
    if matches!(transfer, Transfer::Denied) || matches!(transfer, Transfer::By(by) if by.instrument.is_consent()) {
        return None;
    }
    let is_denied = in_force(request, evidence, transfer).is_ok_and(|in_force| {
        Asked { request, now: evidence.now, in_force: &in_force }.is_denied(Category::StatusFeedback)
    });
    (!is_denied).then_some(transfer)
}
