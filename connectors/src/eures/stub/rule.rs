//! The rules that the puller checks, with their source, and the breaches it finds.

use std::fmt;

/// What EURES does with what breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Against practice only: no paper says what happens.
    Unusual,
    /// It is taken, but part of it is dropped or changed.
    Altered,
    /// It is rejected.
    Refused,
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `BR-COM-nn` is the EC's own number (*ECV Schema Documentation*, Annex 1); other codes are ours.
    pub code: &'static str,
    /// What happens to what breaks it.
    pub severity: Severity,
    /// What it asks for.
    pub says: &'static str,
    /// Whether documents made long ago obey it too: the samples of NAV break some rules that bind what is written.
    pub(super) binds_samples: bool,
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code)
    }
}

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The vacancy; none if the answer as a whole is wrong.
    pub reference: Option<String>,
    /// Which rule.
    pub rule: Rule,
    /// Where: an XPath into the document, or the call and a JSON pointer into its answer.
    pub at: String,
    /// What is wrong: codes and dates may be quoted, free text never is.
    pub problem: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = self.reference.as_deref().unwrap_or("-");
        write!(formatter, "{reference} {} at {}: {}", self.rule, self.at, self.problem)
    }
}

const fn refused(code: &'static str, says: &'static str) -> Rule {
    Rule { code, severity: Severity::Refused, says, binds_samples: true }
}

const fn refused_anew(code: &'static str, says: &'static str) -> Rule {
    Rule { code, severity: Severity::Refused, says, binds_samples: false }
}

const fn altered(code: &'static str, says: &'static str) -> Rule {
    Rule { code, severity: Severity::Altered, says, binds_samples: true }
}

