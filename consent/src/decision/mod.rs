//! Whether something may go: deny by default, in one order, every step of which can be shown.
//!
//! 1 the person is known and not to be left alone; 2 data may leave the country; 3 a consent is in force; 4 it names the
//! recipient and its country; 5 every purpose; 6 and 7 each category by itself; 8 what goes is what is permitted for
//! every purpose and every action that was asked for. Several grants: a denial in any holds.
//!
//! **Invariant:** the outcome follows from request, grants, instruments and the moment alone.

mod categories;
mod feedback;
mod outcome;
mod reason;
mod request;
mod tree;

use std::collections::BTreeSet;

use jiff::Timestamp;

use self::categories::{Asked, InForce};
pub use self::{
    feedback::decide_feedback,
    outcome::{Decision, GrantVersion, Obligations, Outcome, Step},
    reason::{Reason, Withheld},
    request::{Receiver, Request, SubjectState},
};
use super::{
    grant::{Event, Grant, Until},
    terms::{ConsentType, State},
    transfer::{Pair, Transfer, Transfers},
};

/// On what it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Every grant of the person; those of others are passed over.
    pub grants: &'a [Grant],
    /// The configured instruments.
    pub transfers: &'a Transfers,
    /// What time it is.
    pub now: Timestamp,
}

/// Decides.
pub fn decide(request: &Request, evidence: &Evidence<'_>) -> Decision {
    let mut steps = Vec::new();
    match decided(request, evidence, &mut steps) {
        Ok((outcome, categories)) => Decision { outcome, steps, categories },
        Err(Denial { reason, categories }) => {
            steps.push(Step { passed: false, ..Step::new(steps.len() + 1, reason.remedy()) });
            Decision { outcome: Outcome::denied(reason), steps, categories }
        }
    }
}

struct Denial {
    reason: Reason,
    categories: Vec<outcome::CategoryDecision>,
}

impl From<Reason> for Denial {
    fn from(reason: Reason) -> Self {
        Self { reason, categories: Vec::new() }
    }
}

type Permitted = (Outcome, Vec<outcome::CategoryDecision>);

fn decided(request: &Request, evidence: &Evidence<'_>, steps: &mut Vec<Step>) -> Result<Permitted, Denial> {
    let mut pass = |said: String| steps.push(Step::new(steps.len() + 1, said));
    check_subject(request)?;
    pass("the person is known, and the request asks for something".to_owned());
    let transfer = evidence.transfers.resolve(&request.exporter, &request.recipient.endpoint(), evidence.now);
    pass(match transfer {
        Transfer::Inside => "data does not leave its country, or stays under the GDPR".to_owned(),
        Transfer::By(by) => format!("data may leave its country by `{}` ({})", by.instrument, by.reference),
        Transfer::Denied => return Err(Reason::NoInstrument.into()),
    });
    let in_force = in_force(request, evidence, transfer)?;
    pass(format!("in force: {}", listed(in_force.iter().map(|one| GrantVersion::of(one.grant)))));
    check_roots(request, evidence, &in_force)?;
    pass("recipient and country are named".to_owned());
    check_purposes(request, evidence, &in_force)?;
    pass("every purpose is named".to_owned());
    let asked = Asked { request, now: evidence.now, in_force: &in_force };
    let found = asked.categories();
    pass(format!("{} of {} categories are permitted", found.mask.permitted.len(), request.categories.len()));
    let Some(obligations) = found.obligations(evidence.now, transfer) else {
        return Err(Denial { reason: Reason::NothingPermitted, categories: found.decisions });
    };
    pass("`restricted` goes only by explicit consent to it alone".to_owned());
    pass("it may go, under a mask".to_owned());
    let grants = in_force.iter().map(|one| GrantVersion::of(one.grant)).collect();
    Ok((Outcome::permitted(found.mask, obligations, grants), found.decisions))
}

