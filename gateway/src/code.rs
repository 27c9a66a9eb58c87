//! Every code that a caller or an operator can see: one sorted list. Each has a page in `docs/errors/`.
//!
//! **Invariant:** the gateway emits no code that is not listed: [`code`] does not compile for another. Codes of the
//! mapping engine and of the connectors are listed as well; the tests compare the list with their sources.

pub mod page;

/// A code that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(&'static str);

impl Code {
    /// The code as it is printed.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The address of its page, at the gateway itself.
    pub fn page(self) -> String {
        format!("/errors/{}", self.0)
    }
}

/// A listed code; called in a `const` block, it does not compile for another.
pub const fn code(name: &'static str) -> Code {
    assert!(is_listed(name), "this code is not listed in code.rs");
    Code(name)
}

/// Every code, sorted.
pub const ALL: &[&str] = &[
    "bad_request",
    "broken_body",
    "busy",
    "bytes_changed",
    "came_from_eures",
    "came_from_there",
    "carried_elsewhere",
    "category_excepted",
    "category_not_explicit",
    "category_not_permitted",
    "category_too_early",
    "category_unclassified",
    "charset",
    "client",
    "close_of_unknown",
    "configuration_refused",
    "consent_expired",
    "consent_invalidated",
    "consent_missing_required",
    "consent_not_given",
    "consent_not_yet",
    "consent_out_of_period",
    "consent_refused",
    "consent_revoked",
    "consent_withdrawn",
    "cursor",
    "defect",
    "document_type",
    "duplicate_name",
    "echo",
    "embargo",
    "employer_country",
    "employer_opt_out",
    "encoding_broken",
    "encoding_truncated",
    "encoding_unknown",
    "forbidden",
    "given_up",
    "grant_changed",
    "idempotency_key",
    "idempotency_key_reused",
    "identity_linked_through",
    "identity_number_changed",
    "identity_number_shared",
    "identity_split_before",
    "illegal_grant",
    "inflates_too_much",
    "internal_only",
    "journal_behind",
    "keys_destroyed",
    "kind_not_accepted",
    "kind_not_wanted",
    "later",
    "limited",
    "linked_source",
    "location_country",
    "lone_surrogate",
    "media_address",
    "media_damaged",
    "media_encoded",
    "media_failed",
    "media_link",
    "media_not_yet_here",
    "media_origin",
    "media_redirected",
    "media_status",
    "media_token_over",
    "media_too_large",
    "media_type",
    "media_unreachable",
    "media_wrong_type",
    "method_not_allowed",
    "namespace_too_long",
    "nationals_only",
    "never_sent",
    "newer_version",
    "no_address",
    "no_answer",
    "no_batches",
    "no_birth_date",
    "no_canonical_record",
    "no_cin",
    "no_code_in_target",
    "no_country",
    "no_currency_of_the_list",
    "no_email",
    "no_event_id",
    "no_event_type",
    "no_family_name",
    "no_french_or_dutch",
    "no_given_name",
    "no_grant",
    "no_job_post",
    "no_json",
    "no_language",
    "no_level",
    "no_marital_status",
    "no_mobile",
    "no_municipality",
    "no_name",
    "no_nationality",
    "no_occupation",
    "no_profile",
    "no_record",
    "no_reference",
    "no_scheme",
    "no_sex",
    "no_situation",
    "no_skill",
    "no_start",
    "no_status",
    "no_time",
    "no_title",
    "no_topic",
    "no_town",
    "no_transfer_instrument",
    "no_url",
    "no_value",
    "no_xml",
    "not_a_member_country",
    "not_before",
    "not_found",
    "not_french_or_dutch",
    "not_international",
    "not_read",
    "not_subscribed",
    "not_written",
    "not_yet_valid",
    "nothing_asked",
    "nothing_permitted",
    "odd_status",
    "older_than_known",
    "other_root",
    "owner_died",
    "partner_failed",
    "personal_kind",
    "protocol",
    "proxy_answered",
    "purpose_not_permitted",
    "rate_limited",
    "recipient_country_not_named",
    "recipient_not_named",
    "redirected",
    "reference_characters",
    "reference_too_long",
    "rejected",
    "released",
    "repeated_key",
    "request",
    "retention_over",
    "same_content",
    "second_currency",
    "several_records",
    "signature",
    "slow_body",
    "stopping",
    "subject_erased",
    "subject_restricted",
    "subject_unknown",
    "time_out",
    "timeout",
    "too_deep",
    "too_large",
    "too_many_attributes",
    "too_many_values",
    "transfer_not_consented",
    "unauthorised",
    "unauthorized",
    "unavailable",
    "unknown_dialect",
    "unknown_entity",
    "unknown_kind",
    "unknown_prefix",
    "unknown_profile",
    "unknown_shape",
    "unreachable",
    "unreadable",
    "validity_ended",
    "window_ended",
    "wrong_body",
    "wrong_cursor",
    "wrong_filter",
    "wrong_range",
];

