//! Checks a CV document (`Candidate`) against the rules of EURES.
//!
//! Sources: EC, *ECV Schema Documentation v3.0.0* in transcription (cardinalities, BR-CV-*), and the documents of NAV
//! (navikt/pam-eures-cv-eksport, MIT). The XSD of EURES is not public.

use std::collections::BTreeSet;

use super::{
    codes,
    findings::{Binding, Findings},
    rule,
    rules::Examined,
    values,
};
use crate::{
    foreign_text,
    stub::document::{self, Element},
};

/// What an element cannot do without: its parts of which there is at least one.
const NEEDED: &[(&str, &[&str])] = &[
    ("Attachment", &["FileType", "Instructions"]),
    ("Candidate", &["DocumentID", "CandidateSupplier", "CandidatePerson", "CandidateProfile"]),
    ("CandidatePerson", &["PersonName"]),
    ("CandidateSupplier", &["PartyID", "PartyName", "PersonContact", "PrecedenceCode"]),
    ("CandidatePositionPreferences", &["JobCategory"]),
    ("EducationDegree", &["DegreeName"]),
    ("EducationOrganizationAttendance", &["ProgramName"]),
    ("EmployerHistory", &["PositionHistory"]),
    ("EmploymentPeriod", &["StartDate"]),
    ("JobCategory", &["JobCategoryCode"]),
    ("PersonCompetency", &["CompetencyID", "TaxonomyID"]),
    ("PersonContact", &["PersonName", "Communication"]),
];

/// What there is one of.
const ONCE: &[(&str, &[&str])] = &[
    ("Candidate", &["DocumentID", "CandidatePerson", "PositionSeekingStatusCode"]),
    ("CandidatePerson", &["PersonName", "ResidencyCountryCode", "BirthDate", "GenderCode"]),
];

/// The members of the document, and of the person.
const MEMBERS: &[(&str, &[&str])] = &[
    (
        "Candidate",
        &["DocumentID", "CandidateSupplier", "PositionSeekingStatusCode", "CandidatePerson", "CandidateProfile"],
    ),
    (
        "CandidatePerson",
        &[
            "PersonName",
            "Communication",
            "ResidencyCountryCode",
            "NationalityCode",
            "BirthDate",
            "GenderCode",
            "PrimaryLanguageCode",
        ],
    ),
];

pub(super) fn examine(document: &str, reference: Option<&str>, binding: Binding) -> Examined {
    let mut findings = Findings::of_document(reference, binding);
    let mut title = None;
    match document::parse(document) {
        Ok(root) => {
            let first = root.first("CandidateProfile").and_then(|profile| profile.first("CandidateObjective"));
            title = first.map(|objective| foreign_text::one_line(&objective.text));
            check_head(&root, reference, &mut findings);
            check_languages(&root, &mut findings);
            root.visit(&mut |element| check(element, &mut findings));
        }
        Err(problem) => findings.add(rule::XML, "/", problem),
    }
    Examined { breaches: findings.into_breaches(), title }
}

fn check_head(root: &Element, reference: Option<&str>, findings: &mut Findings<'_>) {
    if root.name != "Candidate" {
        findings.add(rule::CV_MEMBER, &root.path, "a CV is a Candidate");
    }
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
}

fn check_languages(root: &Element, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for profile in root.all("CandidateProfile") {
        let at = format!("{}/@languageCode", profile.path);
        // BR-COM-01: without one it is in English.
        let language = profile.attribute("languageCode").unwrap_or("en");
        if !codes::is_language(language) {
            findings.add(rule::LANGUAGE, &at, &values::wrong(language));
        }
        if !seen.insert(language.to_ascii_lowercase()) {
            findings.add(rule::BR_02, &at, "another profile is in this language");
        }
    }
}

