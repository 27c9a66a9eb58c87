//! A good document, and for each rule one that breaks it and nothing else.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::eures::stub::rule::{RULES, Severity};

const REFERENCE: &str = "0f8fad5b-d9cb-569f-a165-70867728950e";

const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<PositionOpening xmlns="http://www.hr-xml.org/3" xmlns:oa="http://www.openapplications.org/oagis/9" majorVersionID="3" minorVersionID="2" validFrom="2026-11-21">
  <DocumentID schemeID="PASSERELLE" schemeAgencyID="P" schemeAgencyName="Passerelle" schemeVersionID="1.3">0f8fad5b-d9cb-569f-a165-70867728950e</DocumentID>
  <AlternateDocumentID>REQ-50</AlternateDocumentID>
  <PositionOpeningStatusCode name="Active">Active</PositionOpeningStatusCode>
  <PostingRequester agencyRoleCode="Requester">
    <PartyID schemeID="P" schemeAgencyID="P" schemeAgencyName="Passerelle">1</PartyID>
    <PartyName>Passerelle</PartyName>
  </PostingRequester>
  <PositionProfile languageCode="nl" validTo="2026-12">
    <PostingInstruction>
      <PostingOptionCode>EURESFlag</PostingOptionCode>
      <ApplicationMethod>
        <Instructions><![CDATA[<p>Bel ons</p>]]></Instructions>
        <PersonContact>
          <PersonName><oa:GivenName>Noor</oa:GivenName><FamilyName>Voorbeeld</FamilyName></PersonName>
          <Communication><ChannelCode>Email</ChannelCode><oa:URI>jobs@voorbeeld.example</oa:URI></Communication>
          <Communication><ChannelCode>Telephone</ChannelCode><oa:DialNumber>+3290000000</oa:DialNumber></Communication>
        </PersonContact>
      </ApplicationMethod>
    </PostingInstruction>
    <PositionTitle>Lasser MIG/MAG (rev 7)</PositionTitle>
    <PositionLocation><Address><oa:AddressLine>Kaai 1</oa:AddressLine><oa:CityName>Gent</oa:CityName><oa:CountrySubDivisionCode>BE234</oa:CountrySubDivisionCode><CountryCode>BE</CountryCode><oa:PostalCode>9000</oa:PostalCode></Address></PositionLocation>
    <PositionOrganization>
      <OrganizationIdentifiers><OrganizationName>Voorbeeld NV</OrganizationName><OrganizationLegalID>0000000196</OrganizationLegalID></OrganizationIdentifiers>
      <IndustryCode>C33.1.7</IndustryCode>
      <OrganizationSizeCode>largeenterprise</OrganizationSizeCode>
    </PositionOrganization>
    <PositionOpenQuantity>2</PositionOpenQuantity>
    <JobCategoryCode listName="ISCO2008" listVersionID="2008" listURI="http://ec.europa.eu/esco/ConceptScheme/ISCO2008">7212</JobCategoryCode>
    <JobCategoryCode listName="ESCO_Occupations" listVersionID="ESCOv1" listURI="https://ec.europa.eu/esco/portal">http://data.europa.eu/esco/occupation/02cb5c7d-8d29-41bc-9a3f-0123456789ab</JobCategoryCode>
    <PositionOfferingTypeCode>DirectHire</PositionOfferingTypeCode>
    <PositionQualifications>
      <PositionCompetency>
        <CompetencyID>nl</CompetencyID>
        <TaxonomyID>language</TaxonomyID>
        <RequiredProficiencyLevel><ScoreText>B1</ScoreText></RequiredProficiencyLevel>
        <CompetencyDimension>
          <CompetencyDimensionTypeCode listName="EURES_Dimension" listVersionID="1.0" listURI="http://www.coe.int">CEF-Speaking-Interaction</CompetencyDimensionTypeCode>
          <Score><ScoreText>B2</ScoreText></Score>
        </CompetencyDimension>
      </PositionCompetency>
      <PositionCompetency><CompetencyID>http://data.europa.eu/esco/skill/00000000-1111-2222-3333-444444444444</CompetencyID><TaxonomyID>other</TaxonomyID></PositionCompetency>
      <EducationRequirement><EducationLevelCode listName="EURES_ISCEDEducationLevel" listVersionID="2011" listURI="https://ec.europa.eu/eures">3</EducationLevelCode></EducationRequirement>
      <ExperienceSummary><ExperienceCategory><CategoryCode listName="ISCO2008" listVersionID="2008" listURI="http://ec.europa.eu/esco/ConceptScheme/ISCO2008">7212</CategoryCode><Measure unitCode="year">2</Measure></ExperienceCategory></ExperienceSummary>
      <LicenseTypeCode>B</LicenseTypeCode>
    </PositionQualifications>
    <PositionFormattedDescription><Content>&lt;p&gt;Je last frames &amp;amp; leidingen.&lt;/p&gt;</Content></PositionFormattedDescription>
    <TravelPreference><WillingToTravelIndicator>true</WillingToTravelIndicator><TravelPercentage>10</TravelPercentage><oa:Description>Af en toe</oa:Description></TravelPreference>
    <WorkingLanguageCode>NL</WorkingLanguageCode>
    <PositionPeriod><StartDate><FormattedDateTime>2027-01-04T08:00:00</FormattedDateTime></StartDate><EndDate><DateText>na</DateText></EndDate></PositionPeriod>
    <ImmediateStartIndicator>false</ImmediateStartIndicator>
    <PositionScheduleTypeCode>FullTime</PositionScheduleTypeCode>
    <OfferedRemunerationPackage>
      <RemunerationBasisCode>Salaried</RemunerationBasisCode>
      <RemunerationRange><RemunerationTypeCode>BasePay</RemunerationTypeCode><RemunerationRateIntervalCode>Month</RemunerationRateIntervalCode><RemunerationMinimumAmount currencyID="EUR">2600</RemunerationMinimumAmount><RemunerationMaximumAmount currencyID="EUR">3100.50</RemunerationMaximumAmount></RemunerationRange>
    </OfferedRemunerationPackage>
    <ApplicationCloseDate>2026-12-31</ApplicationCloseDate>
    <UserArea><RemoteWorkIndicator>false</RemoteWorkIndicator></UserArea>
  </PositionProfile>
