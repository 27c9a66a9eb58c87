//! Checks a vacancy document against the rules of EURES.

use std::collections::BTreeSet;

use super::{
    codes,
    findings::{Binding, Findings},
    grammar,
    rule::{self, Breach},
    values,
};
use crate::{
    foreign_text,
    stub::document::{self, Element},
};

/// Checks a document; with a reference, also that it is about that vacancy.
pub fn check_document(document: &str, reference: Option<&str>, binding: Binding) -> Vec<Breach> {
    examine(document, reference, binding).breaches
}

/// What a look at a document shows.
pub(super) struct Examined {
    pub(super) breaches: Vec<Breach>,
    /// The title of the first profile, on one line.
    pub(super) title: Option<String>,
}

pub(super) fn examine(document: &str, reference: Option<&str>, binding: Binding) -> Examined {
    let mut findings = Findings::of_document(reference, binding);
    let mut title = None;
    match document::parse(document) {
        Ok(root) => {
            let first = root.first("PositionProfile").and_then(|profile| profile.first("PositionTitle"));
            title = first.map(|title| foreign_text::one_line(&title.text));
            grammar::check(&root, &mut findings);
            check_head(&root, reference, &mut findings);
            check_languages(&root, &mut findings);
            root.visit(&mut |element| {
                values::check(element, &mut findings);
                check_together(element, &mut findings);
            });
        }
        Err(problem) => findings.add(rule::XML, "/", problem),
    }
    Examined { breaches: findings.into_breaches(), title }
}

/// Versions, ids and the status.
fn check_head(root: &Element, reference: Option<&str>, findings: &mut Findings<'_>) {
    for (name, version) in [("majorVersionID", "3"), ("minorVersionID", "2")] {
        let rule = if root.attribute(name).is_none() { rule::BR_56 } else { rule::BR_57 };
        values::check_attribute(root, name, rule, |value| value == version, findings);
    }
    if let Some(id) = root.first("DocumentID") {
        let is_version = |version: &str| codes::VERSIONS.contains(&version);
        values::check_attribute(id, "schemeVersionID", rule::BR_45, is_version, findings);
        if reference.is_some_and(|reference| id.text.trim() != reference) {
            findings.add(rule::DOCUMENT_ID, &id.path, "it is not the reference of the envelope");
        }
    }
    let party = root.first("PostingRequester").and_then(|requester| requester.first("PartyID"));
    for id in root.first("DocumentID").into_iter().chain(party) {
        for name in ["schemeID", "schemeAgencyID", "schemeAgencyName"] {
            values::check_attribute(id, name, rule::PRACTICE, |value| !value.is_empty(), findings);
        }
    }
    if let Some(status) = root.first("PositionOpeningStatusCode") {
        values::check_attribute(status, "name", rule::TYPE, |name| name == status.text.trim(), findings);
    }
}

fn check_languages(root: &Element, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for profile in root.all("PositionProfile") {
        let at = format!("{}/@languageCode", profile.path);
        match profile.attribute("languageCode") {
            None => findings.add(rule::PRACTICE, &at, "it is missing, so EURES takes it for English"),
            Some(language) if !codes::is_language(language) => {
                findings.add(rule::LANGUAGE, &at, &values::wrong(language));
            }
            Some(language) => {
                if !seen.insert(language.to_ascii_lowercase()) {
                    findings.add(rule::BR_02, &at, "another profile is in this language");
                }
            }
        }
    }
}

/// The rules about several elements at a time.
fn check_together(element: &Element, findings: &mut Findings<'_>) {
    match element.name.as_str() {
        "Address" => check_region(element, findings),
        "PositionProfile" => check_occupations(element, findings),
        "OfferedRemunerationPackage" => check_currency(element, findings),
        "PositionCompetency" => check_competency(element, findings),
        _ => {}
    }
}

fn check_region(address: &Element, findings: &mut Findings<'_>) {
    let (Some(region), Some(country)) = (address.first("CountrySubDivisionCode"), address.first("CountryCode")) else {
        return;
    };
    if !region.text.trim().starts_with(country.text.trim()) {
        findings.add(rule::BR_53, &region.path, "the region lies in another country");
    }
}

fn check_occupations(profile: &Element, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for occupation in profile.all("JobCategoryCode") {
        let list = occupation.attribute("listName").unwrap_or_default();
        if !seen.insert(list) {
            findings.add(rule::BR_44, &occupation.path, "there is another one of this list");
        }
    }
}

fn check_currency(package: &Element, findings: &mut Findings<'_>) {
    let mut currencies = BTreeSet::new();
    package.visit(&mut |element| currencies.extend(element.attribute("currencyID")));
    if currencies.len() > 1 {
        findings.add(rule::BR_31, &package.path, "it has more than one currency");
    }
}

fn check_competency(competency: &Element, findings: &mut Findings<'_>) {
    let text = |name: &str| competency.first(name).map_or("", |element| element.text.trim());
    let is_language = text("TaxonomyID") == "language";
    if let Some(id) = competency.first("CompetencyID") {
        let id_text = id.text.trim();
        let is_right = if is_language { codes::is_language(id_text) } else { values::is_esco(id_text, "skill") };
        if !is_right {
            findings.add(rule::BR_46, &id.path, &values::wrong(id_text));
        }
    }
    let mut has_dimension = false;
    for dimension in competency.all("CompetencyDimension") {
        let type_code = dimension.first("CompetencyDimensionTypeCode");
        has_dimension |= type_code.is_some();
        if (type_code.is_none() || dimension.first("Score").is_none()) && !dimension.children.is_empty() {
            findings.add(rule::BR_48, &dimension.path, "the type or the score is missing");
        }
        if let Some(code) = type_code.filter(|code| is_language && !codes::DIMENSIONS.contains(&code.text.trim())) {
            findings.add(rule::BR_37, &code.path, &values::wrong(code.text.trim()));
        }
    }
    let levels = ["RequiredProficiencyLevel", "DesiredProficiencyLevel"];
    if has_dimension && levels.iter().all(|level| competency.first(level).is_none()) {
        findings.add(rule::BR_49, &competency.path, "it has a dimension and no proficiency level");
    }
    if is_language {
        check_levels(competency, findings);
    }
}

fn check_levels(competency: &Element, findings: &mut Findings<'_>) {
    competency.visit(&mut |element| {
        let level = element.text.trim();
        if element.name == "ScoreText" && !codes::PROFICIENCY_LEVELS.contains(&level) {
            findings.add(rule::BR_47, &element.path, &values::wrong(level));
        }
    });
}

#[cfg(test)]
mod tests;
