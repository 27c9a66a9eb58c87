//! Which elements a `PositionOpening` of the EURES profile is made of, in the order in which NAV writes them.
//!
//! Sources: navikt/pam-eures-stilling-eksport (MIT), and what 19 documents of NAV and PES-SWEDEN hold. The XSD of
//! EURES is not public, and the legal list of what is mandatory (BR-JV) was not found.

use super::{findings::Findings, rule};
use crate::stub::document::{Element, Space};

/// How much an element is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Without it, it is no vacancy.
    Must,
    /// Every document seen has it.
    Usual,
    May,
}

/// A place for an element.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: &'static str,
    space: Space,
    need: Need,
    repeats: bool,
}

const fn must(name: &'static str) -> Place {
    Place { name, space: Space::HrXml, need: Need::Must, repeats: false }
}

const fn usual(name: &'static str) -> Place {
    Place { name, space: Space::HrXml, need: Need::Usual, repeats: false }
}

const fn may(name: &'static str) -> Place {
    Place { name, space: Space::HrXml, need: Need::May, repeats: false }
}

const fn oagis(name: &'static str) -> Place {
    Place { name, space: Space::Oagis, need: Need::May, repeats: false }
}

const fn many(place: Place) -> Place {
    Place { repeats: true, ..place }
}

/// The elements that are made of others, sorted, with their places.
const COMPOSED: [(&str, &[Place]); 29] = [
    (
        "Address",
        &[
            many(oagis("AddressLine")),
            oagis("BuildingNumber"),
            oagis("StreetName"),
            oagis("CityName"),
            oagis("CountrySubDivisionCode"),
            must("CountryCode"),
            oagis("PostalCode"),
        ],
    ),
    ("ApplicationMethod", &[usual("Instructions"), many(may("PersonContact"))]),
    ("Communication", &[may("ChannelCode"), may("UseCode"), oagis("URI"), oagis("DialNumber"), may("Address")]),
    ("CompetencyDimension", &[may("CompetencyDimensionTypeCode"), may("Score")]),
    ("DesiredProficiencyLevel", &[must("ScoreText")]),
    ("EducationRequirement", &[may("EducationLevelCode"), may("DegreeTypeCode")]),
    ("EndDate", &[may("FormattedDateTime"), may("DateText")]),
    ("ExperienceCategory", &[may("CategoryCode"), may("Measure")]),
    ("ExperienceSummary", &[many(may("ExperienceCategory"))]),
    ("OfferedRemunerationPackage", &[may("RemunerationBasisCode"), many(may("RemunerationRange"))]),
    ("OrganizationIdentifiers", &[usual("OrganizationName"), may("OrganizationLegalID")]),
    ("PersonContact", &[may("PersonName"), many(may("Communication"))]),
    ("PersonName", &[oagis("GivenName"), must("FamilyName")]),
    (
        "PositionCompetency",
        &[
            must("CompetencyID"),
            must("TaxonomyID"),
            may("RequiredProficiencyLevel"),
            may("DesiredProficiencyLevel"),
            many(may("CompetencyDimension")),
        ],
    ),
    ("PositionFormattedDescription", &[must("Content")]),
    ("PositionLocation", &[must("Address")]),
    (
        "PositionOpening",
        &[
            must("DocumentID"),
            many(may("AlternateDocumentID")),
            must("PositionOpeningStatusCode"),
            must("PostingRequester"),
            many(must("PositionProfile")),
        ],
    ),
    (
        "PositionOrganization",
        &[
            usual("OrganizationIdentifiers"),
            many(may("IndustryCode")),
            may("OrganizationSizeCode"),
            oagis("Description"),
        ],
    ),
    ("PositionPeriod", &[may("StartDate"), may("EndDate"), oagis("Description")]),
    (
        "PositionProfile",
        &[
            must("PostingInstruction"),
            must("PositionTitle"),
            many(must("PositionLocation")),
            usual("PositionOrganization"),
            usual("PositionOpenQuantity"),
            many(must("JobCategoryCode")),
            may("PositionOfferingTypeCode"),
            may("PositionQualifications"),
            must("PositionFormattedDescription"),
            may("TravelPreference"),
            many(may("WorkingLanguageCode")),
            may("PositionPeriod"),
            usual("ImmediateStartIndicator"),
            usual("PositionScheduleTypeCode"),
            may("OfferedRemunerationPackage"),
            may("ApplicationCloseDate"),
            may("UserArea"),
        ],
    ),
    (
        "PositionQualifications",
        &[
            many(may("PositionCompetency")),
            many(may("EducationRequirement")),
            may("ExperienceSummary"),
            many(may("LicenseTypeCode")),
        ],
    ),
    ("PostingInstruction", &[may("PostingOptionCode"), must("ApplicationMethod")]),
    ("PostingRequester", &[must("PartyID"), may("PartyName"), may("PersonContact")]),
    (
        "RemunerationRange",
        &[
            may("RemunerationTypeCode"),
            may("RemunerationRateIntervalCode"),
            may("RemunerationReferenceAmount"),
            may("RemunerationMinimumAmount"),
            may("RemunerationMaximumAmount"),
        ],
    ),
    ("RequiredProficiencyLevel", &[must("ScoreText")]),
    ("Score", &[must("ScoreText")]),
    ("StartDate", &[may("FormattedDateTime"), may("DateText")]),
    ("TravelPreference", &[may("WillingToTravelIndicator"), may("TravelPercentage"), oagis("Description")]),
    // Open to whatever two parties agree on.
    ("UserArea", &[]),
];