</PositionOpening>"#;

/// The rule, what is replaced in the good document, and by what.
const BAD: &[(&str, &str, &str)] = &[
    ("XML", "</PositionOpening>", ""),
    ("XML", "Lasser MIG", "Lasser\u{b}MIG"),
    ("NAMESPACE", "xmlns=\"http://www.hr-xml.org/3\"", "xmlns=\"http://ns.hr-xml.org\""),
    ("NAMESPACE", "<oa:PostalCode>9000</oa:PostalCode>", "<PostalCode>9000</PostalCode>"),
    ("NAMESPACE", "<CountryCode>BE</CountryCode>", "<oa:CountryCode>BE</oa:CountryCode>"),
    ("ELEMENT", "<PositionOpenQuantity>", "<Salary>1</Salary><PositionOpenQuantity>"),
    ("ELEMENT", "<PositionTitle>Lasser", "<PositionTitle><b>Lasser</b>"),
    ("ELEMENT", "<PositionLocation><Address>", "<PositionLocation>here<Address>"),
    (
        "ORDER",
        "<CountryCode>BE</CountryCode><oa:PostalCode>9000</oa:PostalCode>",
        "<oa:PostalCode>9000</oa:PostalCode><CountryCode>BE</CountryCode>",
    ),
    (
        "ORDER",
        "<PartyName>Passerelle</PartyName>\n  </PostingRequester>",
        "</PostingRequester><AlternateDocumentID>REQ-51</AlternateDocumentID>",
    ),
    (
        "ONCE",
        "<PositionOpenQuantity>2</PositionOpenQuantity>",
        "<PositionOpenQuantity>2</PositionOpenQuantity><PositionOpenQuantity>2</PositionOpenQuantity>",
    ),
    ("MISSING", "<PositionTitle>Lasser MIG/MAG (rev 7)</PositionTitle>", ""),
    ("MISSING", "<CountryCode>BE</CountryCode>", ""),
    ("PRACTICE", "<ImmediateStartIndicator>false</ImmediateStartIndicator>", ""),
    ("PRACTICE", " languageCode=\"nl\"", ""),
    ("PRACTICE", "schemeAgencyName=\"Passerelle\" schemeVersionID", "schemeVersionID"),
    (
        "PRACTICE",
        "<PositionScheduleTypeCode>",
        "<PositionScheduleTypeCode listName=\"PositionScheduleCodeContentType\" listVersionID=\"1.0\" listURI=\"http://www.hr-xml.org/\">",
    ),
    ("TYPE", "<PositionOpenQuantity>2<", "<PositionOpenQuantity>0<"),
    ("TYPE", "Lasser MIG/MAG (rev 7)", "  "),
    ("TYPE", ">2600<", ">2.600,00<"),
    ("TYPE", "<ImmediateStartIndicator>false", "<ImmediateStartIndicator>no"),
    ("TYPE", "name=\"Active\"", "name=\"Closed\""),
    ("DOCUMENT-ID", ">0f8fad5b", ">1f8fad5b"),
    ("CL24", "languageCode=\"nl\"", "languageCode=\"nld\""),
    ("CL24", "<WorkingLanguageCode>NL<", "<WorkingLanguageCode>Dutch<"),
    ("BR-COM-05", "<ApplicationCloseDate>2026-12-31<", "<ApplicationCloseDate>31.12.2026<"),
    ("BR-COM-05", "validFrom=\"2026-11-21\"", "validFrom=\"2026-11-21T10:00:00Z\""),
    ("BR-COM-05", "validTo=\"2026-12\"", "validTo=\"\""),
    ("BR-COM-05", "<DateText>na<", "<DateText>Spring 2027<"),
    ("BR-COM-05", "2027-01-04T08:00:00", "2027-02-30T08:00:00"),
    ("BR-COM-10", "<ChannelCode>Email</ChannelCode><oa:URI>jobs@voorbeeld.example</oa:URI>", ""),
    ("BR-COM-11", "<ChannelCode>Email<", "<ChannelCode>email<"),
    ("BR-COM-13", ">3</EducationLevelCode>", ">9</EducationLevelCode>"),
    (
        "BR-COM-14",
        "<OrganizationName>Voorbeeld NV</OrganizationName><OrganizationLegalID>0000000196</OrganizationLegalID>",
        "",
    ),
    ("BR-COM-20", "C33.1.7", "C33.17"),
    ("BR-COM-21", "BE234", "BE23"),
    ("BR-COM-21", "BE234", "BE32A"),
    ("BR-COM-26", "largeenterprise", "L"),
    ("BR-COM-29", ">7212</JobCategoryCode>", ">7219</JobCategoryCode>"),
    ("BR-COM-29", "esco/occupation/02cb", "esco/occupation/02CB"),
    ("BR-COM-29", ">7212</CategoryCode>", ">welder</CategoryCode>"),
    ("BR-COM-30", "Salaried", "salaried"),
    ("BR-COM-31", "currencyID=\"EUR\">3100.50", "currencyID=\"SEK\">3100.50"),
    ("BR-COM-32", "BasePay", "Basepay"),
    ("BR-COM-33", ">Month<", ">Monthly<"),
    ("BR-COM-34", " currencyID=\"EUR\">2600", ">2600"),
    ("BR-COM-36", "unitCode=\"year\"", "unitCode=\"years\""),
    ("BR-COM-37", "CEF-Speaking-Interaction", "CEF-Speaking"),
    ("BR-COM-38", "DirectHire", "directhire"),
    ("BR-COM-39", ">FullTime<", ">SharedTime<"),
    ("BR-COM-41", "<LicenseTypeCode>B<", "<LicenseTypeCode>G<"),
    (
        "BR-COM-44",
        "<PositionOfferingTypeCode>",
        "<JobCategoryCode listName=\"ISCO2008\" listVersionID=\"2008\" listURI=\"http://ec.europa.eu/esco/ConceptScheme/ISCO2008\">7213</JobCategoryCode><PositionOfferingTypeCode>",
    ),
    ("BR-COM-45", "schemeVersionID=\"1.3\"", "schemeVersionID=\"2.0\""),
    ("BR-COM-45", " schemeVersionID=\"1.3\"", ""),
    ("BR-COM-46", "<CompetencyID>nl<", "<CompetencyID>dutch<"),
    ("BR-COM-46", "esco/skill/", "esco/occupation/"),
    ("BR-COM-47", "<ScoreText>B1<", "<ScoreText>good<"),
    ("BR-COM-47", "<ScoreText>B2<", "<ScoreText>b2<"),
    ("BR-COM-48", "<Score><ScoreText>B2</ScoreText></Score>", ""),
    ("BR-COM-49", "<RequiredProficiencyLevel><ScoreText>B1</ScoreText></RequiredProficiencyLevel>", ""),
    ("BR-COM-52", "<oa:CountrySubDivisionCode>BE234</oa:CountrySubDivisionCode><CountryCode>BE<", "<CountryCode>MA<"),
    ("BR-COM-52", "<oa:CountrySubDivisionCode>BE234</oa:CountrySubDivisionCode><CountryCode>BE<", "<CountryCode>GB<"),
    ("BR-COM-53", "BE234", "NL111"),
    ("BR-COM-54", "<TaxonomyID>other<", "<TaxonomyID>skill<"),
    ("BR-COM-55", " listURI=\"https://ec.europa.eu/eures\"", ""),
    ("BR-COM-55", "listName=\"EURES_Dimension\" listVersionID=\"1.0\" listURI=\"http://www.coe.int\"", ""),
    ("BR-COM-55", "listVersionID=\"ESCOv1\"", "listVersionID=\"ESCOv1.1\""),
    ("BR-COM-56", " minorVersionID=\"2\"", ""),
    ("BR-COM-57", "minorVersionID=\"2\"", "minorVersionID=\"3\""),
    ("BR-COM-57", "majorVersionID=\"3\"", "majorVersionID=\"4\""),
];