const fn is_listed(name: &str) -> bool {
    let mut at = 0;
    while at < ALL.len() {
        if is_equal(ALL[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use regex::Regex;

    use super::*;

    /// Where codes are given, and how that looks: one pattern per way of giving one, its first group the code.
    const GIVEN: &[(&str, &str, &str)] = &[
        (
            "mappings/src",
            "rs",
            r#"ReadFailure::of\([^"]*"[^"]*", "([a-z_]+)"|ReadFailure::of\([a-z_.()]+, "([a-z_]+)""#,
        ),
        ("mappings/src", "rs", r#"\.fault\("([a-z_]+)""#),
        ("mappings/src", "rs", r#"code(?:: | = )"([a-z_]+)"\.to_owned\(\)"#),
        ("mappings/src/document/json.rs", "rs", r#"\("([a-z_]+)", (?:format!\(|message|")"#),
        ("mappings/src/writing/mod.rs", "rs", r#"pub const [A-Z_]+: &str = "([a-z_]+)""#),
        ("mappings/dialects", "toml", r#"(?:required|required_item|must) *= *"([a-z_]+)""#),
        ("mappings/dialects", "toml", r#"\bone *= *"([a-z_]+)""#),
        ("connectors/src/outcome.rs", "rs", r#"pub const [A-Z_]+: &str = "([a-z_]+)""#),
        ("connectors/src/poller.rs", "rs", r#"Self::[A-Za-z]+(?:\(_\)| \{ \.\. \})? => "([a-z_]+)""#),
        ("connectors/src", "rs", r#"Fault \{ pointer: None, code: "([a-z_]+)""#),
        ("gateway/src/eligibility.rs", "rs", r#"Self::[A-Za-z]+ => "([a-z_]+)",\n"#),
        ("consent/src/decision/reason.rs", "rs", r#"Self::[A-Za-z]+ => "([a-z_]+)",\n"#),
        ("gateway/src/eligibility/window.rs", "rs", r#"const [A-Z_]+: &str = "([a-z_]+)""#),
        ("gateway/src", "rs", r#"code\("([a-z_]+)"\) \}"#),
        ("gateway/src", "rs", r#"(?:code: |row\.code = )(?:Some\()?"([a-z_]+)"\.to_owned\(\)"#),
        ("gateway/src", "rs", r#"verdict\(DispatchState::[A-Za-z]+, "([a-z_]+)""#),
        ("gateway/src", "rs", r#"verdict, "([a-z_]+)"[,)]"#),
        ("gateway/src", "rs", r#"Meaning::[A-Za-z]+ => \("[a-z]+", "([a-z_]+)"\)"#),
        ("gateway/src", "rs", r#"=> \("([a-z_]+)", (?:faults|Vec::new\(\))\)"#),
        ("gateway/src", "rs", r#"\.park\([^"{]*"([a-z_]+)""#),
    ];

    /// What every page says, in this order.
    const PARTS: [&str; 4] =
        ["Seen as: ", "**What it means.** ", "**What happened to the message.** ", "**What to do.** "];

    #[test]
    fn the_list_is_sorted_and_holds_no_code_twice() {
        assert!(ALL.is_sorted_by(|one, other| one < other), "sort the list in code.rs");
    }

    #[test]
    fn every_code_has_a_page_with_the_same_parts() {
        let pages: BTreeSet<&str> = page::all().map(|(code, _)| code).collect();
        let codes: BTreeSet<&str> = ALL.iter().copied().collect();
        assert_eq!(codes.difference(&pages).collect::<Vec<_>>(), Vec::<&&str>::new(), "write docs/errors/<code>.md");
        assert_eq!(
            pages.difference(&codes).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "list the code, or drop its page"
        );
        for (code, text) in page::all() {
            assert!(text.starts_with(&format!("# `{code}`\n")), "{code}: the first line is its name");
            let parts: Vec<&str> = text.split("\n\n").skip(1).collect();
            assert_eq!(parts.len(), PARTS.len(), "{code}: the parts are {PARTS:?}");
            for (part, begins) in parts.iter().zip(PARTS) {
                let said = part.strip_prefix(begins).unwrap_or_default().trim();
                assert!(said.len() > 3 && said.ends_with('.'), "{code}: there is nothing behind `{begins}`");
            }
        }
    }

    #[test]
    fn every_code_that_is_given_is_listed_and_every_listed_one_is_given() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut given = BTreeSet::new();
        for (place, extension, pattern) in GIVEN {
            let pattern = Regex::new(pattern).unwrap();
            let before = given.len();
            let mut found = false;
            for text in texts(&root.join(place), extension) {
                for captures in pattern.captures_iter(&text) {
                    found = true;
                    given.extend(captures.iter().skip(1).flatten().map(|code| code.as_str().to_owned()));
                }
            }
            assert!(found || given.len() > before, "the pattern `{pattern}` finds nothing in {place}");
        }
        let listed: BTreeSet<String> = ALL.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(given.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "list them in code.rs");
        assert_eq!(listed.difference(&given).collect::<Vec<_>>(), Vec::<&String>::new(), "nobody gives them");
    }

    /// Every file below a place, tests cut off.
    fn texts(place: &Path, extension: &str) -> Vec<String> {
        let mut paths = vec![place.to_owned()];
        let mut texts = Vec::new();
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path())
                        .filter(|path| is_code(path.as_path())),
                );
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).unwrap();
                texts.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned());
            }
        }
        texts
    }

    /// Samples, stub partners and the tests of others give no codes of ours.
    fn is_code(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        !["samples", "stub", "stub.rs", "tests.rs", "conformance", "laws"].contains(&name.as_str())
    }
}
