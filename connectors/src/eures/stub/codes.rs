//! The code lists of EURES, as far as vacancies and CVs need them: values and the attributes that name a list.
//!
//! Source: EC, *ECV Schema Documentation v3.0.0*, §3.39 (lists CLxx). The codes are facts, retyped.

mod isco;
mod nace;
mod nuts;

pub(super) use self::{isco::is_isco, nace::is_nace, nuts::is_nuts_3};

/// CL05.
pub(super) const CHANNELS: &[&str] = &["Telephone", "MobileTelephone", "Fax", "Email", "InstantMessage", "Web"];
/// CL09; no dirham.
pub(super) const CURRENCIES: &[&str] =
    &["EUR", "BGN", "CHF", "CZK", "DKK", "GBP", "HRK", "HUF", "ISK", "LTL", "NOK", "PLN", "RON", "SEK"];
/// CL11.
pub(super) const DIMENSIONS: &[&str] = &[
    "CEF-Understanding-Listening",
    "CEF-Understanding-Reading",
    "CEF-Speaking-Interaction",
    "CEF-Speaking-Production",
    "CEF-Writing-Interaction",
    "CEF-Writing-Production",
];
/// CL14, Directive 2006/126/EC.
pub(super) const LICENCES: &[&str] =
    &["AM", "A1", "A2", "A", "B1", "B", "BE", "C1", "C1E", "C", "CE", "D", "D1", "D1E", "DE"];
/// CL15, ISCED 2011.
pub(super) const ISCED_LEVELS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8"];
/// CL15, EQF.
pub(super) const EQF_LEVELS: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8"];
/// CL25, CEFR.
pub(super) const PROFICIENCY_LEVELS: &[&str] = &["A1", "A2", "B1", "B2", "C1", "C2"];
/// CL29; Greece is `EL`, the United Kingdom `UK`, and Morocco is no member.
pub(super) const MEMBER_COUNTRIES: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "EL", "HR", "HU", "IS", "IE", "IT", "LV", "LI", "LT",
    "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "CH", "UK",
];
/// Genders (HR Open, `GenderCodeList`).
pub(super) const GENDERS: &[&str] = &["NotKnown", "Male", "Female", "NotSpecified"];
/// CL39.
pub(super) const SEEKING: &[&str] = &["Active", "Passive", "NotConsideringPositions"];
/// CL61.
pub(super) const ATTACHMENTS: &[&str] = &["CV", "CoverLetter", "ProfilePicture", "Other"];
/// CL35.
pub(super) const ORGANIZATION_SIZES: &[&str] =
    &["microenterprise", "smallenterprise", "medium-sizedenterprise", "largeenterprise"];
/// CL37.
pub(super) const OFFERINGS: &[&str] = &[
    "DirectHire",
    "Temporary",
    "TemporaryToHire",
    "ContractToHire",
    "Contract",
    "Internship",
    "Apprenticeship",
    "Seasonal",
    "OnCall",
    "RecruitmentReserve",
    "SelfEmployed",
    "Volunteer",
];
/// CL38.
pub(super) const SCHEDULES: &[&str] = &["FullTime", "PartTime", "FlexTime", "Any"];
/// CL48.
pub(super) const PAY_BASES: &[&str] = &["Hourly", "Salaried", "SalariedPlusCommission", "CommissionOnly"];
/// CL49; the EC's paper prints `ShfitPremium`, so both are taken.
pub(super) const PAY_TYPES: &[&str] =
    &["BasePay", "Commission", "Bonus", "ShortTermIncentive", "ShiftPremium", "ShfitPremium"];
/// CL50.
pub(super) const PAY_INTERVALS: &[&str] = &[
    "Hour",
    "Day",
    "Week",
    "TwoWeeks",
    "FourWeeks",
    "HalfMonth",
    "Month",
    "TwoMonths",
    "Quarter",
    "SeasonalTerm",
    "HalfYear",
    "Year",
    "QuarterToDate",
    "YearToDate",
    "Once",
];
/// CL54.
pub(super) const UNITS: &[&str] = &["km", "day", "week", "month", "year"];
/// CL63.
pub(super) const VERSIONS: &[&str] = &["1.0", "1.1", "1.2", "1.3"];
/// The status codes of a recruiting document (HR Open, `RecruitingDocumentStatusCodeList`).
pub(super) const STATUSES: &[&str] = &["Active", "Closed", "Incomplete", "OnHold"];

/// CL24, ISO 639-1; `iw`, `in` and other withdrawn codes are not in it.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv \
     cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie \
     ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk \
     ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd \
     se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa \
     wo xh yi yo za zh zu";

