//! Checks the values of single elements: code lists, dates, numbers.

use jiff::civil::{Date, DateTime};

use super::{
    codes::{self, Naming},
    findings::Findings,
    rule::{self, Rule},
};
use crate::stub::document::Element;

/// An element, the rule about its text, and the rule itself.
type Check = (&'static str, Rule, fn(&str) -> bool);

/// Sorted by element.
const CHECKS: [Check; 25] = [
    ("ApplicationCloseDate", rule::BR_05, is_date),
    ("ChannelCode", rule::BR_11, |text| codes::CHANNELS.contains(&text)),
    ("CountryCode", rule::BR_52, |text| codes::MEMBER_COUNTRIES.contains(&text)),
    ("CountrySubDivisionCode", rule::BR_21, codes::is_nuts_3),
    ("DateText", rule::BR_05, |text| text == "na" || is_date(text)),
    ("FormattedDateTime", rule::BR_05, is_date),
    ("ImmediateStartIndicator", rule::TYPE, is_truth_value),
    ("IndustryCode", rule::BR_20, codes::is_nace),
    ("LicenseTypeCode", rule::BR_41, |text| codes::LICENCES.contains(&text)),
    ("Measure", rule::TYPE, is_amount),
    ("OrganizationSizeCode", rule::BR_26, |text| codes::ORGANIZATION_SIZES.contains(&text)),
    ("PositionOfferingTypeCode", rule::BR_38, |text| codes::OFFERINGS.contains(&text)),
    ("PositionOpenQuantity", rule::TYPE, is_positive),
    ("PositionOpeningStatusCode", rule::TYPE, |text| codes::STATUSES.contains(&text)),
    ("PositionScheduleTypeCode", rule::BR_39, |text| codes::SCHEDULES.contains(&text)),
    ("RemunerationBasisCode", rule::BR_30, |text| codes::PAY_BASES.contains(&text)),
    ("RemunerationMaximumAmount", rule::TYPE, is_amount),
    ("RemunerationMinimumAmount", rule::TYPE, is_amount),
    ("RemunerationRateIntervalCode", rule::BR_33, |text| codes::PAY_INTERVALS.contains(&text)),
    ("RemunerationReferenceAmount", rule::TYPE, is_amount),
    ("RemunerationTypeCode", rule::BR_32, |text| codes::PAY_TYPES.contains(&text)),
    ("TaxonomyID", rule::BR_54, |text| matches!(text, "language" | "other")),
    ("TravelPercentage", rule::TYPE, is_amount),
    ("WillingToTravelIndicator", rule::TYPE, is_truth_value),
    ("WorkingLanguageCode", rule::LANGUAGE, codes::is_language),
];

/// Checks one element without looking around.
pub(super) fn check(element: &Element, findings: &mut Findings<'_>) {
    let text = element.text.trim();
    if let Ok(index) = CHECKS.binary_search_by_key(&element.name.as_str(), |(name, ..)| name) {
        let (_, rule, is_right) = CHECKS[index];
        // An empty element is reported as such.
        if !text.is_empty() && !is_right(text) {
            findings.add(rule, &element.path, &wrong(text));
        }
    }
    match element.name.as_str() {
        "JobCategoryCode" | "CategoryCode" if !is_occupation(element) => {
            findings.add(rule::BR_29, &element.path, &wrong(text));
        }
        "EducationLevelCode" if !is_education_level(element) => findings.add(rule::BR_13, &element.path, &wrong(text)),
        "Measure" => check_attribute(element, "unitCode", rule::BR_36, |unit| codes::UNITS.contains(&unit), findings),
        name if name.starts_with("Remuneration") && name.ends_with("Amount") => {
            let is_currency = |currency: &str| codes::CURRENCIES.contains(&currency);
            check_attribute(element, "currencyID", rule::BR_34, is_currency, findings);
        }
        _ => {}
    }
    for name in ["validFrom", "validTo"] {
        if element.attribute(name).is_some() {
            check_attribute(element, name, rule::BR_05, is_date, findings);
        }
    }
    check_list_name(element, findings);
}

/// An attribute that has to be there and to be right.
pub(super) fn check_attribute(
    element: &Element,
    name: &str,
    rule: Rule,
    is_right: impl Fn(&str) -> bool,
    findings: &mut Findings<'_>,
) {
    let value = element.attribute(name).unwrap_or_default();
    if !is_right(value) {
        findings.add(rule, &format!("{}/@{name}", element.path), &wrong(value));
    }
}

fn is_occupation(element: &Element) -> bool {
    let text = element.text.trim();
    if element.attribute("listName") == Some(codes::ESCO.name) {
        return is_esco(text, "occupation");
    }
    codes::is_isco(text)
}

fn is_education_level(element: &Element) -> bool {
    let is_eqf = element.attribute("listName") == Some(codes::EQF.name);
    let levels = if is_eqf { codes::EQF_LEVELS } else { codes::ISCED_LEVELS };
    levels.contains(&element.text.trim())
}

/// BR-COM-55, with the attributes exactly where the documents seen have them.
fn check_list_name(element: &Element, findings: &mut Findings<'_>) {
    let Some((naming, lists)) = codes::coded(&element.name) else { return };
    let given = ["listName", "listVersionID", "listURI"].map(|name| element.attribute(name));
    let is_any = given.iter().any(Option::is_some);
    if naming == Naming::Never && is_any {
        findings.add(rule::PRACTICE, &format!("{}/@listName", element.path), "no document seen names the list here");
    }
    let is_list = lists.iter().any(|list| given == [Some(list.name), Some(list.version), Some(list.uri)]);
    if (is_any || naming == Naming::Always) && !is_list {
        findings.add(rule::BR_55, &format!("{}/@listName", element.path), "the attributes name no list of EURES");
    }
}

/// `http://data.europa.eu/esco/{kind}/{uuid}`.
pub(super) fn is_esco(uri: &str, kind: &str) -> bool {
    let rest = uri.strip_prefix("http://data.europa.eu/esco/").and_then(|rest| rest.strip_prefix(kind));
    let Some(uuid) = rest.and_then(|rest| rest.strip_prefix('/')) else { return false };
    has_form(uuid, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

/// BR-COM-05: `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ss`, and a day that exists.
pub(super) fn is_date(text: &str) -> bool {
    match text.len() {
        4 => has_form(text, "9999"),
        7 => has_form(text, "9999-99") && format!("{text}-01").parse::<Date>().is_ok(),
        10 => has_form(text, "9999-99-99") && text.parse::<Date>().is_ok(),
        19 => has_form(text, "9999-99-99T99:99:99") && text.parse::<DateTime>().is_ok(),
        _ => false,
    }
}

/// Whether a text has a form in which `9` stands for a digit and `x` for a hexadecimal one.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, expected)| match expected {
            b'9' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            other => byte == other,
        })
}

