//! The single permit as a track of its own: what is said of it, and where parties name different authorities.

use std::collections::BTreeMap;

use placements::{Event, Placement};
use schemas::PlacementStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::merged::{Conflict, Records, Statement};

/// What parties that name different regions have to do.
pub const OTHER_REGION: (&str, &str) = (
    "other_region",
    "the region of the establishment unit where the person mainly works decides: ask both parties which that is; whoever was \
     wrong corrects it (`supersedes`)",
);

/// What is said of the single permit that is asked for, or was: each by the newest event that says it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Permit {
    /// Which authority decides about the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "flanders")]
    pub region: Option<&'static str>,
    /// The annex of the Royal Decree of 8 October 1981 that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "46")]
    pub annex: Option<String>,
    /// Whether the case is complex, which gives the authorities more days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complex: Option<bool>,
}

impl Permit {
    /// What the events that were taken say of the application under way, and what they say differently.
    pub fn of(placement: &Placement, records: &Records<'_>) -> (Self, Vec<Conflict>) {
        let mut permit = Self::default();
        let mut named: BTreeMap<&str, (&Event, &'static str)> = BTreeMap::new();
        for step in placement.of_this_application() {
            let Some(said) = records.of(&step.event).and_then(|said| PlacementStatus::of(&said.record)) else {
                continue;
            };
            let said = said.permit();
            permit.region = said.region.or(permit.region);
            permit.annex = said.annex.map(str::to_owned).or(permit.annex);
            permit.complex = said.is_complex.or(permit.complex);
            if let Some(region) = said.region {
                // A party that says something else later has changed its mind; that is no conflict.
                named.insert(&step.event.source, (&step.event, region));
            }
        }
        let conflicts = named.values().filter_map(|&(event, region)| {
            let others = named.values().copied().filter(|(_, other)| *other != region);
            let against = others.max_by_key(|(event, _)| *event)?;
            let (code, remedy) = OTHER_REGION;
            Some(Conflict {
                said: Statement::naming(event, region),
                code,
                remedy,
                against: Some(Statement::naming(against.0, against.1)),
            })
        });
        (permit, conflicts.collect())
    }

    /// Whether nothing is said of a permit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
