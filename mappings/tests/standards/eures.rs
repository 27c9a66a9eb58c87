//! The rules of the EC for candidates (ECV Schema Documentation, Annex 1 and cardinalities), as far as a document must
//! keep them or be rejected. Knows nothing of our mapping.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};

/// An element of a document.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

/// What must be in which element.
const COMPULSORY: [(&str, &[&str]); 16] = [
    ("Candidate", &["DocumentID", "CandidateSupplier", "CandidatePerson", "CandidateProfile"]),
    ("CandidateSupplier", &["PartyID", "PartyName", "PersonContact", "PrecedenceCode"]),
    ("PersonContact", &["PersonName", "Communication"]),
    ("PersonName", &["GivenName"]),
    ("CandidatePerson", &["PersonName"]),
    ("CandidatePositionPreferences", &["JobCategory"]),
    ("JobCategory", &["JobCategoryCode"]),
    ("EmployerHistory", &["PositionHistory"]),
    ("EmploymentPeriod", &["StartDate"]),
    ("EducationDegree", &["DegreeName"]),
    ("PersonCompetency", &["CompetencyID", "TaxonomyID"]),
    ("CompetencyDimension", &["CompetencyDimensionTypeCode", "Score"]),
    ("ProficiencyLevel", &["ScoreText"]),
    ("Score", &["ScoreText"]),
    ("License", &["LicenseTypeCode"]),
    ("Attachment", &["FileType", "Instructions"]),
];

/// The values of closed lists.
const CODES: [(&str, &[&str]); 9] = [
    ("PrecedenceCode", &["1", "2", "3", "4", "5"]),
    ("PositionSeekingStatusCode", &["Active", "Passive", "NotConsideringPositions"]),
    ("ChannelCode", &["Telephone", "MobileTelephone", "Fax", "Email", "InstantMessage", "Web"]),
    ("GenderCode", &["NotKnown", "Male", "Female", "NotSpecified"]),
    ("TaxonomyID", &["language", "other"]),
    ("ScoreText", &["A1", "A2", "B1", "B2", "C1", "C2"]),
    ("LicenseTypeCode", &["AM", "A1", "A2", "A", "B1", "B", "BE", "C1", "C1E", "C", "CE", "D1", "D1E", "D", "DE"]),
    ("FileType", &["photo", "doc", "pdf"]),
    ("Instructions", &["CV", "CoverLetter", "ProfilePicture", "Other"]),
];

/// Elements whose code list must be named (BR-COM-55).
const NAMED: [&str; 3] = ["JobCategoryCode", "EducationLevelCode", "CompetencyDimensionTypeCode"];

/// What a document has against the rules.
pub fn breaches(document: &[u8]) -> Vec<String> {
    let root = parse(document);
    let mut breaches = Vec::new();
    let mut require = |holds: bool, problem: &str| {
        if !holds {
            breaches.push(problem.to_owned());
        }
    };
    require(root.name == "Candidate", "the root is a Candidate");
    for (attribute, value) in [("majorVersionID", "3"), ("minorVersionID", "2")] {
        require(root.attributes.get(attribute).is_some_and(|found| found == value), "BR-COM-56, 57: version 3.2");
    }
    check(&root, &mut breaches);
    breaches
}

fn check(element: &Element, breaches: &mut Vec<String>) {
    let name = element.name.as_str();
    let has = |wanted: &str| element.children.iter().any(|child| child.name == wanted);
    let mut breach = |problem: String| breaches.push(format!("{name}: {problem}"));
    for wanted in COMPULSORY.iter().filter(|(of, _)| *of == name).flat_map(|(_, wanted)| *wanted) {
        if !has(wanted) {
            breach(format!("there is no {wanted}"));
        }
    }
    if element.children.is_empty() && element.text.trim().is_empty() && name != "CandidateProfile" {
        breach("BR-COM-14: it is empty".to_owned());
    }
    if let Some((_, codes)) = CODES.iter().find(|(of, _)| *of == name)
        && !codes.contains(&element.text.trim())
    {
        breach(format!("`{}` is none of its list", element.text));
    }
    if NAMED.contains(&name)
        && ["listName", "listVersionID", "listURI"].iter().any(|a| !element.attributes.contains_key(*a))
    {
        breach("BR-COM-55: the list is not named".to_owned());
    }
    if ["FormattedDateTime", "BirthDate", "StartDateTime"].contains(&name) && !is_date(element.text.trim()) {
        breach(format!("BR-COM-05: `{}` is no date", element.text));
    }
    let child = |wanted: &str| element.children.iter().find(|child| child.name == wanted);
    match name {
        "PersonCompetency" => {
            let code = child("CompetencyID").map_or("", |id| id.text.as_str());
            let is_language = child("TaxonomyID").is_some_and(|id| id.text == "language");
            let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
            if is_language && !is_code {
                breach(format!("BR-COM-46: `{code}` is no language"));
            }
            if !is_language && !code.starts_with("http://data.europa.eu/esco/skill/") {
                breach(format!("BR-COM-46: `{code}` is no skill of ESCO"));
            }
            if has("CompetencyDimension") && !has("ProficiencyLevel") {
                breach("BR-COM-49: a dimension, and no level".to_owned());
            }
        }
        "Communication" => {
            let channel = child("ChannelCode").map(|code| code.text.as_str());
            if !has("Address") && !has("URI") && !has("DialNumber") {
                breach("BR-CV-30: it says no way".to_owned());
            }
            if has("URI") && !matches!(channel, Some("Email" | "Web")) {
                breach("BR-CV-31: a URI is an e-mail address or a page".to_owned());
            }
        }
        "Attachment" if has("EmbeddedData") && has("URI") => breach("BR-COM-42: embedded, and elsewhere".to_owned()),
        _ => {}
    }
    for child in &element.children {
        check(child, breaches);
    }
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|sign| if sign.is_ascii_digit() { '9' } else { sign }).collect();
    ["9999", "9999-99", "9999-99-99", "9999-99-99T99:99:99"].contains(&shape.as_str())
}

fn parse(document: &[u8]) -> Element {
    let mut reader = Reader::from_reader(document);
    let mut open = vec![Element::default()];
    let mut buffer = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer).unwrap();
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                let local = |name: &str| name.rsplit(':').next().unwrap().to_owned();
                let attributes = start.attributes().map(|attribute| attribute.unwrap());
                let attributes =
                    attributes.map(|attribute| (local(attribute.key.as_ref()), attribute.value.to_string()));
                let attributes = attributes.collect();
                open.push(Element { name: local(start.name().as_ref()), attributes, ..Element::default() });
                if is_empty {
                    close(&mut open);
                }
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
            Event::CData(text) => open.last_mut().unwrap().text.push_str(&text),
            Event::GeneralRef(_) => open.last_mut().unwrap().text.push('&'),
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            _ => {}
        }
        buffer.clear();
    }
}

fn close(open: &mut Vec<Element>) {
    let done = open.pop().unwrap();
    open.last_mut().unwrap().children.push(done);
}
