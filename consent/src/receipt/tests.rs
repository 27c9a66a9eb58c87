use std::collections::BTreeSet;

use super::*;
use crate::{
    terms::{Action, LegalBasis, Purpose, Right, Stage, may_be_asked_for},
    transfer::TransferInstrument,
};

fn sample() -> Grant {
    serde_json::from_str(include_str!("../../../tests/consent/grant.json")).unwrap()
}

fn receipt(language: Language) -> Receipt {
    Receipt::of(&sample(), language, "2026-03-03T10:00:00Z".parse().unwrap())
}

#[test]
fn every_term_is_said_in_every_language() {
    let mut terms: BTreeSet<&str> = BTreeSet::new();
    terms.extend(State::ALL.iter().map(|one| one.as_str()));
    terms.extend(Purpose::ALL.iter().map(|one| one.as_str()));
    terms.extend(Action::ALL.iter().map(|one| one.as_str()));
    terms.extend(schemas::Category::ALL.iter().filter(|one| may_be_asked_for(**one)).map(|one| one.as_str()));
    terms.extend(Right::ALL.iter().map(|one| one.as_str()));
    terms.extend(Stage::ALL.iter().map(|one| one.as_str()));
    terms.extend(LegalBasis::ALL.iter().map(|one| one.as_str()));
    terms.extend(TransferInstrument::ALL.iter().map(|one| one.as_str()));
    for language in Language::ALL {
        let said: BTreeSet<&str> = language.texts().terms().keys().map(String::as_str).collect();
        assert_eq!(said, terms, "{language}");
        for (term, label) in language.texts().terms() {
            assert!(!label.trim().is_empty() && label != term, "{language}: {term}");
        }
    }
}

#[test]
fn every_language_has_the_same_words_with_the_same_gaps() {
    let gaps = |text: &str| text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
    let shape = |language: Language| -> Vec<(String, BTreeSet<String>)> {
        language.texts().page().iter().map(|(key, text)| (key.clone(), gaps(text))).collect()
    };
    for language in Language::ALL {
        assert_eq!(shape(*language), shape(Language::English), "{language}");
    }
}

#[test]
fn a_receipt_says_who_may_have_what_for_how_long() {
    let json = serde_json::to_value(receipt(Language::Dutch)).unwrap();
    assert_eq!(json["state"]["label"], "u hebt toegestemd");
    assert_eq!(json["ends"], "2027-03-02");
    let permission = &json["permissions"][0];
    assert_eq!(permission["who"][0], "Acme (werkgever be-kbo:0999999922)");
    assert_eq!(permission["retention"], "6 maanden");
    assert_eq!(permission["when"][0], "tot dit gebeurt: uw sollicitatie of plaatsing wordt afgesloten");
    assert_eq!(permission["exceptions"][0]["when"][0], "tot deze fase: gesprek afgesproken");
    assert_eq!(permission["exceptions"][0]["permits"], false);
    assert_eq!(json["transfers"][0], "van Marokko naar België: uw uitdrukkelijke toestemming (wet 09-08, artikel 44)");
    assert_eq!(receipt(Language::Dutch).receipt_id, receipt(Language::Dutch).receipt_id);
    assert_ne!(receipt(Language::Dutch).receipt_id, receipt(Language::French).receipt_id);
}

#[test]
fn the_page_names_every_category_that_is_permitted_and_every_right() {
    for language in Language::ALL {
        let page = receipt(*language).page().unwrap();
        let texts = language.texts();
        let grant = sample();
        let processing = &grant.record().processing;
        let categories = processing.provisions[0].categories.iter().map(|one| one.as_str());
        for term in categories.chain(processing.rights.iter().map(|one| one.as_str())) {
            let label = texts.term(term).label.replace('\'', "&#x27;");
            assert!(page.contains(&label), "{language}: {term}");
        }
        for key in ["nothing_else", "withdraw_note", "may_not", "onward_deny"] {
            assert!(page.contains(&texts.page_with(key, &[])), "{language}: {key}");
        }
        assert!(!page.contains('{'.to_string().repeat(2).as_str()), "{language}: nothing is left to fill in");
    }
}

#[test]
fn arabic_is_written_from_the_right_and_counts_as_arabic_does() {
    let page = receipt(Language::Arabic).page().unwrap();
    assert!(page.contains("<html lang=\"ar\" dir=\"rtl\">"), "{page}");
    assert!(receipt(Language::French).page().unwrap().contains("<html lang=\"fr\" dir=\"ltr\">"));
    let texts = Language::Arabic.texts();
    for (period, said) in [("P1M", "شهر واحد"), ("P2M", "شهرين"), ("P6M", "6 أشهر"), ("P12M", "12 شهراً")]
    {
        assert_eq!(texts.period(period.parse().unwrap()), said);
    }
    assert_eq!(Language::French.texts().period("P1Y6M".parse().unwrap()), "1 an + 6 mois");
}

#[test]
fn nothing_of_a_record_becomes_markup() {
    let mut grant = serde_json::to_value(sample()).unwrap();
    grant["parties"][0]["name"] = "<script>alert(1)</script> & Co".into();
    grant["processing"]["withdrawal_method"] = "\"><img src=x>".into();
    let grant: Grant = serde_json::from_value(grant).unwrap();
    let page = Receipt::of(&grant, Language::English, Timestamp::UNIX_EPOCH).page().unwrap();
    assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
}
