//! What VDAB asks of a vacancy that is posted.
//!
//! Known: HR-XML, texts of at most 4,000 characters and 4,000 bytes, no links in them, a publication of at most ninety
//! days. The rest is **our profile**: HR-XML 2.5 (`PositionOpening` of 2007-04-15), with the publication as the validity
//! of the posting or of the record's status.

use jiff::civil::Date;

use crate::{
    rest::stub::Finding,
    stub::document::{self, Element, Space},
};

/// In characters and in bytes.
const LONGEST_TEXT: usize = 4_000;
/// In days.
const LONGEST_PUBLICATION: i64 = 90;
/// Elements that are made for links and addresses.
const LINK_ELEMENTS: [&str; 4] = ["InternetWebAddress", "InternetEmailAddress", "MapLink", "Link"];
/// What HR-XML 2.5 lets stand for a day.
const NOT_DAYS: [&str; 2] = ["notKnown", "notApplicable"];
/// What a link begins with.
const LINKS: [&str; 5] = ["http:", "https:", "www.", "ftp:", "mailto:"];
/// The end of a host that may be linked to without a scheme: the commonest will do.
const HOST_ENDS: [&str; 16] = [
    ".be",
    ".brussels",
    ".co",
    ".com",
    ".de",
    ".eu",
    ".example",
    ".fr",
    ".gl",
    ".info",
    ".lu",
    ".ly",
    ".net",
    ".nl",
    ".org",
    ".vlaanderen",
];
/// What looks like a host.
const NO_HOST: &str = "asp.net";

/// The rules that a document breaks.
pub(super) fn inspect(document: &[u8]) -> Vec<Finding> {
    let finding =
        |element: &str, code, detail: &str| Finding { pointer: element.to_owned(), code, detail: detail.to_owned() };
    let parsed = std::str::from_utf8(document).map_err(|_| "it is not in UTF-8").and_then(document::parse);
    let root = match parsed {
        Ok(root) => root,
        Err(problem) => return vec![finding("", "no_document", problem)],
    };
    if root.name != "PositionOpening" || root.space != Space::HrXml2 {
        return vec![finding(&root.path, "root", "the root is not `PositionOpening` of HR-XML 2.5")];
    }
    let mut findings = Vec::new();
    if !root.has_text(&["PositionRecordInfo", "Id", "IdValue"]) {
        findings.push(finding(&root.path, "id", "there is no `PositionRecordInfo/Id/IdValue`"));
    }
    let titles: [&[&str]; 2] =
        [&["PositionPostings", "PositionPosting", "Title"], &["PositionProfile", "PositionDetail", "PositionTitle"]];
    if !titles.iter().any(|path| root.has_text(path)) {
        findings.push(finding(&root.path, "title", "there is no title"));
    }
    root.visit(&mut |element| {
        let broken = [length(element), link(element), publication(element)];
        findings.extend(broken.into_iter().flatten().map(|(code, problem)| finding(&element.path, code, problem)));
    });
    findings
}

type Broken = Option<(&'static str, &'static str)>;

fn length(element: &Element) -> Broken {
    if element.text.chars().count() > LONGEST_TEXT {
        return Some(("text_too_long", "a text has more than 4,000 characters"));
    }
    (element.text.len() > LONGEST_TEXT).then_some(("text_too_long", "a text has more than 4,000 bytes"))
}

fn link(element: &Element) -> Broken {
    let text = element.text.to_lowercase();
    let holds_link = text.contains("<a ")
        || LINKS.iter().any(|link| begins_a_word(&text, link))
        || text.split(|sign: char| sign.is_whitespace() || "<>()[]\"',;".contains(sign)).any(is_path_on_a_host);
    let may_hold_one = LINK_ELEMENTS.contains(&element.name.as_str());
    (holds_link && !may_hold_one).then_some(("link", "a text holds a link"))
}

