//! Measures VDAB JSON to EURES XML against a floor: `serde_json::Value`, a bare path table and a quick-xml writer with
//! the same attributes, code look-ups and the same sanitiser call.

use std::{collections::HashMap, hint::black_box, path::Path, time::Instant};

use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions, text::sanitise};
use quick_xml::{
    Writer,
    events::{BytesCData, BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use schemas::Kind;
use serde_json::Value;

/// One step of the floor's table.
enum Op {
    Open(&'static str, &'static [(&'static str, &'static str)]),
    Close(&'static str),
    Copy(&'static [&'static str]),
    Html(&'static [&'static str]),
    Code(&'static [&'static str]),
    Text(&'static str),
}

const ISCO: &[(&str, &str)] = &[
    ("listName", "ISCO2008"),
    ("listVersionID", "2008"),
    ("listURI", "http://ec.europa.eu/esco/ConceptScheme/ISCO2008"),
];
const LANGUAGE: &[(&str, &str)] = &[
    ("schemeID", "ISO-639-1/2-Languages"),
    ("schemeAgencyID", "ISO"),
    ("schemeAgencyName", "ISO"),
    ("schemeVersionID", "639-1:2002 Alpha 2"),
    ("schemeDataURI", "http://www.loc.gov"),
];
const EDUCATION: &[(&str, &str)] =
    &[("listName", "EURES_ISCEDEducationLevel"), ("listVersionID", "2011"), ("listURI", "https://ec.europa.eu/eures")];
const DOCUMENT: &[(&str, &str)] = &[
    ("schemeID", "PASSERELLE"),
    ("schemeAgencyID", "PASSERELLE"),
    ("schemeAgencyName", "Passerelle"),
    ("schemeVersionID", "1.3"),
];

fn leaf(table: &mut Vec<Op>, name: &'static str, attributes: &'static [(&'static str, &'static str)], op: Op) {
    table.extend([Op::Open(name, attributes), op, Op::Close(name)]);
}

fn table() -> Vec<Op> {
    let mut t = Vec::new();
    leaf(&mut t, "DocumentID", DOCUMENT, Op::Copy(&["vacatureReferentie", "interneReferentie"]));
    leaf(&mut t, "AlternateDocumentID", &[("schemeID", "vdab")], Op::Copy(&["vacatureReferentie", "vdabReferentie"]));
    leaf(
        &mut t,
        "AlternateDocumentID",
        &[("schemeID", "external")],
        Op::Copy(&["vacatureReferentie", "externeReferentie"]),
    );
    leaf(&mut t, "AlternateDocumentID", &[("schemeID", "hrxml")], Op::Copy(&["vacatureReferentie", "hrxmlReferentie"]));
    leaf(&mut t, "PositionOpeningStatusCode", &[("name", "Active")], Op::Code(&["status"]));
    t.push(Op::Open("PostingRequester", &[]));
    leaf(&mut t, "PartyID", DOCUMENT, Op::Text("PASSERELLE"));
    t.push(Op::Close("PostingRequester"));
    t.push(Op::Open("PositionProfile", &[("languageCode", "nl"), ("validTo", "2027-01-08")]));
    t.push(Op::Open("PostingInstruction", &[]));
    leaf(&mut t, "PostingOptionCode", &[], Op::Text("EURESFlag"));
    t.push(Op::Open("ApplicationMethod", &[]));
    leaf(&mut t, "Instructions", &[], Op::Html(&["sollicitatieprocedure", "omschrijving"]));
    t.push(Op::Open("PersonContact", &[]));
    t.push(Op::Open("PersonName", &[]));
    leaf(&mut t, "FamilyName", &[], Op::Copy(&["sollicitatieprocedure", "contactpersoon", "naam"]));
    t.push(Op::Close("PersonName"));
    for (channel, name, path) in [
        ("Email", "oa:URI", &["sollicitatieprocedure", "sollicitatieVia", "email"] as &'static [&'static str]),
        ("Web", "oa:URI", &["sollicitatieprocedure", "sollicitatieVia", "webformulier"]),
        ("Telephone", "oa:DialNumber", &["sollicitatieprocedure", "sollicitatieVia", "telefoon"]),
    ] {
        t.push(Op::Open("Communication", &[]));
        leaf(&mut t, "ChannelCode", &[], Op::Text(channel));
        leaf(&mut t, name, &[], Op::Copy(path));
        t.push(Op::Close("Communication"));
    }
    t.push(Op::Open("Communication", &[]));
    t.push(Op::Open("Address", &[]));
    leaf(&mut t, "oa:BuildingNumber", &[], Op::Copy(&["sollicitatieprocedure", "sollicitatieAdres", "huisnummer"]));
    leaf(&mut t, "oa:StreetName", &[], Op::Copy(&["sollicitatieprocedure", "sollicitatieAdres", "straat"]));
    leaf(&mut t, "oa:CityName", &[], Op::Copy(&["sollicitatieprocedure", "sollicitatieAdres", "gemeente"]));
    leaf(&mut t, "CountryCode", &[], Op::Code(&["sollicitatieprocedure", "sollicitatieAdres", "landCode"]));
    leaf(&mut t, "oa:PostalCode", &[], Op::Copy(&["sollicitatieprocedure", "sollicitatieAdres", "postcode"]));
    t.push(Op::Close("Address"));
    t.push(Op::Close("Communication"));
    t.push(Op::Close("PersonContact"));
    t.push(Op::Close("ApplicationMethod"));
    t.push(Op::Close("PostingInstruction"));
    leaf(&mut t, "PositionTitle", &[], Op::Copy(&["functie", "functieTitel"]));
    t.push(Op::Open("PositionLocation", &[]));
    t.push(Op::Open("Address", &[]));
    t.push(Op::Open("oa:AddressLine", &[]));
    t.push(Op::Copy(&["tewerkstellingsadres", "straat"]));
    t.push(Op::Copy(&["tewerkstellingsadres", "huisnummer"]));
    t.push(Op::Copy(&["tewerkstellingsadres", "busnummer"]));
    t.push(Op::Close("oa:AddressLine"));
    leaf(&mut t, "oa:CityName", &[], Op::Copy(&["tewerkstellingsadres", "gemeente"]));
    leaf(&mut t, "oa:CountrySubDivisionCode", &[], Op::Code(&["tewerkstellingsadres", "regioCode"]));
    leaf(&mut t, "CountryCode", &[], Op::Code(&["tewerkstellingsadres", "landCode"]));
    leaf(&mut t, "oa:PostalCode", &[], Op::Copy(&["tewerkstellingsadres", "postcode"]));
    t.push(Op::Close("Address"));
    t.push(Op::Close("PositionLocation"));
    t.push(Op::Open("PositionOrganization", &[]));
    t.push(Op::Open("OrganizationIdentifiers", &[]));
    leaf(&mut t, "OrganizationName", &[], Op::Copy(&["leverancier", "naam"]));
    leaf(&mut t, "OrganizationLegalID", &[("schemeID", "be-kbo")], Op::Copy(&["leverancier", "kboNummer"]));
    t.push(Op::Close("OrganizationIdentifiers"));
    t.push(Op::Close("PositionOrganization"));
    leaf(&mut t, "PositionOpenQuantity", &[], Op::Copy(&["aantalJobs"]));
    leaf(&mut t, "JobCategoryCode", ISCO, Op::Code(&["functie", "beroepsprofiel", "code"]));
    leaf(&mut t, "PositionOfferingTypeCode", &[], Op::Code(&["arbeidsovereenkomst", "arbeidsContract", "code"]));
    t.push(Op::Open("PositionQualifications", &[]));
    for (index, score) in [
        ("0", &["profiel", "vereisten", "0", "score", "code"] as &'static [&'static str]),
        ("1", &["profiel", "vereisten", "1", "score", "code"]),
    ] {
        let label: &'static [&'static str] = if index == "0" {
            &["profiel", "vereisten", "0", "label"]
        } else {
            &["profiel", "vereisten", "1", "label"]
        };
        t.push(Op::Open("PositionCompetency", &[]));
        leaf(&mut t, "CompetencyID", LANGUAGE, Op::Code(label));
        leaf(&mut t, "TaxonomyID", &[], Op::Text("language"));
        t.push(Op::Open("RequiredProficiencyLevel", &[]));
        leaf(&mut t, "ScoreText", &[], Op::Code(score));
        t.push(Op::Close("RequiredProficiencyLevel"));
        t.push(Op::Close("PositionCompetency"));
    }
    t.push(Op::Open("EducationRequirement", &[]));
    leaf(&mut t, "EducationLevelCode", EDUCATION, Op::Code(&["profiel", "vereisten", "3", "diplomaNiveau", "code"]));
    t.push(Op::Close("EducationRequirement"));
    t.push(Op::Open("ExperienceSummary", &[]));
    t.push(Op::Open("ExperienceCategory", &[]));
    leaf(&mut t, "CategoryCode", ISCO, Op::Code(&["functie", "beroepsprofiel", "code"]));
    leaf(&mut t, "Measure", &[("unitCode", "year")], Op::Code(&["functie", "beroepsprofiel", "ervaring", "code"]));
    t.push(Op::Close("ExperienceCategory"));
    t.push(Op::Close("ExperienceSummary"));
    leaf(&mut t, "LicenseTypeCode", &[], Op::Code(&["profiel", "vereisten", "2", "code"]));
    t.push(Op::Close("PositionQualifications"));
    t.push(Op::Open("PositionFormattedDescription", &[]));
    t.push(Op::Open("Content", &[]));
    t.push(Op::Html(&["functie", "omschrijving"]));
    t.push(Op::Html(&["vrijeVereiste"]));
    t.push(Op::Html(&["arbeidsovereenkomst", "extra"]));
    t.push(Op::Close("Content"));
    t.push(Op::Close("PositionFormattedDescription"));
    t.push(Op::Open("PositionPeriod", &[]));
    t.push(Op::Open("StartDate", &[]));
    leaf(&mut t, "DateText", &[], Op::Copy(&["arbeidsovereenkomst", "vermoedelijkeStartdatum"]));
    t.push(Op::Close("StartDate"));
    t.push(Op::Close("PositionPeriod"));
    leaf(&mut t, "ImmediateStartIndicator", &[], Op::Text("false"));
    leaf(&mut t, "PositionScheduleTypeCode", &[], Op::Code(&["arbeidsovereenkomst", "arbeidsRegime", "code"]));
    t.push(Op::Open("OfferedRemunerationPackage", &[]));
    t.push(Op::Open("RemunerationRange", &[]));
    leaf(
        &mut t,
        "RemunerationMinimumAmount",
        &[("currencyID", "EUR")],
        Op::Copy(&["arbeidsovereenkomst", "minimumBrutoLoon"]),
    );
    leaf(
        &mut t,
        "RemunerationMaximumAmount",
        &[("currencyID", "EUR")],
        Op::Copy(&["arbeidsovereenkomst", "maximumBrutoLoon"]),
    );
    t.push(Op::Close("RemunerationRange"));
    t.push(Op::Close("OfferedRemunerationPackage"));
    t.push(Op::Close("PositionProfile"));
    t
}

