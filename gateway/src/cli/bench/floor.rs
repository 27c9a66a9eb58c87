//! The floor: what a translation costs that carries nothing but this one document.
//!
//! `serde_json::Value`, a bare path table, code look-ups in one hash map, the same sanitiser call, and a quick-xml
//! writer with the same elements and attributes. It reports no loss, keeps no complement and reads nothing back.

use std::collections::HashMap;

use mappings::text::sanitise;
use quick_xml::{
    Writer,
    events::{BytesCData, BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use serde_json::Value;

type Attributes = &'static [(&'static str, &'static str)];
type Steps = &'static [&'static str];

/// One step of the table.
enum Op {
    Open(&'static str, Attributes),
    Close(&'static str),
    Leaf(&'static str, Attributes, From),
}

/// Where a leaf's text comes from.
enum From {
    Copy(Steps),
    Joined(&'static [Steps]),
    Html(&'static [Steps]),
    Code(Steps),
    Text(&'static str),
}

use From::{Code, Copy, Html, Joined, Text};
use Op::{Close, Leaf, Open};

const ROOT: Attributes = &[
    ("xmlns", "http://www.hr-xml.org/3"),
    ("xmlns:oa", "http://www.openapplications.org/oagis/9"),
    ("validFrom", "2026-11-10"),
    ("majorVersionID", "3"),
    ("minorVersionID", "2"),
];
const ISCO: Attributes = &[
    ("listName", "ISCO2008"),
    ("listVersionID", "2008"),
    ("listURI", "http://ec.europa.eu/esco/ConceptScheme/ISCO2008"),
];
const LANGUAGE: Attributes = &[
    ("schemeID", "ISO-639-1/2-Languages"),
    ("schemeAgencyID", "ISO"),
    ("schemeAgencyName", "ISO"),
    ("schemeVersionID", "639-1:2002 Alpha 2"),
    ("schemeDataURI", "http://www.loc.gov"),
];
const EDUCATION: Attributes =
    &[("listName", "EURES_ISCEDEducationLevel"), ("listVersionID", "2011"), ("listURI", "https://ec.europa.eu/eures")];
const DOCUMENT: Attributes = &[
    ("schemeID", "PASSERELLE"),
    ("schemeAgencyID", "PASSERELLE"),
    ("schemeAgencyName", "Passerelle"),
    ("schemeVersionID", "1.3"),
];

/// The elements of the EURES document, in its order.
#[rustfmt::skip]
const TABLE: &[Op] = &[
    Leaf("DocumentID", DOCUMENT, Copy(&["vacatureReferentie", "interneReferentie"])),
    Leaf("AlternateDocumentID", &[("schemeID", "vdab")], Copy(&["vacatureReferentie", "vdabReferentie"])),
    Leaf("AlternateDocumentID", &[("schemeID", "external")], Copy(&["vacatureReferentie", "externeReferentie"])),
    Leaf("AlternateDocumentID", &[("schemeID", "hrxml")], Copy(&["vacatureReferentie", "hrxmlReferentie"])),
    Leaf("PositionOpeningStatusCode", &[("name", "Active")], Code(&["status"])),
    Open("PostingRequester", &[]), Leaf("PartyID", DOCUMENT, Text("PASSERELLE")), Close("PostingRequester"),
    Open("PositionProfile", &[("languageCode", "nl"), ("validTo", "2027-01-08")]),
    Open("PostingInstruction", &[]), Leaf("PostingOptionCode", &[], Text("EURESFlag")), Open("ApplicationMethod", &[]),
    Leaf("Instructions", &[], Html(&[&["sollicitatieprocedure", "omschrijving"]])),
    Open("PersonContact", &[]),
    Open("PersonName", &[]), Leaf("FamilyName", &[], Copy(&["sollicitatieprocedure", "contactpersoon", "naam"])), Close("PersonName"),
    Open("Communication", &[]), Leaf("ChannelCode", &[], Text("Email")),
    Leaf("oa:URI", &[], Copy(&["sollicitatieprocedure", "sollicitatieVia", "email"])), Close("Communication"),
    Open("Communication", &[]), Leaf("ChannelCode", &[], Text("Web")),
    Leaf("oa:URI", &[], Copy(&["sollicitatieprocedure", "sollicitatieVia", "webformulier"])), Close("Communication"),
    Open("Communication", &[]), Leaf("ChannelCode", &[], Text("Telephone")),
    Leaf("oa:DialNumber", &[], Copy(&["sollicitatieprocedure", "sollicitatieVia", "telefoon"])), Close("Communication"),
    Open("Communication", &[]), Open("Address", &[]),
    Leaf("oa:BuildingNumber", &[], Copy(&["sollicitatieprocedure", "sollicitatieAdres", "huisnummer"])),
    Leaf("oa:StreetName", &[], Copy(&["sollicitatieprocedure", "sollicitatieAdres", "straat"])),
    Leaf("oa:CityName", &[], Copy(&["sollicitatieprocedure", "sollicitatieAdres", "gemeente"])),
    Leaf("CountryCode", &[], Code(&["sollicitatieprocedure", "sollicitatieAdres", "landCode"])),
    Leaf("oa:PostalCode", &[], Copy(&["sollicitatieprocedure", "sollicitatieAdres", "postcode"])),
    Close("Address"), Close("Communication"),
    Close("PersonContact"), Close("ApplicationMethod"), Close("PostingInstruction"),
    Leaf("PositionTitle", &[], Copy(&["functie", "functieTitel"])),
    Open("PositionLocation", &[]), Open("Address", &[]),
    Leaf("oa:AddressLine", &[], Joined(&[&["tewerkstellingsadres", "straat"], &["tewerkstellingsadres", "huisnummer"], &["tewerkstellingsadres", "busnummer"]])),
    Leaf("oa:CityName", &[], Copy(&["tewerkstellingsadres", "gemeente"])),
    Leaf("oa:CountrySubDivisionCode", &[], Code(&["tewerkstellingsadres", "regioCode"])),
    Leaf("CountryCode", &[], Code(&["tewerkstellingsadres", "landCode"])),
    Leaf("oa:PostalCode", &[], Copy(&["tewerkstellingsadres", "postcode"])),
    Close("Address"), Close("PositionLocation"),
    Open("PositionOrganization", &[]), Open("OrganizationIdentifiers", &[]),
    Leaf("OrganizationName", &[], Copy(&["leverancier", "naam"])),
    Leaf("OrganizationLegalID", &[("schemeID", "be-kbo")], Copy(&["leverancier", "kboNummer"])),
    Close("OrganizationIdentifiers"), Close("PositionOrganization"),
    Leaf("PositionOpenQuantity", &[], Copy(&["aantalJobs"])),
    Leaf("JobCategoryCode", ISCO, Code(&["functie", "beroepsprofiel", "code"])),
    Leaf("PositionOfferingTypeCode", &[], Code(&["arbeidsovereenkomst", "arbeidsContract", "code"])),
    Open("PositionQualifications", &[]),
    Open("PositionCompetency", &[]), Leaf("CompetencyID", LANGUAGE, Code(&["profiel", "vereisten", "0", "label"])), Leaf("TaxonomyID", &[], Text("language")),
    Open("RequiredProficiencyLevel", &[]), Leaf("ScoreText", &[], Code(&["profiel", "vereisten", "0", "score", "code"])), Close("RequiredProficiencyLevel"), Close("PositionCompetency"),
    Open("PositionCompetency", &[]), Leaf("CompetencyID", LANGUAGE, Code(&["profiel", "vereisten", "1", "label"])), Leaf("TaxonomyID", &[], Text("language")),
    Open("RequiredProficiencyLevel", &[]), Leaf("ScoreText", &[], Code(&["profiel", "vereisten", "1", "score", "code"])), Close("RequiredProficiencyLevel"), Close("PositionCompetency"),
    Open("EducationRequirement", &[]), Leaf("EducationLevelCode", EDUCATION, Code(&["profiel", "vereisten", "3", "diplomaNiveau", "code"])), Close("EducationRequirement"),
    Open("ExperienceSummary", &[]), Open("ExperienceCategory", &[]),
    Leaf("CategoryCode", ISCO, Code(&["functie", "beroepsprofiel", "code"])),
    Leaf("Measure", &[("unitCode", "year")], Code(&["functie", "beroepsprofiel", "ervaring", "code"])),
    Close("ExperienceCategory"), Close("ExperienceSummary"),
    Leaf("LicenseTypeCode", &[], Code(&["profiel", "vereisten", "2", "code"])),
    Close("PositionQualifications"),
    Open("PositionFormattedDescription", &[]),
    Leaf("Content", &[], Html(&[&["functie", "omschrijving"], &["vrijeVereiste"], &["arbeidsovereenkomst", "extra"]])),
    Close("PositionFormattedDescription"),
    Open("PositionPeriod", &[]), Open("StartDate", &[]),
    Leaf("DateText", &[], Copy(&["arbeidsovereenkomst", "vermoedelijkeStartdatum"])),
    Close("StartDate"), Close("PositionPeriod"),
    Leaf("ImmediateStartIndicator", &[], Text("false")),
    Leaf("PositionScheduleTypeCode", &[], Code(&["arbeidsovereenkomst", "arbeidsRegime", "code"])),
    Open("OfferedRemunerationPackage", &[]), Open("RemunerationRange", &[]),
    Leaf("RemunerationMinimumAmount", &[("currencyID", "EUR")], Copy(&["arbeidsovereenkomst", "minimumBrutoLoon"])),
    Leaf("RemunerationMaximumAmount", &[("currencyID", "EUR")], Copy(&["arbeidsovereenkomst", "maximumBrutoLoon"])),
    Close("RemunerationRange"), Close("OfferedRemunerationPackage"),
    Close("PositionProfile"),
];

/// The codes that the document holds.
const CODES: [(&str, &str); 12] = [
    ("15", "C1"),
    ("13", "B1"),
    ("3", "2"),
    ("B", "B"),
    ("BE", "BE"),
    ("E", "7"),
    ("Frans", "fr"),
    ("G", "DirectHire"),
    ("GEPUBLICEERD", "Active"),
    ("M120101-1", "2413"),
    ("Nederlands", "nl"),
    ("V", "FullTime"),
];

/// The floor, ready to run.
pub struct Floor {
    codes: HashMap<&'static str, &'static str>,
}

impl Floor {
    pub fn new() -> Self {
        Self { codes: HashMap::from(CODES) }
    }

    /// Translates the document.
    pub fn translate(&self, document: &[u8]) -> std::io::Result<Vec<u8>> {
        let value: Value = serde_json::from_slice(document)?;
        let mut writer = Writer::new(Vec::with_capacity(8_192));
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        writer.write_event(Event::Start(BytesStart::new("PositionOpening").with_attributes(ROOT.iter().copied())))?;
        for op in TABLE {
            match op {
                Open(name, attributes) => {
                    writer.write_event(Event::Start(
                        BytesStart::new(*name).with_attributes(attributes.iter().copied()),
                    ))?;
                }
                Close(name) => writer.write_event(Event::End(BytesEnd::new(*name)))?,
                Leaf(name, attributes, from) => {
                    writer.write_event(Event::Start(
                        BytesStart::new(*name).with_attributes(attributes.iter().copied()),
                    ))?;
                    self.write_text(&mut writer, &value, from)?;
                    writer.write_event(Event::End(BytesEnd::new(*name)))?;
                }
            }
        }
        writer.write_event(Event::End(BytesEnd::new("PositionOpening")))?;
        Ok(writer.into_inner())
    }

    fn write_text(&self, writer: &mut Writer<Vec<u8>>, value: &Value, from: &From) -> std::io::Result<()> {
        match from {
            Text(text) => writer.write_event(Event::Text(BytesText::new(text))),
            Copy(steps) => match find(value, steps) {
                Some(Value::String(text)) => writer.write_event(Event::Text(BytesText::new(text))),
                Some(other) => writer.write_event(Event::Text(BytesText::new(&other.to_string()))),
                None => Ok(()),
            },
            Joined(all) => {
                let parts: Vec<&str> = all.iter().filter_map(|steps| find(value, steps)?.as_str()).collect();
                writer.write_event(Event::Text(BytesText::new(&parts.join(" "))))
            }
            Code(steps) => {
                let code = find(value, steps).and_then(Value::as_str).unwrap_or_default();
                writer.write_event(Event::Text(BytesText::new(self.codes.get(code).copied().unwrap_or(code))))
            }
            Html(all) => {
                for html in all.iter().filter_map(|steps| find(value, steps)?.as_str()) {
                    for part in BytesCData::escaped(&sanitise(html)) {
                        writer.write_event(Event::CData(part))?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn find<'v>(value: &'v Value, steps: &[&str]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_writes_about_as_much_as_we_do() {
        let document = include_bytes!("../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json");
        let written = String::from_utf8(Floor::new().translate(document).unwrap()).unwrap();
        assert!(written.contains("<PositionOfferingTypeCode>DirectHire</PositionOfferingTypeCode>"));
        assert!((5_000..9_000).contains(&written.len()), "{} bytes", written.len());
    }
}
