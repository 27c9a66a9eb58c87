//! What a grant says about one point: one purpose, one action, one category. The deepest provision that applies wins,
//! and among equally deep ones a denial.

use std::cmp::Ordering;

use jiff::Timestamp;
use schemas::Category;

use super::{
    super::{
        grant::{Effect, Onward, Provision},
        period::Period,
        terms::{
            Action, Purpose, Role, first_stage_for_employers, may_be_permitted_to, wants_explicit_consent,
            wants_own_tick,
        },
    },
    reason::Withheld,
    request::Request,
};

/// One thing that is asked.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub purpose: Purpose,
    pub action: Action,
    pub category: Category,
}

/// Under which consent something is asked.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub request: &'a Request,
    pub now: Timestamp,
    /// When the consent was given: periods begin there.
    pub given: Timestamp,
    /// Whether it was given explicitly.
    pub is_explicit: bool,
}

/// What a grant says, and where.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Why not, if not.
    pub refusal: Option<Withheld>,
    /// The place of the provision: its number on each level.
    pub place: Vec<usize>,
    /// The retentions that hold there.
    pub retentions: Vec<Period>,
    /// Whether all that say something about it let it be passed on.
    pub onward: Onward,
}

/// What provisions of one level say.
pub fn verdict(provisions: &[Provision], point: Point, situation: &Situation<'_>) -> Option<Verdict> {
    best(provisions, point, situation, None)
}

fn best(provisions: &[Provision], point: Point, situation: &Situation<'_>, above: Option<&Verdict>) -> Option<Verdict> {
    let mut best: Option<Verdict> = None;
    for (index, provision) in provisions.iter().enumerate() {
        if !applies(provision, point, situation) {
            continue;
        }
        let here = said(provision, index, point, situation, above);
        let found = self::best(&provision.exceptions, point, situation, Some(&here)).unwrap_or(here);
        best = Some(match best {
            Some(known) => stronger(known, found),
            None => found,
        });
    }
    best
}

/// Of two that apply the one that lies deeper; of two as deep the one that denies; two that permit oblige together, and
/// two that deny give the graver reason.
fn stronger(mut known: Verdict, found: Verdict) -> Verdict {
    let strength = |verdict: &Verdict| (verdict.place.len(), verdict.refusal.is_some());
    match strength(&found).cmp(&strength(&known)) {
        Ordering::Greater => found,
        Ordering::Less => known,
        Ordering::Equal => {
            known.refusal = known.refusal.min(found.refusal);
            known.retentions.extend(found.retentions);
            known.onward = known.onward.min(found.onward);
            known
        }
    }
}

/// What a provision that applies says.
fn said(
    provision: &Provision,
    index: usize,
    point: Point,
    situation: &Situation<'_>,
    above: Option<&Verdict>,
) -> Verdict {
    let mut place = above.map_or_else(Vec::new, |above| above.place.clone());
    place.push(index + 1);
    let mut retentions = above.map_or_else(Vec::new, |above| above.retentions.clone());
    retentions.extend(provision.retention);
    let inherited = above.map(|above| above.onward);
    let onward = match (inherited, provision.onward) {
        (None, said) => said.unwrap_or(Onward::Deny),
        (Some(inherited), said) => inherited.min(said.unwrap_or(inherited)),
    };
    Verdict { refusal: refusal(provision, point, situation), place, retentions, onward }
}

/// Why a provision that applies does not let it go.
fn refusal(provision: &Provision, point: Point, situation: &Situation<'_>) -> Option<Withheld> {
    if provision.effect == Effect::Deny {
        return Some(Withheld::Excepted);
    }
    if wants_explicit_consent(point.category) && !situation.is_explicit {
        return Some(Withheld::NotExplicit);
    }
    let request = situation.request;
    let first_stage = first_stage_for_employers(point.category).filter(|_| request.recipient.kind == Role::Employer);
    let is_too_early = first_stage.is_some_and(|first| request.stage.is_none_or(|stage| stage < first));
    (provision.from_stage.is_none() && is_too_early).then_some(Withheld::TooEarly)
}

/// Whether a provision is about a point at all. What is not known of the situation fulfils no condition of a permission
/// and every condition of a denial.
fn applies(provision: &Provision, point: Point, situation: &Situation<'_>) -> bool {
    let Situation { request, now, given, .. } = *situation;
    is_in_time(provision, now, given, request)
        && names_recipient(provision, request)
        && names_country(provision, request)
        && names_purpose(provision, point.purpose)
        && (provision.actions.is_empty() || provision.actions.contains(&point.action))
        && names_category(provision, point.category, request.recipient.kind)
        && is_at_stage(provision, request)
}

/// Whether a provision holds at a moment.
pub fn is_in_time(provision: &Provision, now: Timestamp, given: Timestamp, request: &Request) -> bool {
    let start = provision.valid.from.unwrap_or(given);
    let has_begun = provision.valid.from.is_none_or(|from| from <= now);
    let is_over = provision.valid.until.as_ref().is_some_and(|until| until.is_over(start, now, &request.happened));
    has_begun && !is_over
}

/// Whether a provision names the recipient, or none.
pub fn names_recipient(provision: &Provision, request: &Request) -> bool {
    provision.recipients.is_empty() || provision.recipients.iter().any(|one| request.recipient.is(one))
}

/// Whether a provision names the recipient's country, or none.
pub fn names_country(provision: &Provision, request: &Request) -> bool {
    provision.recipient_countries.is_empty() || provision.recipient_countries.contains(&request.recipient.country)
}

/// Whether a provision names a purpose, or none.
pub fn names_purpose(provision: &Provision, purpose: Purpose) -> bool {
    provision.purposes.is_empty() || provision.purposes.contains(&purpose)
}

/// Whether a provision is about a category of that recipient. A permission must name what wants a tick of its own, and
/// `restricted` alone; it never means what may not go to such a recipient.
fn names_category(provision: &Provision, category: Category, recipient: Role) -> bool {
    let categories = &provision.categories;
    match (provision.effect, category) {
        (Effect::Permit, _) if !may_be_permitted_to(category, recipient) => false,
        (Effect::Permit, Category::Restricted) => categories.len() == 1 && categories.contains(&category),
        (Effect::Permit, _) if wants_own_tick(category) => categories.contains(&category),
        _ => categories.is_empty() || categories.contains(&category),
    }
}

fn is_at_stage(provision: &Provision, request: &Request) -> bool {
    let Some(stage) = request.stage else {
        let is_conditional = provision.from_stage.is_some() || provision.until_stage.is_some();
        return !is_conditional || provision.effect == Effect::Deny;
    };
    provision.from_stage.is_none_or(|from| from <= stage) && provision.until_stage.is_none_or(|until| stage < until)
}