fn find<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

fn floor(bytes: &[u8], table: &[Op], codes: &HashMap<&str, &str>) -> Vec<u8> {
    let value: Value = serde_json::from_slice(bytes).expect("the sample is JSON");
    let mut writer = Writer::new(Vec::with_capacity(8192));
    let mut write = |event: Event<'_>| writer.write_event(event).expect("a vector takes everything");
    write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let root = [
        ("xmlns", "http://www.hr-xml.org/3"),
        ("xmlns:oa", "http://www.openapplications.org/oagis/9"),
        ("validFrom", "2026-11-10"),
        ("majorVersionID", "3"),
        ("minorVersionID", "2"),
    ];
    write(Event::Start(BytesStart::new("PositionOpening").with_attributes(root)));
    for op in table {
        match op {
            Op::Open(name, attributes) => {
                write(Event::Start(BytesStart::new(*name).with_attributes(attributes.iter().copied())));
            }
            Op::Close(name) => write(Event::End(BytesEnd::new(*name))),
            Op::Text(text) => write(Event::Text(BytesText::new(text))),
            Op::Copy(path) => match find(&value, path) {
                Some(Value::String(text)) => write(Event::Text(BytesText::new(text))),
                Some(other) => write(Event::Text(BytesText::new(&other.to_string()))),
                None => {}
            },
            Op::Code(path) => {
                if let Some(code) = find(&value, path).and_then(Value::as_str) {
                    write(Event::Text(BytesText::new(codes.get(code).copied().unwrap_or(code))));
                }
            }
            Op::Html(path) => {
                if let Some(html) = find(&value, path).and_then(Value::as_str) {
                    for event in BytesCData::escaped(&sanitise(html)) {
                        write(Event::CData(event));
                    }
                }
            }
        }
    }
    write(Event::End(BytesEnd::new("PositionOpening")));
    writer.into_inner()
}