/// Steps 0 and 1.
fn check_subject(request: &Request) -> Result<(), Reason> {
    match request.subject_state {
        SubjectState::Unknown => return Err(Reason::SubjectUnknown),
        SubjectState::Erased => return Err(Reason::SubjectErased),
        SubjectState::Restricted => return Err(Reason::SubjectRestricted),
        SubjectState::Known => {}
    }
    let asks = !request.purposes.is_empty() && !request.actions.is_empty() && !request.categories.is_empty();
    if asks { Ok(()) } else { Err(Reason::NothingAsked) }
}

/// Step 3: the grants whose consent is in force; where consent is the instrument of the transfer, those that say so.
fn in_force<'a>(
    request: &Request,
    evidence: &Evidence<'a>,
    transfer: Transfer<'_>,
) -> Result<Vec<InForce<'a>>, Reason> {
    let mut found = Vec::new();
    let mut reasons = BTreeSet::new();
    for grant in evidence.grants.iter().filter(|grant| grant.record().header.subject == request.subject) {
        match standing(grant, request, evidence.now) {
            Ok(consent) => found.push(InForce {
                grant,
                given: consent.at,
                is_explicit: consent.consent_type == Some(ConsentType::Explicit),
            }),
            Err(reason) => {
                reasons.insert((grant.events().last().map(|event| event.at), reason));
            }
        }
    }
    if found.is_empty() {
        return Err(reasons.pop_last().map_or(Reason::NoGrant, |(_, newest)| newest));
    }
    if let Transfer::By(by) = transfer
        && by.instrument.is_consent()
    {
        let pair = Pair(request.exporter.country.clone(), request.recipient.country.clone());
        let names_it = |one: &InForce<'_>| one.grant.record().processing.transfer.get(&pair) == Some(&by.instrument);
        found.retain(|one| one.is_explicit && names_it(one));
        if found.is_empty() {
            return Err(Reason::TransferNotConsented);
        }
    }
    Ok(found)
}

/// The consent of a grant, or why there is none now.
fn standing<'a>(grant: &'a Grant, request: &Request, now: Timestamp) -> Result<&'a Event, Reason> {
    let reason = match grant.state() {
        State::Unknown | State::Requested | State::Deferred => Reason::NotGiven,
        State::Refused => Reason::Refused,
        State::Withdrawn => Reason::Withdrawn,
        State::Revoked => Reason::Revoked,
        State::Expired => Reason::Expired,
        State::Invalidated => Reason::Invalidated,
        State::Given | State::Renewed => Reason::NotYet,
    };
    let consent = grant.consent_at(now).ok_or(reason)?;
    let is_over = |until: &Until| until.is_over(consent.at, now, &request.happened);
    // A consent without an end is not made; if there were one, it would be over.
    if consent.duration.as_ref().is_none_or(is_over) { Err(Reason::Expired) } else { Ok(consent) }
}

/// Step 4.
fn check_roots(request: &Request, evidence: &Evidence<'_>, in_force: &[InForce<'_>]) -> Result<(), Reason> {
    let live = || in_force.iter().flat_map(|one| one.permissions(request, evidence.now));
    if live().next().is_none() {
        return Err(Reason::OutOfPeriod);
    }
    if !live().any(|root| tree::names_recipient(root, request)) {
        return Err(Reason::Recipient);
    }
    if !live().any(|root| tree::names_recipient(root, request) && tree::names_country(root, request)) {
        return Err(Reason::RecipientCountry);
    }
    Ok(())
}

/// Step 5.
fn check_purposes(request: &Request, evidence: &Evidence<'_>, in_force: &[InForce<'_>]) -> Result<(), Reason> {
    let fits = |one: &InForce<'_>, purpose| {
        one.permissions(request, evidence.now).any(|root| {
            tree::names_recipient(root, request)
                && tree::names_country(root, request)
                && tree::names_purpose(root, purpose)
        })
    };
    let is_named = |purpose| in_force.iter().any(|one| fits(one, purpose));
    if request.purposes.iter().all(|purpose| is_named(*purpose)) { Ok(()) } else { Err(Reason::Purpose) }
}

fn listed(grants: impl Iterator<Item = GrantVersion>) -> String {
    grants.map(|grant| grant.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod model;