fn places(name: &str) -> Option<&'static [Place]> {
    let index = COMPOSED.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(COMPOSED[index].1)
}

/// Checks names, namespaces, order, number and presence of all elements.
pub(super) fn check(root: &Element, findings: &mut Findings<'_>) {
    if root.name != "PositionOpening" {
        findings.add(rule::ELEMENT, &root.path, "the root is no PositionOpening");
        return;
    }
    if root.space != Space::HrXml {
        findings.add(rule::NAMESPACE, &root.path, "the root is not in the namespace of HR-XML 3");
    }
    check_element(root, findings);
}

fn check_element(element: &Element, findings: &mut Findings<'_>) {
    match places(&element.name) {
        Some([]) => {}
        Some(places) => {
            check_children(element, places, findings);
            for child in &element.children {
                check_element(child, findings);
            }
        }
        None => check_leaf(element, findings),
    }
}

fn check_leaf(leaf: &Element, findings: &mut Findings<'_>) {
    for child in &leaf.children {
        findings.add(rule::ELEMENT, &child.path, "the element has no place here");
    }
    if leaf.children.is_empty() && leaf.text.trim().is_empty() {
        findings.add(rule::TYPE, &leaf.path, "the element is empty");
    }
}

fn check_children(element: &Element, places: &[Place], findings: &mut Findings<'_>) {
    if !element.text.trim().is_empty() {
        findings.add(rule::ELEMENT, &element.path, "there is text between the elements");
    }
    if element.children.is_empty() {
        let rule = if element.name == "Communication" { rule::BR_10 } else { rule::BR_14 };
        findings.add(rule, &element.path, "the element has none of its parts");
        return;
    }
    let mut furthest = 0;
    for child in &element.children {
        let Some(index) = places.iter().position(|place| place.name == child.name) else {
            findings.add(rule::ELEMENT, &child.path, "the element has no place here");
            continue;
        };
        if places[index].space != child.space {
            findings.add(rule::NAMESPACE, &child.path, "the element is in the wrong namespace");
        }
        if index < furthest {
            findings.add(rule::ORDER, &child.path, &format!("it stands after `{}`", places[furthest].name));
        }
        furthest = furthest.max(index);
    }
    for place in places {
        check_number(element, place, findings);
    }
}

fn check_number(element: &Element, place: &Place, findings: &mut Findings<'_>) {
    let at = || format!("{}/{}", element.path, place.name);
    match (element.all(place.name).count(), place.need) {
        (0, Need::Must) => findings.add(rule::MISSING, &at(), "the element is missing"),
        (0, Need::Usual) => findings.add(rule::PRACTICE, &at(), "the element is missing"),
        (2.., _) if !place.repeats => findings.add(rule::ONCE, &at(), "the element is repeated"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_elements_are_sorted_and_reached() {
        assert!(COMPOSED.is_sorted_by_key(|(name, _)| *name));
        for (name, _) in COMPOSED {
            let is_reached = COMPOSED.iter().any(|(_, places)| places.iter().any(|place| place.name == name));
            assert!(is_reached || name == "PositionOpening", "{name}");
        }
    }
}