/// The best of several rounds, in microseconds: what disturbs a measurement only ever adds.
fn best(mut run: impl FnMut()) -> f64 {
    const ROUNDS: usize = 60;
    const REPEATS: u32 = 200;
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..REPEATS {
            run();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS));
    }
    best
}

fn main() {
    let only = std::env::args().nth(1);
    let catalogue = Catalogue::load(Path::new("mappings")).expect("the mappings load");
    let mapping = |name: &str| -> &Mapping {
        catalogue.mapping(&name.parse().expect("a name"), Kind::Vacancy).expect("the mapping is there")
    };
    let (vdab, eures) = (mapping("vdab-json"), mapping("eures-xml"));
    let table = table();
    let codes = HashMap::from([
        ("GEPUBLICEERD", "Active"),
        ("M120101-1", "2413"),
        ("G", "DirectHire"),
        ("Nederlands", "nl"),
        ("Frans", "fr"),
        ("15", "C1"),
        ("13", "B1"),
        ("E", "7"),
        ("3", "2"),
        ("B", "B"),
        ("V", "FullTime"),
        ("BE", "BE"),
    ]);
    for sample in ["001-full-html", "002-full-plain"] {
        let path = format!("mappings/dialects/vdab-json/samples/{sample}.in.json");
        let bytes = std::fs::read(&path).expect("the sample is there");
        let read = || vdab.read(&bytes, &ReadOptions::default()).expect("the sample reads");
        let reading = read();
        let write = || eures.write(&reading.record, &WriteOptions::default()).expect("the record is written");
        if let Some(only) = &only {
            // For a profiler: one side of the translation, many times.
            let times = std::env::args().nth(2).and_then(|times| times.parse().ok()).unwrap_or(100_000);
            for _ in 0..times {
                match only.as_str() {
                    "read" => drop(black_box(read())),
                    "write" => drop(black_box(write())),
                    _ => drop(black_box(floor(&bytes, &table, &codes))),
                }
            }
            continue;
        }
        println!(
            "{sample}: {} bytes in, {} bytes out, floor {} bytes",
            bytes.len(),
            write().bytes.len(),
            floor(&bytes, &table, &codes).len()
        );
        let floor_us = best(|| {
            black_box(floor(black_box(&bytes), &table, &codes));
        });
        let read_us = best(|| {
            black_box(read());
        });
        let write_us = best(|| {
            black_box(write());
        });
        let both_us = best(|| {
            let reading = vdab.read(black_box(&bytes), &ReadOptions::default()).expect("the sample reads");
            black_box(eures.write(&reading.record, &WriteOptions::default()).expect("the record is written"));
        });
        println!(
            "  floor {floor_us:.1} µs, ours {both_us:.1} µs = {:.2} × (read {read_us:.1}, write {write_us:.1})",
            both_us / floor_us
        );
    }
}
