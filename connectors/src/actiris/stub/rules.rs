//! What Actiris asks of a vacancy: **our profile** of HR-XML 2.5.
//!
//! Known of Actiris: texts in French or Dutch, the employer's KBO number, CEFR levels of languages. The order of the
//! parts and the lists of contracts and schedules are those of HR-XML 2.5 (2007-04-15).

use crate::{
    rest::stub::Finding,
    stub::document::{self, Element, Space},
};

/// The parts of a `PositionOpening`, in their order.
const PARTS: [&str; 6] =
    ["PositionRecordInfo", "PositionPostings", "PositionSupplier", "PositionProfile", "NumberToFill", "UserArea"];
/// The languages of Brussels.
const LANGUAGES: [&str; 2] = ["fr", "nl"];
const LEVELS: [&str; 6] = ["A1", "A2", "B1", "B2", "C1", "C2"];
/// `PositionClassification`, besides values of users that begin with `x:`.
const CLASSIFICATIONS: [&str; 11] = [
    "Direct Hire",
    "Temp to Hire",
    "Contract to Hire",
    "Contract",
    "Temporary",
    "Volunteer",
    "Internship",
    "Apprenticeship",
    "On Call",
    "Remote",
    "Any",
];
/// `PositionSchedule`, besides values of users that begin with `x:`.
const SCHEDULES: [&str; 5] = ["Full Time", "Part Time", "Flex Time", "Seasonal", "Any"];

/// The rules that a document breaks.
pub(super) fn inspect(document: &[u8]) -> Vec<Finding> {
    let parsed = std::str::from_utf8(document).map_err(|_| "it is not in UTF-8").and_then(document::parse);
    let root = match parsed {
        Ok(root) => root,
        Err(problem) => {
            return vec![Finding { pointer: String::new(), code: "no_document", detail: problem.to_owned() }];
        }
    };
    let mut findings = Vec::new();
    let mut find = |element: &Element, code, detail: &str| {
        findings.push(Finding { pointer: element.path.clone(), code, detail: detail.to_owned() });
    };
    if root.name != "PositionOpening" || root.space != Space::HrXml2 {
        find(&root, "root", "the root is not `PositionOpening` of HR-XML 2.5");
        return findings;
    }
    if !root.has_text(&["PositionRecordInfo", "Id", "IdValue"]) {
        find(&root, "id", "there is no `PositionRecordInfo/Id/IdValue`");
    }
    if !is_in_order(&root) {
        find(&root, "order", "its parts are not those of HR-XML 2.5, or not in their order");
    }
    let languages: Vec<&str> = root.all("PositionProfile").filter_map(language).collect();
    if !languages.iter().any(|language| LANGUAGES.contains(language)) {
        find(&root, "language", "there is no profile in French or Dutch");
    }
    for profile in root.all("PositionProfile") {
        if language(profile).is_none() {
            find(profile, "language", "the profile does not say its language");
        }
        if !profile.has_text(&["PositionDetail", "PositionTitle"]) {
            find(profile, "title", "the profile has no title");
        }
    }
    root.visit(&mut |element| {
        if let Some((code, detail)) = value(element) {
            find(element, code, detail);
        }
    });
    findings
}

fn is_in_order(root: &Element) -> bool {
    let places: Option<Vec<usize>> =
        root.children.iter().map(|child| PARTS.iter().position(|part| *part == child.name)).collect();
    places.is_some_and(|places| places.is_sorted())
}

/// `fr` of `fr-BE`.
fn language(profile: &Element) -> Option<&str> {
    profile.attribute("xml:lang")?.split('-').next().filter(|language| !language.is_empty())
}

/// The rules about one value.
fn value(element: &Element) -> Option<(&'static str, &'static str)> {
    let text = element.text.trim();
    let is_of = |list: &[&str]| list.contains(&text) || text.starts_with("x:");
    match element.name.as_str() {
        "NumberToFill" if text.parse::<u32>().is_ok_and(|number| number >= 1) => None,
        "NumberToFill" => Some(("openings", "it is no number of openings")),
        "PositionClassification" if !is_of(&CLASSIFICATIONS) => Some(("contract", "there is no such contract")),
        "PositionSchedule" if !is_of(&SCHEDULES) => Some(("schedule", "there is no such schedule")),
        "LegalId" if is_kbo(element) && !element.all("IdValue").all(|id| is_enterprise_number(id.text.trim())) => {
            Some(("kbo", "it is no enterprise number"))
        }
        "Competency" if is_language_level(element) && !levels(element).all(|level| LEVELS.contains(&level)) => {
            Some(("cefr", "a level is none of the CEFR"))
        }
        _ => None,
    }
}

