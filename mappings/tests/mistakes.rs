//! Mistakes in files of one's own: each is named with file, line, rule and remedy.

mod readme;

use std::fs;

use mappings::{Catalogue, Defaults, MappingError};
use schemas::Kind;

const HARBOUR: &str = "dialects/harbour-json/vacancy.toml";
const GUILD: &str = "dialects/guild-xml/vacancy.toml";
const GHENT: &str = "dialects/harbour-ghent/vacancy.toml";
const NOTICE: &str = "dialects/notice-text/vacancy.toml";
const HOURS: &str = "codelists/harbour/hours.tsv";
const HOURS_WALK: &str = "crosswalks/harbour-hours--eures-position-schedule.sssom.tsv";

/// File, what is replaced in it, by what, and what is said of it.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (HARBOUR, "\"openings\"  ", "\"opening\"  ",
        "rule `opening`: `Vacancy` has no field `opening`; did you mean `openings`?"),
    (HARBOUR, "must =", "most =",
        "rule `reference`: unknown option `most`; did you mean `must`?"),
    (HARBOUR, "[assume]", "[asume]",
        "rule `asume`: there is no such table; did you mean `assume`?"),
    (HARBOUR, "root =", "roots =",
        "rule `dialect`: unknown option `roots`; did you mean `root`?"),
    (HARBOUR, "\"harbour/hours\"", "\"harbour/hour\"",
        "rule `schedule.type`: there is no code list `harbour/hour`; did you mean `harbour/hours`?"),
    (HARBOUR, "\"comma\"", "\"coma\"",
        "rule `pay[0].minimum`: `decimal` is `coma`; did you mean `comma`?"),
    (HARBOUR, "\"published\", \"open\"", "\"publish\", \"open\"",
        "rule `status`: `publish` is no symbol of the field; did you mean `published`?"),
    (HARBOUR, "format = \"json\"", "format = \"jason\"",
        "rule `dialect`: `format` is `jason`; did you mean `json`?"),
    (HARBOUR, "contract.starts_text\" }", "contract.start_text\" }",
        "rule `contract.starts_on`: `keep_text = \"contract.start_text\"` is no plain text field; name one"),
    (HARBOUR, "\".town\"", "\".town.\"",
        "rule `locations[].city`: `.town.` is no path; the path ends with `.`; remove it"),
    (HARBOUR, "needs[kind=language]", "needs[kind=language",
        "rule `languages[]`: `needs[kind=language` is no path; a bracket is not closed"),
    (HARBOUR, "\".town\"", "\"town\"",
        "rule `locations[].city`: the path stands outside of the repeated part of `locations[]`; write a path below its `each`"),
    (HARBOUR, "= \"seats\"", "= \".seats\"",
        "rule `openings`: a relative path outside a repeated part; write the path from the root"),
    (HARBOUR, "\"locations[].city\" ", "\"locations.city\" ",
        "rule `locations.city`: nothing can follow before `.city`; a list needs `[]` behind it"),
    (HARBOUR, "\"locations[]\"   ", "\"locations\"   ",
        "rule `locations`"),
    (HARBOUR, "\".town\"", "{ at = \".town\", ours = \"+{n}\" }",
        "rule `locations[].city`: `ours` spells nothing in another way; name parts in braces, and add `pattern`"),
    (HARBOUR, "\".town\"", "{ at = \".town\", ours = \"+{n}{m}\", pattern = \"0{n}\" }",
        "rule `locations[].city`: `0{n}` has other parts than `ours`; name the same parts in both"),
    (HARBOUR, "decimal = \"comma\"", "decimal = true",
        "rule `pay[0].minimum`: `decimal` is boolean; write a text in quotation marks"),
    (HARBOUR, "as = \"text\"", "divide = 60",
        "rule `pay[0].minimum`: `divide` is 60, no power of ten; write 10, 100 or 1000"),
    (HARBOUR, "%d/%m/%Y", "%d/%!/%Y",
        "rule `contract.starts_on`: `%d/%!/%Y` is no date format; use the letters of strftime"),
    (HARBOUR, "[[\"published\", \"open\"], [\"closed\", \"filled\"]]", "{ published = \"open\" }",
        "rule `status`: `values` is inline table; write pairs"),
    (HARBOUR, "\"title\"\n", "{}\n",
        "rule `profiles[$language].title`: the line says no place in the document; add `at"),
    (HARBOUR, ", codes = \"harbour/hours\"", "",
        "rule `schedule.type`: the field is coded, but the line names no code list; add `codes = \"list\"`"),
    (HARBOUR, "\"pay[0].currency\" = \"EUR\"", "\"pay[0].currency\" = \"euro\"",
        "rule `pay[0].currency`: "),
    (HARBOUR, "language = \"en\"", "time_zone = \"Europe/Bruges\"\nlanguage = \"en\"",
        "rule `dialect`: there is no time zone `Europe/Bruges`; use a name of the tz database"),
    (HARBOUR, "language = \"en\"\n", "",
        "rule `dialect`: `[$language]` is used, but nothing says which it is; add `language = \"nl\"`"),
    (HARBOUR, "format = \"json\"\n", "",
        "rule `dialect`: `format` is missing; add `format = \"json\"`"),
    (HARBOUR, "[fields]", "[[shape]]\nname = \"one\"\n[shape.fields]",
        "rule `assume`: the table stands beside `[[shape]]`, not in one; write `[shape.assume]`"),
    (HARBOUR, "[assume]", "[assume",
        "unclosed table, expected `]`; the file is TOML 1.0"),
    (GUILD, "root = \"Vacancy\"\n", "",
        "rule `dialect`: the name of the root element is missing; add `root"),
    (GUILD, "./t:Title", "./u:Title",
        "rule `profiles[].title`: the prefix `u` is not declared; add it under `[namespaces]`"),
    (GUILD, "\"$office\"", "\"$ofice\"",
        "rule `Header/Office`: there is no parameter `ofice` under `[parameters]`; did you mean `office`?"),
    (GUILD, "[\"Header\", \"Trade\"", "[\"Heading\", \"Trade\"",
        "rule `order`: no line writes `Heading` there; remove it"),
    (GUILD, "[lists.\"rome-3\"]", "[lists.\"rome-4\"]",
        "rule `rome-4`: there is no code list `rome-4`; did you mean `rome-3`?"),
    (GUILD, "{postcode:\\d{5}}", "{postcode:\\d{5}",
        "rule `locations[].{postcode,city}`: a brace of"),
    (NOTICE, "'\"Apply before\"'", "'\"Apply before'",
        "rule `application.closes_on`: `\"Apply before` is no path; a quotation mark is not closed"),
    (GHENT, "like = \"harbour-json\"", "like = \"harbor-json\"",
        "rule `dialect`: there is no dialect `harbor-json`; did you mean `harbour-json`?"),
    (GHENT, "like = \"harbour-json\"", "like = \"vdab-json-v2\"",
        "rule `dialect`: `vdab-json-v2` is itself like `vdab-json`; write `like = \"vdab-json\"`"),
    (GHENT, "= \"weekly_hours\"", "= { at = \"weekly_hours\", absnt = [\"0\"] }",
        "rule `schedule.hours_per_week`: unknown option `absnt`; did you mean `absent`?"),
    (NOTICE, "[dialect]", "labels = { pages = \"post\" }\n[dialect]",
        "rule `labels`: unknown option `pages`; did you mean `page`?"),
    (NOTICE, "[dialect]", "labels = { first = \"Post\" }\n[dialect]",
        "rule `labels`: `first` and `before` belong together; write both"),
    (NOTICE, "[dialect]", "labels = { parts = { \"Start\" = \"{day\" } }\n[dialect]",
        "rule `Start`: a brace is not closed; write `{name}`"),
    (NOTICE, "[dialect]", "labels = { parts = { \"Start\" = \"{day:$number}\" } }\n[dialect]",
        "rule `Start`: there is no `number` under `[labels.words]`; write `{name}`"),
    (NOTICE, "[dialect]", "labels = { parts = { \"Start\" = [{ reads = \"x\" }] } }\n[dialect]",
        "rule `Start`: the wordings of the value are not understood; write"),
    (NOTICE, "[dialect]", "labels = { lines = { \"Start\" = \"(\" } }\n[dialect]",
        "rule `Start`: the regex is wrong; write one"),
    (NOTICE, "[dialect]", "derive = { \"locations[0].country\" = \"Place\" }\n[dialect]",
        "rule `locations[0].country`: nothing says what the value follows from; write"),
    (HARBOUR, "[dialect]", "labels = { page = \"post\" }\n[dialect]",
        "rule `labels`: the documents of the dialect have no labels; remove it"),
    (HOURS, "PT\t", "FT\t",
        "rule `FT`: the code stands twice; remove one of the rows"),
    (HOURS, "# title:", "# titel:",
        "rule `titel`: "),
    (HOURS, "code\t", "codes\t",
        "the first column is not `code`; the columns are"),
    (HOURS_WALK, "eures:PartTime", "eures:Parttimes",
        "rule `Parttimes`: `eures/position-schedule` has no code `Parttimes`; did you mean `PartTime`?"),
    (HOURS_WALK, "eures:PartTime", "eures:FullTime",
        "rule `FullTime`: going back from `FullTime` is ambiguous: FT, PT; write `true` in `reverse_default`"),
    (HOURS_WALK, "skos:exactMatch", "skos:exactmatch",
        "rule `harbour:FT`: `skos:exactmatch` is no mapping property; did you mean `skos:exactMatch`?"),
    (HOURS_WALK, "#subject_source: harbour/hours", "#subject_source: harbour/our",
        "rule `subject_source`: there is no code list `harbour/our`; did you mean `harbour/hours`?"),
];

