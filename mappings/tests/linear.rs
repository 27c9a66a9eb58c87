//! Reading and writing take time in proportion to the document: eight times as much of anything may not take sixty-four
//! times as long. What is compared is the processor's time of the thread, which other work on the machine leaves alone.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::time::Duration;

use mappings::{Catalogue, ReadOptions, Translation, WriteOptions, translate};
use rustix::time::{ClockId, clock_gettime};
use schemas::{DialectName, Kind};

/// How often a piece is repeated in the small document, and how much larger the large one is.
const PIECES: usize = 1_500;
const TIMES: u32 = 8;

/// The large document may take so much longer than in proportion; squared it would be eight times.
const SLACK: u32 = 4;

/// Less time is as good as this much: it cannot be measured well.
const LEAST: Duration = Duration::from_millis(1);

/// A dialect, and a document of it: what stands before, a piece with `#` for its number, and what stands behind.
type Wide = (&'static str, &'static str, &'static str, &'static str);

const VDAB_JSON: [Wide; 4] = [
    ("vdab-json", r#"{"vacatureReferentie":{"interneReferentie":"1"},"#, r#""m#":1,"#, r#""last":1}"#),
    ("vdab-json", r#"{"vacatureReferentie":{"interneReferentie":"1"},"x":["#, "#,", "0]}"),
    (
        "vdab-json",
        r#"{"vacatureReferentie":{"interneReferentie":"1"},"profiel":{"vereisten":["#,
        r#"{"type":"talen","label":"Frans","x":#},"#,
        "{}]}}",
    ),
    (
        "vdab-json",
        r#"{"vacatureReferentie":{"interneReferentie":"1"},"profiel":{"vereisten":["#,
        r#"{"type":"talen","label":"Taal #"},"#,
        "{}]}}",
    ),
];

const GREENHOUSE: [Wide; 3] = [
    (
        "greenhouse",
        r#"{"id":1,"requisition_id":"1","internal_job_id":1,"absolute_url":"","title":"x","#,
        r#""m#":1,"#,
        r#""last":1}"#,
    ),
    (
        "greenhouse",
        r#"{"id":1,"requisition_id":"1","internal_job_id":1,"absolute_url":"","title":"x","offices":["#,
        r#"{"id":#},"#,
        r#"{"id":0,"name":"Gent"}]}"#,
    ),
    (
        "greenhouse",
        r#"{"id":1,"requisition_id":"1","internal_job_id":1,"absolute_url":"","title":"x","metadata":["#,
        r#"{"id":#,"name":"a","value":"x","value_type":"short_text"},"#,
        "{}]}",
    ),
];

const EURES: [Wide; 5] = [
    ("eures-xml", EURES_BEFORE, "<a#/>", "</PositionOpening>"),
    ("eures-xml", EURES_BEFORE, "<a b='#' c='1'>#</a>", "</PositionOpening>"),
    (
        "eures-xml",
        EURES_BEFORE,
        "<PositionProfile languageCode='nl'><PositionTitle>a</PositionTitle><PositionLocation><Address>\
         <CityName xmlns='http://www.openapplications.org/oagis/9'>a#</CityName><CountryCode>BE</CountryCode>\
         </Address></PositionLocation></PositionProfile>",
        "</PositionOpening>",
    ),
    (
        "eures-xml",
        EURES_PROFILE_BEFORE,
        "<PositionLocation><Address><CountryCode>BE</CountryCode></Address></PositionLocation><x a='#'/>",
        "</PositionProfile></PositionOpening>",
    ),
    ("eures-xml", EURES_PROFILE_BEFORE, "<PositionTitle>#<b/></PositionTitle>", "</PositionProfile></PositionOpening>"),
];

const EURES_BEFORE: &str = "<PositionOpening xmlns='http://www.hr-xml.org/3'><DocumentID>1</DocumentID>\
     <PositionOpeningStatusCode>Active</PositionOpeningStatusCode>";
const EURES_PROFILE_BEFORE: &str = "<PositionOpening xmlns='http://www.hr-xml.org/3'><DocumentID>1</DocumentID>\
     <PositionOpeningStatusCode>Active</PositionOpeningStatusCode><PositionProfile languageCode='nl'>";

const HR_XML_BEFORE: &str = "<PositionOpening xmlns='http://ns.hr-xml.org/2007-04-15'><PositionRecordInfo>\
     <Id><IdValue>1</IdValue></Id><Status>Active</Status></PositionRecordInfo>";
const HR_XML_PROFILE_BEFORE: &str = "<PositionOpening xmlns='http://ns.hr-xml.org/2007-04-15'><PositionRecordInfo>\
     <Id><IdValue>1</IdValue></Id><Status>Active</Status></PositionRecordInfo><PositionProfile xml:lang='fr'>\
     <PositionDetail><PositionTitle>a</PositionTitle>";

const HR_XML: [Wide; 3] = [
    ("actiris-hrxml", HR_XML_BEFORE, "<a b='1' c='#'/>", "</PositionOpening>"),
    (
        "actiris-hrxml",
        HR_XML_PROFILE_BEFORE,
        "<Competency name='a'><CompetencyId id='#'/></Competency>",
        "</PositionDetail></PositionProfile></PositionOpening>",
    ),
    (
        "vdab-hrxml",
        HR_XML_PROFILE_BEFORE,
        "<Competency name='a'><CompetencyId id='#'/></Competency>",
        "</PositionDetail></PositionProfile></PositionOpening>",
    ),
];

const ANAPEC: [Wide; 5] = [
    ("anapec-offer", "Référence de l'offre : BE1308261158866\n", "a# :b\n", ""),
    ("anapec-offer", "Référence de l'offre : BE1308261158866\n", "Pointure : #\nFormation : Technicien\n", ""),
    ("anapec-offer", "Référence de l'offre : BE1308261158866\nFormation : ", "a ,", ""),
    ("anapec-offer", "Référence de l'offre : BE1308261158866\nFormation : ", "a# ,", ""),
    ("anapec-offer", "Référence de l'offre : BE1308261158866\nLangues : ", "Anglais bon, ", ""),
];

const CANONICAL: [Wide; 3] = [
    ("canonical", r#"{"reference":"1","locations":["#, r#"{"city":"a#"},"#, "{}]}"),
    ("canonical", r#"{"reference":"1","locations":["#, "{},", "{}]}"),
    ("canonical", r#"{"reference":"1","cleared":["#, r#""locations[#].city","#, r#""title"]}"#),
];

fn document((_, before, piece, behind): Wide, count: usize) -> String {
    let mut document = before.to_owned();
    for number in 0..count {
        document.push_str(&piece.replace('#', &number.to_string()));
    }
    document + behind
}

/// Translates a document to another dialect, and writes it in its own again.
fn work(catalogue: &Catalogue, from: &DialectName, document: &str) {
    let (read, write) = (ReadOptions { full: true, ..ReadOptions::default() }, WriteOptions::default());
    let target = if from.as_str() == "vdab-json" { "anapec-offer" } else { "vdab-json" };
    let to = target.parse().unwrap();
    let Translation { record, complement, .. } =
        translate(catalogue, (from, &to), Kind::Vacancy, document.as_bytes(), (&read, &write)).unwrap();
    if let Some(own) = catalogue.mapping(from, Kind::Vacancy) {
        let options = WriteOptions { complement: Some(&complement), full: true, ..WriteOptions::default() };
        drop(own.write(&record, &options));
    }
}

fn time_of(work: impl Fn()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let begun = now();
    work();
    now().saturating_sub(begun)
}

fn check(rows: &[Wide]) {
    let catalogue = Catalogue::embedded().unwrap();
    for row in rows {
        let from = row.0.parse().unwrap();
        let [small, large] = [PIECES, PIECES * TIMES as usize].map(|count| document(*row, count));
        let mut times = Vec::new();
        // Measured again before it is believed.
        let is_linear = (0..3).any(|_| {
            let [small, large] = [&small, &large].map(|document| time_of(|| work(&catalogue, &from, document)));
            times.push((small, large));
            large < small.max(LEAST) * TIMES * SLACK
        });
        println!("{row:?}: {times:?}");
        assert!(is_linear, "{row:?}: {TIMES} times as much took {times:?}");
    }
}

#[test]
fn wide_json_takes_time_in_proportion() {
    check(&VDAB_JSON);
    check(&GREENHOUSE);
    check(&CANONICAL);
}

#[test]
fn wide_xml_takes_time_in_proportion() {
    check(&EURES);
    check(&HR_XML);
}

#[test]
fn wide_labels_take_time_in_proportion() {
    check(&ANAPEC);
}