/// Every rule by its name, and all of them in one list.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $rule:expr;)+) => {
        $($(#[$doc])* pub const $name: Rule = $rule;)+

        /// All rules.
        pub const RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    /// XML 1.0 and our bounds.
    XML = refused("XML", "a well-formed XML 1.0 document without document type, of sensible size and depth");
    /// The namespaces of `PositionOpening`.
    NAMESPACE = refused("NAMESPACE", "each element is in its namespace: HR-XML 3 or OAGIS 9");
    /// The elements of the EURES profile.
    ELEMENT = refused("ELEMENT", "no elements but those of the EURES profile of PositionOpening, at their place");
    /// The order of the documents seen.
    ORDER = refused("ORDER", "elements stand in the order in which NAV writes them");
    /// What may not be repeated.
    ONCE = refused("ONCE", "what stands once in a document is not repeated");
    /// What every document needs.
    MISSING = refused("MISSING", "what makes a vacancy is there: id, status, requester, profile, title, place, occupation, text");
    /// What every document seen has.
    PRACTICE = Rule {
        code: "PRACTICE",
        severity: Severity::Unusual,
        says: "what all 19 documents seen have is there, and attributes stand only where they have them",
        binds_samples: true,
    };
    /// The types of the schema.
    TYPE = refused("TYPE", "texts are not empty; numbers, truth values and status codes are such");
    /// The document is about the vacancy it comes with.
    DOCUMENT_ID = refused("DOCUMENT-ID", "the DocumentID is the reference of the envelope");
    /// Languages.
    LANGUAGE = altered("CL24", "languageCode and WorkingLanguageCode are ISO 639-1");
    /// Annex 1.
    BR_02 = altered("BR-COM-02", "profiles are in different languages");
    /// Annex 1.
    BR_05 = refused_anew("BR-COM-05", "dates are YYYY-MM-DD, YYYY-MM, YYYY or YYYY-MM-DDThh:mm:ss in UTC; a date text may be `na`");
    /// Annex 1.
    BR_10 = altered("BR-COM-10", "a Communication has a part");
    /// Annex 1.
    BR_11 = altered("BR-COM-11", "channels are of CL05");
    /// Annex 1.
    BR_13 = refused("BR-COM-13", "levels of education are of CL15: ISCED 2011 or EQF");
    /// Annex 1.
    BR_14 = refused("BR-COM-14", "an element made of others has at least one");
    /// Annex 1.
    BR_20 = refused("BR-COM-20", "industries are of CL31: NACE Rev. 2");
    /// Annex 1.
    BR_21 = refused_anew("BR-COM-21", "regions are of CL08: NUTS 2013, level 3");
    /// Annex 1.
    BR_26 = refused("BR-COM-26", "sizes of organisations are of CL35");
    /// Annex 1.
    BR_29 = refused("BR-COM-29", "occupations are of CL20: ISCO-08 or ESCO");
    /// Annex 1.
    BR_30 = refused("BR-COM-30", "bases of pay are of CL48");
    /// Annex 1.
    BR_31 = refused("BR-COM-31", "a pay package is in one currency");
    /// Annex 1.
    BR_32 = refused("BR-COM-32", "types of pay are of CL49");
    /// Annex 1.
    BR_33 = refused("BR-COM-33", "intervals of pay are of CL50");
    /// Annex 1.
    BR_34 = refused("BR-COM-34", "currencies are of CL09, and each amount has one");
    /// Annex 1.
    BR_36 = altered("BR-COM-36", "units are of CL54");
    /// Annex 1.
    BR_37 = refused("BR-COM-37", "dimensions of a language are of CL11");
    /// Annex 1.
    BR_38 = refused("BR-COM-38", "offerings are of CL37");
    /// Annex 1.
    BR_39 = refused("BR-COM-39", "schedules are of CL38");
    /// Annex 1.
    BR_41 = refused("BR-COM-41", "driving licences are of CL14");
    /// Annex 1.
    BR_44 = altered("BR-COM-44", "one occupation per list; only the first is kept");
    /// Annex 1.
    BR_45 = refused("BR-COM-45", "the version of the standard is of CL63");
    /// Annex 1.
    BR_46 = altered("BR-COM-46", "a language is ISO 639-1, another competency an ESCO skill");
    /// Annex 1.
    BR_47 = altered("BR-COM-47", "levels of a language are of CL25");
    /// Annex 1.
    BR_48 = altered("BR-COM-48", "a dimension has a type and a score");
    /// Annex 1.
    BR_49 = refused("BR-COM-49", "a competency with a dimension has a proficiency level");
    /// Annex 1.
    BR_52 = refused("BR-COM-52", "countries are of CL29: the members of EURES");
    /// Annex 1.
    BR_53 = altered("BR-COM-53", "a region lies in its country");
    /// Annex 1.
    BR_54 = refused("BR-COM-54", "a taxonomy is `language` or `other`");
    /// Annex 1.
    BR_55 = refused("BR-COM-55", "a coded value names its list: listName, listVersionID, listURI");
    /// Annex 1.
    BR_56 = refused("BR-COM-56", "majorVersionID and minorVersionID are there");
    /// Annex 1.
    BR_57 = refused("BR-COM-57", "the version is 3.2");
    /// Annex 1.
    CV_30 = refused("BR-CV-30", "a Communication of a CV has an address, a URI or a number to dial");
    /// The cardinalities of a CV.
    CV_NEEDED = refused("CV-NEEDED", "what stands at least once in a CV, and in its parts, is there");
    /// The parts of a CV.
    CV_MEMBER = refused("CV-MEMBER", "a CV has no parts but those that EURES takes; no number that a state gave a person");
    /// The code lists of a CV.
    CV_CODE = refused("CV-CODE", "coded values of a CV are of their lists");
    /// NAV's export of CVs.
    CV_CLOSED = refused("CV-CLOSED", "what is CLOSED comes without a document");
    /// The Input API.
    SHAPE = refused("SHAPE", "answers have the members of the Input API and no others; times are milliseconds since 1970");
    /// The Input API.
    DETAILS = refused("DETAILS", "getDetails answers for what was asked and nothing else, with a document if it is active");
    /// FMES 1.3.2 §2.2.1, example 1.
    TIME_1 = refused("TIME-1", "a new vacancy is in getAll, and in createdReferences of whoever asks since before its creation");
    /// FMES 1.3.2 §2.2.1, example 2.
    TIME_2 = refused("TIME-2", "a closed vacancy is not in getAll; it is CLOSED with a closingTimestamp, in closedReferences");
    /// FMES 1.3.2 §2.2.1, example 3.
    TIME_3 = refused("TIME-3", "a reopened vacancy has a new creationTimestamp and no closingTimestamp, in createdReferences");
    /// FMES 1.3.2 §2.2.1, example 4.
    TIME_4 = refused("TIME-4", "a changed vacancy keeps its creationTimestamp, its lastModificationTimestamp grows, in modifiedReferences");
    /// FMES 1.3.2 §2.2.1, seen from outside.
    TIME_5 = refused("TIME-5", "times never go back, none is before the question or in the future, and no change goes untold");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_its_own_code() {
        let codes: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), RULES.len());
    }
}