/// What is said of a folder in which one text of one file is replaced; the text must be there to be replaced.
fn mistakes(file: &str, from: &str, to: &str) -> Vec<MappingError> {
    let folder = readme::folder(file, |text| {
        assert!(text.contains(from), "`{from}` is not in {file}");
        text.replacen(from, to, 1)
    });
    Catalogue::load(folder.path()).err().unwrap_or_default()
}

#[test]
fn typical_mistakes_name_file_line_rule_and_remedy() {
    let mut wrong = Vec::new();
    for (file, from, to, message) in MISTAKES {
        let errors = mistakes(file, from, to);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let Some(said) = errors.iter().find(|error| error.to_string().contains(message)) else {
            wrong.push(format!("`{to}`: no `{message}` in\n  {}", texts.join("\n  ")));
            continue;
        };
        if said.file != *file || said.remedy.is_empty() || Some(said.line) != line_of(file, from, to) {
            wrong.push(format!("`{to}`: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The line on which a replacement stands; what was taken away is missed where its table begins.
fn line_of(file: &str, from: &str, to: &str) -> Option<usize> {
    let (_, text) = readme::files().into_iter().find(|(known, _)| *known == file)?;
    let line_at = |at: usize| text[..at].matches('\n').count() + 1;
    match to {
        "" if from.ends_with('\n') => Some(line_at(text.find("[dialect]")?)),
        to if to.starts_with("[[shape]]") => Some(line_at(text.find("[assume]")?) + 2),
        _ => Some(line_at(text.find(from)?)),
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let folder = readme::folder(HARBOUR, |text| text.replace("must", "most").replace("[assume]", "[asume]"));
    let errors = Catalogue::load(folder.path()).err().unwrap_or_default();
    let rules: Vec<Option<&str>> = errors.iter().map(|error| error.rule.as_deref()).collect();
    assert_eq!(rules, [Some("asume"), Some("reference")]);
    let hours = folder.path().join(HOURS);
    assert!(fs::write(&hours, "codes\nFT\n").and_then(|()| fs::write(folder.path().join(HOURS_WALK), "#\n")).is_ok());
    let errors = Catalogue::load(folder.path()).err().unwrap_or_default();
    for file in [HOURS, HOURS_WALK] {
        assert!(errors.iter().any(|error| error.file == file), "{file}: {errors:?}");
    }
}

/// The parser of TOML once stumbled over each of these.
#[test]
fn what_is_no_toml_is_a_mistake_of_its_file() {
    let catalogue = Catalogue::embedded().unwrap();
    for text in ["==\n[._[._", "={=<=u==", "[a]\n\"x\" = { y ]\n[b[c]'\n", "\0", "v=0x _", "[[a]\nb = ["] {
        let mistakes = Defaults::from_toml("acme.toml", text, Kind::Vacancy).unwrap_err();
        assert!(mistakes.iter().all(|mistake| mistake.file == "acme.toml" && mistake.line > 0), "{text}: {mistakes:?}");
        let mistakes = catalogue.compile(&"acme".parse().unwrap(), Kind::Vacancy, text).unwrap_err();
        assert!(mistakes.iter().all(|mistake| mistake.file.contains("acme")), "{text}: {mistakes:?}");
    }
}
