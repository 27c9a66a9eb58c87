//! Each category by itself: steps 6 and 7.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemas::Category;

use super::{
    super::{
        grant::{Effect, Grant, Onward, Provision},
        terms::may_be_asked_for,
        transfer::Transfer,
    },
    Withheld,
    outcome::{CategoryDecision, GrantVersion, Mask, Obligations},
    request::Request,
    tree::{self, Point, Situation, Verdict},
};

/// A grant whose consent is in force.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    pub grant: &'a Grant,
    /// When the consent was given.
    pub given: Timestamp,
    /// Whether it was given explicitly.
    pub is_explicit: bool,
}

impl<'a> InForce<'a> {
    /// The permissions of the first level that are in their time.
    pub fn permissions(self, request: &'a Request, now: Timestamp) -> impl Iterator<Item = &'a Provision> {
        let provisions = self.grant.record().processing.provisions.iter();
        provisions.filter(move |root| root.effect == Effect::Permit && tree::is_in_time(root, now, self.given, request))
    }
}

/// Everything that is asked, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub request: &'a Request,
    pub now: Timestamp,
    pub in_force: &'a [InForce<'a>],
}

/// What became of each category.
#[derive(Debug, Default)]
pub struct Found {
    pub mask: Mask,
    pub decisions: Vec<CategoryDecision>,
    permits: Vec<Verdict>,
}

impl Asked<'_> {
    /// Decides every category.
    pub fn categories(&self) -> Found {
        let mut found = Found::default();
        for name in &self.request.categories {
            let mut decided_by = BTreeSet::new();
            let category = name.parse().ok().filter(|category| may_be_asked_for(*category));
            let refusal = match category {
                Some(category) => self.category(category, &mut decided_by, &mut found.permits).err(),
                None => Some(Withheld::Unclassified),
            };
            let withheld = match (category, refusal) {
                (Some(category), None) => {
                    found.mask.permitted.insert(category);
                    None
                }
                (_, refusal) => {
                    let refusal = refusal.unwrap_or(Withheld::Unclassified);
                    found.mask.withheld.insert(name.clone(), refusal);
                    Some(refusal)
                }
            };
            found.decisions.push(CategoryDecision { category: name.clone(), withheld, decided_by });
        }
        found
    }

    /// Decides one: it is permitted if it is for every purpose and every action.
    fn category(
        &self,
        category: Category,
        decided_by: &mut BTreeSet<String>,
        permits: &mut Vec<Verdict>,
    ) -> Result<(), Withheld> {
        let mut own = Vec::new();
        for &purpose in &self.request.purposes {
            for &action in &self.request.actions {
                let verdicts = self.verdicts(Point { purpose, action, category });
                for (version, verdict) in &verdicts {
                    decided_by.insert(described(version, verdict));
                }
                if let Some(refusal) = verdicts.iter().filter_map(|(_, verdict)| verdict.refusal).min() {
                    return Err(refusal);
                }
                if verdicts.is_empty() {
                    return Err(Withheld::NotPermitted);
                }
                own.extend(verdicts.into_iter().map(|(_, verdict)| verdict));
            }
        }
        permits.extend(own);
        Ok(())
    }

    /// Whether a denial holds for a category, for any purpose and any action.
    pub fn is_denied(&self, category: Category) -> bool {
        let purposes = self.request.purposes.iter();
        let points = purposes.flat_map(|&purpose| self.request.actions.iter().map(move |&action| (purpose, action)));
        let mut verdicts = points.flat_map(|(purpose, action)| self.verdicts(Point { purpose, action, category }));
        verdicts.any(|(_, verdict)| verdict.refusal == Some(Withheld::Excepted))
    }

    /// What each grant says about a point; those that say nothing are left out.
    fn verdicts(&self, point: Point) -> Vec<(GrantVersion, Verdict)> {
        let of_one = |one: &InForce<'_>| {
            let Self { request, now, .. } = *self;
            let situation = Situation { request, now, given: one.given, is_explicit: one.is_explicit };
            let verdict = tree::verdict(&one.grant.record().processing.provisions, point, &situation)?;
            Some((GrantVersion::of(one.grant), verdict))
        };
        self.in_force.iter().filter_map(of_one).collect()
    }
}

impl Found {
    /// What the recipient is obliged to: the strictest of what permitted. None, if nothing is permitted.
    pub fn obligations(&self, now: Timestamp, transfer: Transfer<'_>) -> Option<Obligations> {
        let retentions = self.permits.iter().flat_map(|verdict| &verdict.retentions);
        let retention = *retentions.min_by_key(|one| (one.after(now), one.to_string()))?;
        let by_transfer = match transfer {
            Transfer::By(by) => Some(by.onward),
            Transfer::Inside | Transfer::Denied => None,
        };
        let onward = self.permits.iter().map(|verdict| verdict.onward).chain(by_transfer).min().unwrap_or(Onward::Deny);
        Some(Obligations { retain_until: retention.after(now), retention, onward, notify_on_change: true })
    }
}

/// Where a verdict stands: record, version, and the number of the provision on each level.
fn described(version: &GrantVersion, verdict: &Verdict) -> String {
    let place: Vec<String> = verdict.place.iter().map(ToString::to_string).collect();
    let effect = if verdict.refusal.is_some() { "denies" } else { "permits" };
    format!("{version} provision {} {effect}", place.join("."))
}
