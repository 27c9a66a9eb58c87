//! What ANAPEC asks of a vacancy that is brought: **our profile**, a text of the labels that its own pages have.

use jiff::fmt::strtime;

use crate::{foreign_text, rest::stub::Finding};

/// Without these a text is no offer.
const NEEDED: [&str; 2] = ["Référence de l'offre", "Intitulé du poste"];
/// What a status may be.
const STATUSES: [&str; 4] = ["publiée", "suspendue", "brouillon", "clôturée"];
/// Days as ANAPEC writes them.
const DAYS: [&str; 3] = ["Date", "Date de début", "Date de fin"];

/// The rules that a document breaks; documents that are no text are not looked at.
pub(super) fn inspect(media_type: &str, document: &[u8]) -> Vec<Finding> {
    if !media_type.starts_with("text/plain") {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(document);
    let labels = labels(&text);
    let finding = |label: &str, code, detail: &str| Finding {
        pointer: format!("/{}", foreign_text::one_line(label)),
        code,
        detail: detail.to_owned(),
    };
    let missing =
        NEEDED.iter().filter(|needed| labels.iter().all(|(label, value)| label != *needed || value.is_empty()));
    let mut findings: Vec<Finding> =
        missing.map(|label| finding(label, "missing", "the label or its value is missing")).collect();
    for (label, value) in &labels {
        let problem = match *label {
            "Statut" if !STATUSES.contains(value) => Some(("status", "there is no such status")),
            "Nombre de postes" if value.parse::<u32>().is_err() => Some(("number", "it is no number")),
            label if DAYS.contains(&label) && strtime::parse("%d/%m/%Y", value).is_err() => {
                Some(("day", "it is no day like 03/07/2026"))
            }
            _ => None,
        };
        findings.extend(problem.map(|(code, detail)| finding(label, code, detail)));
    }
    findings
}

/// The labels that begin a line, with the rest of that line; what is indented goes on with the text before.
fn labels(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with(char::is_whitespace));
    lines.filter_map(|line| line.split_once(" :")).map(|(label, value)| (label.trim(), value.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, &'static str)> {
        let found = inspect("text/plain; charset=utf-8", text.as_bytes());
        found.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn an_offer_in_order_is_taken() {
        let text = "Référence de l'offre : V-1\nDate : 20/07/2026\nIntitulé du poste : Soudeur\nNombre de postes : 3\n\
                    Langues : Français : Courant\n    Date : libre\nStatut : publiée\n";
        assert_eq!(codes(text), []);
        assert_eq!(inspect("application/json", b"{}"), []);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let text = "Intitulé du poste :\nDate : 2026-07-20\nNombre de postes : trois\nStatut : ouverte\n";
        let expected = [
            ("/Référence de l'offre", "missing"),
            ("/Intitulé du poste", "missing"),
            ("/Date", "day"),
            ("/Nombre de postes", "number"),
            ("/Statut", "status"),
        ];
        assert_eq!(codes(text), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }
}
