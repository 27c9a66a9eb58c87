//! How much memory documents take that were made to take much: the peak of everything allocated, measured.

use mappings::{Catalogue, MAX_BYTES, ReadOptions, WriteOptions, translate};
use peak_alloc::PeakAlloc;
use schemas::Kind;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What the door takes at most.
const BODY: usize = 4 << 20;

/// A little less than as many values as are taken.
const MANY: usize = 260_000;

/// No document may take more, beside its own bytes.
const MOST_MIB: f32 = 384.0;

fn filled(before: &str, piece: &str, behind: &str, bytes: usize) -> Vec<u8> {
    let count = (bytes - before.len() - behind.len()) / piece.len();
    format!("{before}{}{behind}", piece.repeat(count)).into_bytes()
}

fn many(before: &str, piece: &str, behind: &str, values_in_piece: usize) -> Vec<u8> {
    filled(before, piece, behind, before.len() + behind.len() + piece.len() * (MANY / values_in_piece))
}

/// Bombs: from a dialect, a name, the document.
fn bombs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let wide = "n".repeat(1 << 20);
    let namespaced = format!("<PositionOpening xmlns='http://www.hr-xml.org/3' xmlns:n='{wide}'>");
    let (one, other) = ("m".repeat(256), "n".repeat(256));
    let changing = format!("<PositionOpening xmlns='http://www.hr-xml.org/3' xmlns:m='{one}' xmlns:n='{other}'>");
    let reference = "\"vacatureReferentie\":{\"interneReferentie\":\"1\"}";
    let requirements = format!("{{{reference},\"profiel\":{{\"vereisten\":[");
    let long_name = format!("{{{reference},\"{wide}\": [");
    let text = format!("{{{reference},\"x\": \"");
    let job = "{\"id\": 1, \"requisition_id\": \"1\", \"internal_job_id\": 1, \"absolute_url\": \"\", \"";
    let (title, content) = (format!("{job}title\": \""), format!("{job}content\": \""));
    let opening = "<PositionOpening xmlns='http://www.hr-xml.org/3'><DocumentID>1</DocumentID>";
    let offer = "Référence de l'offre : BE1308261158866\n";
    let hr_xml = "<PositionOpening xmlns='http://ns.hr-xml.org/2007-04-15'>";
    let items = "{\"reference\": \"1\", \"locations\": [";
    vec![
        ("canonical", "empty items", many(items, "{},", "{}]}", 1)),
        ("canonical", "wrong items", filled(items, "1,", "1]}", BODY)),
        ("canonical", "unknown names", many("{\"x\": [", "{\"y\":1},", "1]}", 2)),
        ("vdab-json", "numbers", many(&format!("{{{reference},\"x\": ["), "0,", "0]}", 1)),
        ("vdab-json", "long names", many(&long_name, "{\"a\":1},", "1]}", 2)),
        ("vdab-json", "requirements", many(&requirements, "{\"type\":\"talen\"},", "{}]}}", 2)),
        ("vdab-json-v2", "a text", filled(&text, "\\u00e9", "\"}", BODY)),
        ("greenhouse", "escapes", filled(&title, "&amp;lt;", "\"}", BODY)),
        ("greenhouse", "mark-up", filled(&content, "<b>", "\"}", BODY >> 4)),
        ("eures-xml", "elements", many(opening, "<a/>", "</PositionOpening>", 1)),
        ("eures-xml", "namespaces", filled(&namespaced, "<n:a/>", "</PositionOpening>", BODY)),
        ("eures-xml", "changing namespaces", filled(&changing, "<m:a/><n:a/>", "</PositionOpening>", 3 << 19)),
        ("actiris-hrxml", "attributes", many(hr_xml, "<a b='1' c='2'/>", "</PositionOpening>", 3)),
        ("vdab-hrxml", "references", filled(hr_xml, "&#233;", "</PositionOpening>", BODY)),
        ("anapec-offer", "labels", many(offer, "a:\n", "", 1)),
        ("anapec-offer", "values", filled(&format!("{offer}Formation : "), "a ,", "", 60_000)),
        ("anapec-offer", "a page", many(&format!("<div class=\"bloc-affiche-offre\">{offer}"), "<p>a:", "", 1)),
        ("anapec-offer", "a list", filled("{\"Offre\": [", "{\"id\":\"1\"},", "{}]}", BODY)),
        ("anapec-offer", "spoilt letters", filled(&format!("{offer}Poste : "), "Ã©", "", BODY)),
        ("canonical", "as large as can be", filled("{\"x\": [", "0,", "0]}", MAX_BYTES)),
        ("vdab-json", "as large as can be", filled("{\"x\": [", "0,", "0]}", MAX_BYTES)),
        ("vdab-json", "a text, as large as can be", filled("{\"x\": \"", "xxxx", "\"}", MAX_BYTES)),
        ("eures-xml", "as large as can be", filled("<PositionOpening>", "<a/>", "</PositionOpening>", MAX_BYTES)),
        ("eures-xml", "larger", vec![b' '; MAX_BYTES + 1]),
        ("anapec-offer", "larger", vec![b':'; BODY + 1]),
    ]
}

#[test]
fn no_document_takes_more_memory_than_is_set() {
    let catalogue = Catalogue::embedded().unwrap();
    for (from, name, document) in bombs() {
        let (read, write) = (ReadOptions { full: true, ..ReadOptions::default() }, WriteOptions::default());
        let before = ALLOCATED.current_usage_as_mb();
        ALLOCATED.reset_peak_usage();
        let begun = std::time::Instant::now();
        let names = (&from.parse().unwrap(), &"canonical".parse().unwrap());
        let outcome = translate(&catalogue, names, Kind::Vacancy, &document, (&read, &write));
        let taken = ALLOCATED.peak_usage_as_mb() - before;
        let how = outcome.map_or_else(|error| error.to_string(), |_| "read".to_owned());
        let how: String = how.chars().take(80).collect();
        let (kib, time) = (document.len() >> 10, begun.elapsed());
        println!("{from}, {name}: {kib} KiB take {taken:.0} MiB and {time:.1?} ({how})");
        assert!(taken < MOST_MIB, "{from}, {name}: {taken} MiB ({how})");
    }
}