fn codes_of(breaches: &[Breach]) -> BTreeSet<&'static str> {
    breaches.iter().map(|breach| breach.rule.code).collect()
}

fn check(document: &str) -> Vec<Breach> {
    check_document(document, Some(REFERENCE), Binding::Written)
}

#[test]
fn a_good_document_breaks_no_rule() {
    assert_eq!(check(GOOD), []);
}

#[test]
fn each_rule_is_broken_by_its_documents_and_by_them_alone() {
    for (code, from, to) in BAD {
        assert!(GOOD.contains(from), "{from}");
        let breaches = check(&GOOD.replacen(from, to, 1));
        assert_eq!(codes_of(&breaches), BTreeSet::from([*code]), "{from} -> {to}: {breaches:?}");
        assert!(breaches.iter().all(|breach| breach.reference.as_deref() == Some(REFERENCE)));
    }
}

#[test]
fn every_rule_about_documents_is_tried() {
    let tried: BTreeSet<&str> = BAD.iter().map(|(code, _, _)| *code).chain(["BR-COM-02"]).collect();
    let about_answers = ["SHAPE", "DETAILS", "TIME-1", "TIME-2", "TIME-3", "TIME-4", "TIME-5"];
    // Those about CVs are tried in `cvs.rs`.
    let is_here = |code: &&str| !about_answers.contains(code) && !code.contains("CV-");
    let all = RULES.iter().map(|rule| rule.code).filter(is_here);
    assert_eq!(all.collect::<BTreeSet<_>>(), tried);
}