fn is_truth_value(text: &str) -> bool {
    matches!(text, "true" | "false")
}

fn is_positive(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok_and(|number| number > 0)
}

/// Digits, and more digits after a point: no sign, no exponent, no separators.
fn is_amount(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 20
        && match text.split_once('.') {
            Some((whole, fraction)) => is_number(whole) && is_number(fraction),
            None => is_number(text),
        }
}

/// Quotes a value if it looks like a code, a date or a number; a text is not repeated.
pub(super) fn wrong(value: &str) -> String {
    let is_short = value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_graphic());
    match value {
        "" => "it is missing".to_owned(),
        _ if is_short && !value.contains('@') => format!("`{value}` is none"),
        _ => "the text is none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_sorted() {
        assert!(CHECKS.is_sorted_by_key(|(name, ..)| *name));
    }

    #[test]
    fn dates_have_four_forms() {
        for date in ["2026", "2026-02", "2026-02-28", "2024-02-29", "2026-11-21T23:59:59"] {
            assert!(is_date(date), "{date}");
        }
        for date in [
            "",
            "26",
            "2026-13",
            "2026-02-29",
            "21.11.2026",
            "2026-11-21Z",
            "2026-11-21T12:00:00Z",
            "2026-11-21 12:00:00",
            "20261121",
            "2026-11-21T25:00:00",
            "２０２６",
        ] {
            assert!(!is_date(date), "{date}");
        }
    }

    #[test]
    fn numbers_are_plain() {
        assert!(is_amount("2500") && is_amount("2500.50") && is_positive("1"));
        for text in ["", "-1", "1e3", "1,5", ".5", "5.", "2 500", "+1"] {
            assert!(!is_amount(text) && !is_positive(text), "{text}");
        }
        assert!(!is_positive("0") && !is_positive("1.0"));
    }

    #[test]
    fn free_text_is_not_quoted() {
        assert_eq!(wrong("GB"), "`GB` is none");
        assert_eq!(wrong("Jan Voorbeeld"), "the text is none");
        assert_eq!(wrong("jan@voorbeeld.example"), "the text is none");
    }
}