/// Whether it is a language; `NO` is as good as `no`.
pub(super) fn is_language(code: &str) -> bool {
    code.len() == 2 && LANGUAGES.split(' ').any(|language| language.eq_ignore_ascii_case(code))
}

/// The attributes that name a code list (BR-COM-55).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListName {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) uri: &'static str,
}

const fn list(name: &'static str, version: &'static str, uri: &'static str) -> ListName {
    ListName { name, version, uri }
}

pub(super) const ISCO: ListName = list("ISCO2008", "2008", "http://ec.europa.eu/esco/ConceptScheme/ISCO2008");
pub(super) const ESCO: ListName = list("ESCO_Occupations", "ESCOv1", "https://ec.europa.eu/esco/portal");
/// As the documents seen have it; the EC's paper prints `EURES_ISCEDIEducationLevel`.
pub(super) const ISCED: ListName = list("EURES_ISCEDEducationLevel", "2011", "https://ec.europa.eu/eures");
pub(super) const EQF: ListName =
    list("EURES_EQF", "2008/C11/01", "http://ec.europa.eu/esco/ConceptScheme/EQF2012/ConceptScheme");

/// Whether an element with codes names its list, in the documents of NAV and PES-SWEDEN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// It does.
    Always,
    /// It does not: rule 55 notwithstanding, no document seen has the attributes there.
    Never,
    /// No document seen has the element.
    Unseen,
}

/// The elements with codes, sorted: whether they name their list, and which lists they may name.
const CODED: [(&str, Naming, &[ListName]); 15] = [
    ("CategoryCode", Naming::Always, &[ISCO, ESCO]),
    ("ChannelCode", Naming::Unseen, &[list("ChannelCodeContentType", "1.0", "http://www.hr-xml.org/")]),
    ("CompetencyDimensionTypeCode", Naming::Always, &[list("EURES_Dimension", "1.0", "http://www.coe.int")]),
    ("CountryCode", Naming::Never, &[list("EURES_MemberCountries", "3166-1-alpha-2", "http://www.iso.org/iso/")]),
    (
        "CountrySubDivisionCode",
        Naming::Never,
        &[list("EURES_CountrySubdivisionCodes", "2013-Level-3", "http://ec.europa.eu/eurostat")],
    ),
    ("DegreeTypeCode", Naming::Never, &[list("ESCO_Qualifications", "ESCOv1", "https://ec.europa.eu/esco/portal")]),
    ("EducationLevelCode", Naming::Always, &[ISCED, EQF]),
    (
        "IndustryCode",
        Naming::Never,
        &[list("NACE_r2", "NACE REVISION 2", "http://ec.europa.eu/esco/ConceptScheme/NACErev2/cs")],
    ),
    ("JobCategoryCode", Naming::Always, &[ISCO, ESCO]),
    ("LicenseTypeCode", Naming::Never, &[list("EURES_LicenceTypeCode", "2006/126/EC", "https://ec.europa.eu/eures")]),
    (
        "OrganizationSizeCode",
        Naming::Unseen,
        &[list("EURES_OrganizationSize", "(2003)1422", "https://ec.europa.eu/eures")],
    ),
    (
        "PositionOfferingTypeCode",
        Naming::Never,
        &[list("PositionOfferingTypeCodeContentType", "1.0", "http://www.hr-xml.org/")],
    ),
    (
        "PositionScheduleTypeCode",
        Naming::Never,
        &[list("PositionScheduleCodeContentType", "1.0", "http://www.hr-xml.org/")],
    ),
    (
        "RemunerationTypeCode",
        Naming::Unseen,
        &[list("RemunerationTypeCodeContentType", "1.0", "http://www.hr-xml.org/")],
    ),
    (
        "WorkingLanguageCode",
        Naming::Never,
        &[list("ISO-639-1/2-Languages", "639-1:2002 Alpha 2", "http://www.loc.gov")],
    ),
];

/// Whether and how an element names its list, if it holds codes.
pub(super) fn coded(element: &str) -> Option<(Naming, &'static [ListName])> {
    let index = CODED.binary_search_by_key(&element, |(name, ..)| name).ok()?;
    let (_, naming, lists) = CODED[index];
    Some((naming, lists))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_elements_are_found() {
        assert!(CODED.is_sorted_by_key(|(name, ..)| *name));
        assert_eq!(coded("JobCategoryCode").unwrap().0, Naming::Always);
        assert_eq!(coded("PositionTitle"), None);
    }

    #[test]
    fn languages_are_of_two_letters() {
        assert!(is_language("nl") && is_language("NO"));
        assert!(!is_language("nld") && !is_language("xx") && !is_language("") && !is_language("a "));
    }
}