fn begins_a_word(text: &str, link: &str) -> bool {
    text.match_indices(link).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// `bit.ly/x` and `//example.be`: a host without a scheme, with a path or behind two slashes.
fn is_path_on_a_host(word: &str) -> bool {
    let (is_relative, word) = word.strip_prefix("//").map_or((false, word), |word| (true, word));
    let (host, has_path) = word.split_once('/').map_or((word, false), |(host, _)| (host, true));
    let is_host = host != NO_HOST && !host.contains('@') && HOST_ENDS.iter().any(|end| host.ends_with(end));
    is_host && (is_relative || has_path)
}

/// `validFrom` and `validTo` of `PositionPosting/Id` and `PositionRecordInfo/Status`.
fn publication(element: &Element) -> Broken {
    let is_publication =
        ["/PositionPosting[", "/PositionRecordInfo["].iter().any(|parent| element.path.contains(parent));
    if !is_publication || !matches!(element.name.as_str(), "Id" | "Status") {
        return None;
    }
    let stated = |name| element.attribute(name).filter(|value| !NOT_DAYS.contains(value));
    let (from, to) = (stated("validFrom")?, stated("validTo")?);
    let (Ok(from), Ok(to)) = (day(from), day(to)) else {
        return Some(("publication", "a day of publication is no date"));
    };
    let days = (to - from).get_days();
    if to < from {
        return Some(("publication", "the publication ends before it begins"));
    }
    (i64::from(days) > LONGEST_PUBLICATION).then_some(("publication", "the publication is longer than 90 days"))
}

/// A day, or the day of an instant.
fn day(text: &str) -> Result<Date, jiff::Error> {
    text.get(..10).unwrap_or(text).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(inner: &str) -> Vec<&'static str> {
        let document = format!(
            r#"<PositionOpening xmlns="http://ns.hr-xml.org/2007-04-15"><PositionRecordInfo><Id><IdValue>1</IdValue></Id>
               </PositionRecordInfo>{inner}</PositionOpening>"#
        );
        inspect(document.as_bytes()).iter().map(|finding| finding.code).collect()
    }

    fn posting(id: &str, text: &str) -> String {
        format!(
            "<PositionPostings><PositionPosting><Id {id}/><Title>T</Title><Summary>{text}</Summary></PositionPosting></PositionPostings>"
        )
    }

    #[test]
    fn texts_are_short_in_characters_and_in_bytes() {
        assert_eq!(codes(&posting("", &"x".repeat(4_000))), [""; 0]);
        assert_eq!(codes(&posting("", &"x".repeat(4_001))), ["text_too_long"]);
        assert_eq!(codes(&posting("", &"é".repeat(2_000))), [""; 0]);
        assert_eq!(codes(&posting("", &"é".repeat(2_001))), ["text_too_long"]);
    }

    #[test]
    fn texts_hold_no_links() {
        for text in
            ["zie https://x.example", "WWW.x.example", "(www.x.example)", "&lt;a href='x'>", "mailto:a@x.example"]
        {
            assert_eq!(codes(&posting("", text)), ["link"], "{text}");
        }
        for text in ["zie bit.ly/xyz", "Kok (bouw.be/jobs)", "t.co/abc", "//voorbeeld.be"] {
            assert_eq!(codes(&posting("", text)), ["link"], "{text}");
        }
        for text in [
            "awww. mooi",
            "jobs@voorbeeld.example",
            "http protocol",
            "Node.js/React, ASP.NET/C#",
            "bouw.be, m/v/x, 24/7, TCP/IP en/of e-mail",
        ] {
            assert_eq!(codes(&posting("", text)), [""; 0], "{text}");
        }
        let apply = "<PositionProfile><PositionDetail><PositionTitle>T</PositionTitle></PositionDetail><HowToApply><ApplicationMethod>\
                     <InternetWebAddress>https://x.example</InternetWebAddress></ApplicationMethod></HowToApply></PositionProfile>";
        assert_eq!(codes(apply), [""; 0]);
    }

    #[test]
    fn a_publication_lasts_ninety_days_at_most() {
        let id = |from: &str, to: &str| format!(r#"validFrom="{from}" validTo="{to}""#);
        assert_eq!(codes(&posting(&id("2026-11-01", "2027-01-30"), "x")), [""; 0]);
        assert_eq!(codes(&posting(&id("2026-11-01", "2027-01-31"), "x")), ["publication"]);
        assert_eq!(codes(&posting(&id("2026-11-02", "2026-11-01"), "x")), ["publication"]);
        assert_eq!(codes(&posting(&id("soon", "2026-11-01"), "x")), ["publication"]);
        assert_eq!(codes(&posting(&id("2026-11-01", "notKnown"), "x")), [""; 0]);
        assert_eq!(codes(&posting(r#"validFrom="2026-11-01""#, "x")), [""; 0]);
    }

    #[test]
    fn a_document_is_a_position_opening_with_id_and_title() {
        assert_eq!(codes(""), ["title"]);
        let inspect = |document: &str| inspect(document.as_bytes())[0].code;
        assert_eq!(inspect("<PositionOpening/>"), "root");
        assert_eq!(inspect("<PositionOpening>"), "no_document");
        let empty = r#"<PositionOpening xmlns="http://ns.hr-xml.org/2007-04-15"/>"#;
        assert_eq!(inspect(empty), "id");
    }
}