#[test]
fn profiles_are_in_different_languages() {
    let start = GOOD.find("<PositionProfile").unwrap();
    let end = GOOD.find("</PositionOpening>").unwrap();
    let with = |language: &str| {
        let second = GOOD[start..end].replace("languageCode=\"nl\"", &format!("languageCode=\"{language}\""));
        check(&format!("{}{second}{}", &GOOD[..end], &GOOD[end..]))
    };
    assert_eq!(with("fr"), []);
    let breaches = with("NL");
    assert_eq!(codes_of(&breaches), BTreeSet::from(["BR-COM-02"]));
    assert_eq!(breaches[0].at, "/PositionOpening[1]/PositionProfile[2]/@languageCode");
}

#[test]
fn a_breach_says_where_and_quotes_no_text() {
    let breaches = check(&GOOD.replace("<oa:CountrySubDivisionCode>BE234", "<oa:CountrySubDivisionCode>Jan Voorbeeld"));
    let at = "/PositionOpening[1]/PositionProfile[1]/PositionLocation[1]/Address[1]/oa:CountrySubDivisionCode[1]";
    assert_eq!(breaches[0].at, at);
    assert!(breaches.iter().all(|breach| !breach.problem.contains("Jan")), "{breaches:?}");
}

#[test]
fn another_root_and_a_flood_are_bounded() {
    assert_eq!(codes_of(&check("<Candidate xmlns=\"http://www.hr-xml.org/3\"/>")).first(), Some(&"BR-COM-56"));
    let flood = GOOD.replace("<PositionOpenQuantity>", &format!("{}<PositionOpenQuantity>", "<X/>".repeat(5_000)));
    assert_eq!(check(&flood).len(), 200);
}