fn is_kbo(legal_id: &Element) -> bool {
    legal_id.attribute("idOwner").is_some_and(|owner| owner.to_ascii_lowercase().contains("kbo"))
}

/// Ten digits; the last two are 97 less the rest modulo 97.
fn is_enterprise_number(text: &str) -> bool {
    let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u64>().ok());
    let (Some(body), Some(check)) = (number(text.get(..8)), number(text.get(8..))) else { return false };
    digits && check == 97 - body % 97
}

/// A language, or one skill in a language.
fn is_language_level(competency: &Element) -> bool {
    competency.attribute("name") == Some("Language") || competency.path.matches("/Competency[").count() > 1
}

fn levels(competency: &Element) -> impl Iterator<Item = &str> {
    let weights = competency.all("CompetencyWeight").filter(|weight| weight.attribute("type") == Some("skillLevel"));
    weights.flat_map(|weight| weight.all("StringValue")).map(|level| level.text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "<PositionRecordInfo><Id><IdValue>1</IdValue></Id></PositionRecordInfo>";

    fn codes(parts: &str) -> Vec<&'static str> {
        let document = format!(r#"<PositionOpening xmlns="http://ns.hr-xml.org/2007-04-15">{parts}</PositionOpening>"#);
        inspect(document.as_bytes()).iter().map(|finding| finding.code).collect()
    }

    fn profile(language: &str, more: &str) -> String {
        format!(
            r#"{RECORD}<PositionProfile xml:lang="{language}">{more}<PositionDetail><PositionTitle>Soudeur</PositionTitle>
               </PositionDetail></PositionProfile>"#
        )
    }

    #[test]
    fn a_vacancy_in_order_is_taken() {
        let parts = profile("fr-BE", "") + "<NumberToFill>2</NumberToFill>";
        assert_eq!(codes(&parts), [""; 0]);
    }

    #[test]
    fn a_vacancy_is_in_french_or_dutch() {
        assert_eq!(codes(&profile("en", "")), ["language"]);
        assert_eq!(codes(RECORD), ["language"]);
        let both = profile("nl", "") + &profile("en", "").replace(RECORD, "");
        assert_eq!(codes(&both), [""; 0]);
    }

    #[test]
    fn parts_are_known_and_in_order() {
        let parts = "<NumberToFill>2</NumberToFill>".to_owned() + &profile("fr", "");
        assert_eq!(codes(&parts), ["order"]);
        assert_eq!(codes(&(profile("fr", "") + "<Extra/>")), ["order"]);
    }

    #[test]
    fn values_are_checked() {
        let kbo = |number: &str| {
            format!(r#"<Organization><LegalId idOwner="be-kbo"><IdValue>{number}</IdValue></LegalId></Organization>"#)
        };
        assert_eq!(codes(&profile("fr", &kbo("0100000367"))), [""; 0]);
        assert_eq!(codes(&profile("fr", &kbo("0100000368"))), ["kbo"]);
        assert_eq!(codes(&profile("fr", &kbo("BE0100000367"))), ["kbo"]);
        let level = |level: &str| {
            format!(
                r#"<Competency name="Language"><CompetencyWeight type="skillLevel"><StringValue>B2</StringValue></CompetencyWeight>
                   <Competency name="Reading"><CompetencyWeight type="skillLevel"><StringValue>{level}</StringValue>
                   </CompetencyWeight></Competency></Competency>"#
            )
        };
        assert_eq!(codes(&profile("fr", &level("C1"))), [""; 0]);
        assert_eq!(codes(&profile("fr", &level("good"))), ["cefr"]);
        assert_eq!(codes(&(profile("fr", "") + "<NumberToFill>0</NumberToFill>")), ["openings"]);
        assert_eq!(codes(&profile("fr", "<PositionClassification>CDI</PositionClassification>")), ["contract"]);
        assert_eq!(codes(&profile("fr", "<PositionSchedule>x:Nights</PositionSchedule>")), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let no_title = format!(r#"{RECORD}<PositionProfile xml:lang="fr"/>"#);
        assert_eq!(codes(&no_title), ["title"]);
        assert_eq!(codes(&profile("fr", "").replace(RECORD, "")), ["id"]);
        assert_eq!(inspect(b"<PositionOpening/>")[0].code, "root");
        assert_eq!(inspect(b"<PositionOpening>")[0].code, "no_document");
    }
}