/// What holds for an element by its name.
fn check(element: &Element, findings: &mut Findings<'_>) {
    let text = element.text.trim();
    let of = |table: &'static [(&str, &'static [&'static str])]| {
        table.iter().find(|(name, _)| *name == element.name).map_or(&[][..], |(_, parts)| *parts)
    };
    for part in of(NEEDED).iter().filter(|part| element.first(part).is_none()) {
        findings.add(rule::CV_NEEDED, &format!("{}/{part}", element.path), "it is missing");
    }
    for part in of(ONCE).iter().filter(|part| element.all(part).count() > 1) {
        findings.add(rule::ONCE, &format!("{}/{part}", element.path), "there is more than one");
    }
    let known = of(MEMBERS);
    for child in element.children.iter().filter(|child| !known.is_empty() && !known.contains(&child.name.as_str())) {
        findings.add(rule::CV_MEMBER, &child.path, "it is no part of what EURES is handed in of a person");
    }
    match element.name.as_str() {
        "Communication" if ["Address", "URI", "DialNumber"].iter().all(|part| element.first(part).is_none()) => {
            findings.add(rule::CV_30, &element.path, "it has neither address nor number");
        }
        "BirthDate" if !values::is_date(text) => findings.add(rule::BR_05, &element.path, "it is no date"),
        "GenderCode" if !codes::GENDERS.contains(&text) => {
            findings.add(rule::CV_CODE, &element.path, &values::wrong(text));
        }
        "PositionSeekingStatusCode" if !codes::SEEKING.contains(&text) => {
            findings.add(rule::CV_CODE, &element.path, &values::wrong(text));
        }
        "PrecedenceCode" if !["1", "2", "3", "4", "5"].contains(&text) => {
            findings.add(rule::CV_CODE, &element.path, &values::wrong(text));
        }
        "Instructions" if !codes::ATTACHMENTS.contains(&text) => {
            findings.add(rule::CV_CODE, &element.path, &values::wrong(text));
        }
        "ScoreText" if !codes::PROFICIENCY_LEVELS.contains(&text) => {
            findings.add(rule::BR_47, &element.path, &values::wrong(text));
        }
        // Persons live in every country of the world (CL07).
        "CountryCode" | "NationalityCode" | "ResidencyCountryCode" => {
            if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
                findings.add(rule::CV_CODE, &element.path, &values::wrong(text));
            }
        }
        _ => values::check(element, findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CV: &str = r#"<Candidate xmlns="http://www.hr-xml.org/3" xmlns:oa="http://www.openapplications.org/oagis/9"
        majorVersionID="3" minorVersionID="2"><DocumentID schemeVersionID="1.3">r</DocumentID>
        <CandidateSupplier><PartyID>P</PartyID><PartyName>P</PartyName><PersonContact><PersonName>
        <oa:GivenName>P</oa:GivenName></PersonName><Communication><ChannelCode>Email</ChannelCode>
        <oa:URI>p@example.org</oa:URI></Communication></PersonContact><PrecedenceCode>1</PrecedenceCode></CandidateSupplier>
        <CandidatePerson><PersonName><oa:GivenName>Amina</oa:GivenName></PersonName><BirthDate>1990-04-05</BirthDate>
        </CandidatePerson><CandidateProfile languageCode="fr"><CandidateObjective>Soudeuse</CandidateObjective>
        </CandidateProfile></Candidate>"#;

    fn codes_of(document: &str) -> Vec<&'static str> {
        examine(document, Some("r"), Binding::Written).breaches.iter().map(|breach| breach.rule.code).collect()
    }

    #[test]
    fn a_cv_is_checked_by_what_eures_wants() {
        assert_eq!(codes_of(CV), [""; 0]);
        assert_eq!(examine(CV, Some("r"), Binding::Written).title.as_deref(), Some("Soudeuse"));
        for (from, to, expected) in [
            (">r<", ">s<", "DOCUMENT-ID"),
            (" majorVersionID=\"3\"", "", "BR-COM-56"),
            ("<PrecedenceCode>1</PrecedenceCode>", "", "CV-NEEDED"),
            ("<PrecedenceCode>1<", "<PrecedenceCode>9<", "CV-CODE"),
            ("<PartyName>P</PartyName>", "", "CV-NEEDED"),
            ("1990-04-05", "05/04/1990", "BR-COM-05"),
            ("<BirthDate>", "<PersonLegalID>x</PersonLegalID><BirthDate>", "CV-MEMBER"),
            ("<oa:URI>p@example.org</oa:URI>", "", "BR-CV-30"),
            ("languageCode=\"fr\"", "languageCode=\"french\"", "CL24"),
        ] {
            assert!(CV.contains(from), "{from}");
            assert_eq!(codes_of(&CV.replacen(from, to, 1)), [expected], "{to}");
        }
        assert_eq!(codes_of("<Candidate>"), ["XML"]);
    }
}