#[test]
fn the_samples_of_nav_obey_the_rules_that_bind_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/belgium/eures-samples");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let is_vacancy =
        |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("position-opening");
    let samples: Vec<_> = files.filter(is_vacancy).collect();
    assert!(!samples.is_empty(), "the reference data holds no vacancies");
    for sample in samples {
        let document = fs::read_to_string(&sample).unwrap();
        assert_eq!(check_document(&document, None, Binding::Sample), [], "{}", sample.display());
        let written = check_document(&document, None, Binding::Written);
        assert!(written.iter().all(|breach| breach.rule.severity == Severity::Refused), "{written:?}");
        assert!(codes_of(&written).contains("BR-COM-05"), "their dates are of the old form");
    }
}

#[test]
fn the_code_lists_are_those_of_the_reference_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/belgium");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let ec = fs::read_to_string(folder.join("eures_hropen_codelists.tsv")).unwrap();
    let mut checked = 0;
    for (list, ours) in [
        ("CL05", codes::CHANNELS),
        ("CL09", codes::CURRENCIES),
        ("CL11", codes::DIMENSIONS),
        ("CL14", codes::LICENCES),
        ("CL25", codes::PROFICIENCY_LEVELS),
        ("CL29", codes::MEMBER_COUNTRIES),
        ("CL37", codes::OFFERINGS),
        ("CL38", codes::SCHEDULES),
        ("CL48", codes::PAY_BASES),
        ("CL50", codes::PAY_INTERVALS),
        ("CL54", codes::UNITS),
    ] {
        let theirs = ec.lines().filter_map(|line| line.strip_prefix(list)?.strip_prefix('\t')?.split('\t').next());
        assert_eq!(theirs.collect::<BTreeSet<_>>(), ours.iter().copied().collect(), "{list}");
        checked += 1;
    }
    assert_eq!(checked, 11);
    let search = fs::read_to_string(folder.join("eures_legacy_api_codelists.tsv")).unwrap();
    let of = |list: &'static str| {
        search.lines().filter_map(move |line| line.strip_prefix(list)?.strip_prefix('\t')?.split('\t').next())
    };
    assert!(of("REGION").filter(|code| code.len() == 5).all(codes::is_nuts_3));
    assert!(!of("REGION").filter(|code| code.len() < 5).any(codes::is_nuts_3));
    assert!(of("SECTOR").all(codes::is_nace));
    assert!(of("LANGUAGE").all(codes::is_language));
    assert!(of("REGION").count() > 1_000 && of("SECTOR").count() > 900 && of("LANGUAGE").count() > 100);
}
