//! All code lists and crosswalks, checked against each other, and the ways between two vocabularies.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use regex::Regex;

use crate::{
    codes::{CodeList, Crosswalk, Grade, crosswalk::LinkRow},
    error::{MappingError, did_you_mean},
};

/// All code lists and crosswalks.
#[derive(Debug, Default)]
pub struct Library {
    lists: BTreeMap<Box<str>, Arc<CodeList>>,
    by_scheme: Arc<HashMap<Arc<str>, Vec<Arc<CodeList>>>>,
    crosswalks: Vec<Arc<Crosswalk>>,
}

/// A way from the codes of one list to those of another.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    hops: Vec<Hop>,
    /// The list it starts from.
    pub(crate) from: Arc<CodeList>,
    /// The list it leads to.
    pub(crate) to: Arc<CodeList>,
}

#[derive(Debug, Clone)]
enum Hop {
    Derive(Regex, Grade),
    Forward(Arc<Crosswalk>),
    Backward(Arc<Crosswalk>),
}

/// Where a route led.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrival<'r> {
    pub(crate) code: Code<'r>,
    pub(crate) grade: Grade,
    pub(crate) is_reversible: bool,
}

/// A code at the end of a route: one that a crosswalk holds, or one that was derived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Code<'r> {
    Held(&'r Arc<str>),
    Derived(Arc<str>),
}

impl Code<'_> {
    /// The code, shared.
    pub(crate) fn share(self) -> Arc<str> {
        match self {
            Self::Held(code) => code.clone(),
            Self::Derived(code) => code,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Held(code) => code,
            Self::Derived(code) => code,
        }
    }
}

impl Library {
    /// Puts lists and crosswalks together.
    ///
    /// # Errors
    /// Links to lists or codes that do not exist.
    pub fn new(lists: Vec<CodeList>, crosswalks: Vec<Crosswalk>) -> Result<Self, Vec<MappingError>> {
        let lists: BTreeMap<Box<str>, Arc<CodeList>> =
            lists.into_iter().map(|list| ((&**list.name()).into(), Arc::new(list))).collect();
        let mut by_scheme: HashMap<Arc<str>, Vec<Arc<CodeList>>> = HashMap::new();
        for list in lists.values() {
            by_scheme.entry(list.scheme().clone()).or_default().push(list.clone());
        }
        let crosswalks = crosswalks.into_iter().map(Arc::new).collect();
        let library = Self { lists, by_scheme: Arc::new(by_scheme), crosswalks };
        let mut errors = Vec::new();
        for crosswalk in &library.crosswalks {
            library.check(crosswalk, &mut errors);
        }
        for list in library.lists.values() {
            for derivation in list.derivations().iter().filter(|derivation| library.list(&derivation.list).is_none()) {
                errors.push(library.unknown_list(
                    format!("codelists/{}.tsv", list.name()),
                    derivation.line,
                    "derive",
                    &derivation.list,
                ));
            }
        }
        if errors.is_empty() { Ok(library) } else { Err(errors) }
    }

    fn check(&self, crosswalk: &Crosswalk, errors: &mut Vec<MappingError>) {
        let mut find = |key: &str, name: &str| {
            let found = self.list(name).cloned();
            if found.is_none() {
                errors.push(self.unknown_list(crosswalk.file.clone(), crosswalk.line_of(key), key, name));
            }
            found
        };
        let subject = find("subject_source", &crosswalk.subject);
        let object = find("object_source", &crosswalk.object);
        let (Some(subject), Some(object)) = (subject, object) else {
            return;
        };
        let mut check_code = |list: &CodeList, code: &str, row: &LinkRow| {
            if !list.knows(code) && !list.is_open() {
                errors.push(MappingError {
                    file: crosswalk.file.clone(),
                    line: row.line,
                    rule: Some(code.to_owned()),
                    problem: format!("`{}` has no code `{code}`", list.name()),
                    remedy: did_you_mean(code, list.codes().map(|code| &**code)),
                });
            }
        };
        for row in &crosswalk.rows {
            check_code(&subject, row.subject.split('+').next().unwrap_or_default(), row);
            if let Some(code) = &row.object {
                check_code(&object, code, row);
            }
        }
    }

    fn unknown_list(&self, file: String, line: usize, rule: &str, name: &str) -> MappingError {
        MappingError {
            file,
            line,
            rule: Some(rule.to_owned()),
            problem: format!("there is no code list `{name}`"),
            remedy: did_you_mean(name, self.lists.keys().map(|name| &**name)),
        }
    }

    /// The list of that name.
    pub fn list(&self, name: &str) -> Option<&Arc<CodeList>> {
        self.lists.get(name)
    }

    /// All lists, by name.
    pub fn lists(&self) -> impl Iterator<Item = &Arc<CodeList>> {
        self.lists.values()
    }

    /// All crosswalks.
    pub fn crosswalks(&self) -> impl Iterator<Item = &Arc<Crosswalk>> {
        self.crosswalks.iter()
    }

    /// The lists of every scheme.
    pub(crate) fn by_scheme(&self) -> &Arc<HashMap<Arc<str>, Vec<Arc<CodeList>>>> {
        &self.by_scheme
    }

    /// Every way that starts from a list: over one crosswalk, by derivation, or by derivation and one crosswalk.
    pub(crate) fn routes_from(&self, list: &Arc<CodeList>) -> Vec<Route> {
        let mut routes = self.walks_from(list, list, &[]);
        for derivation in list.derivations() {
            let Some(other) = self.list(&derivation.list) else {
                continue;
            };
            let hop = [Hop::Derive(derivation.pattern.clone(), derivation.grade)];
            routes.push(Route { hops: hop.to_vec(), from: list.clone(), to: other.clone() });
            routes.extend(self.walks_from(list, other, &hop));
        }
        routes
    }

    fn walks_from(&self, start: &Arc<CodeList>, list: &Arc<CodeList>, before: &[Hop]) -> Vec<Route> {
        let mut routes = Vec::new();
        let mut add = |hop: Hop, to: &str| {
            if let Some(to) = self.list(to) {
                let hops = before.iter().cloned().chain([hop]).collect();
                routes.push(Route { hops, from: start.clone(), to: to.clone() });
            }
        };
        for walk in &self.crosswalks {
            if *walk.subject == **list.name() {
                add(Hop::Forward(walk.clone()), &walk.object);
            }
            if *walk.object == **list.name() {
                add(Hop::Backward(walk.clone()), &walk.subject);
            }
        }
        routes
    }

    /// Every way that leads to a list.
    pub(crate) fn routes_to(&self, list: &Arc<CodeList>) -> Vec<Route> {
        let routes = self.lists.values().flat_map(|from| self.routes_from(from));
        routes.filter(|route| route.to.name() == list.name()).collect()
    }
}

impl Route {
    /// Follows the route from a code; `other` is the second part of a pair.
    pub(crate) fn follow<'r>(&'r self, code: &str, other: Option<&str>) -> Option<Arrival<'r>> {
        let (mut total, mut can_go_back) = (Grade::Exact, true);
        let mut at: Option<Code<'r>> = None;
        for hop in &self.hops {
            let from: &str = at.as_ref().map_or(code, Code::as_str);
            let (next, grade, is_reversible) = match hop {
                Hop::Derive(pattern, grade) => {
                    (Code::Derived(pattern.captures(from)?.get(1)?.as_str().into()), *grade, false)
                }
                Hop::Forward(walk) => {
                    let pair = other.filter(|_| at.is_none()).and_then(|other| walk.forward_pair(from, other));
                    let link = pair.or_else(|| walk.forward(from))?;
                    (Code::Held(&link.code), link.grade, link.is_reversible)
                }
                Hop::Backward(walk) => {
                    let link = walk.backward(from)?;
                    (Code::Held(&link.code), link.grade, link.is_reversible)
                }
            };
            total = total.then(grade);
            can_go_back &= is_reversible;
            at = Some(next);
        }
        Some(Arrival { code: at?, grade: total, is_reversible: can_go_back })
    }

    /// Whether the route goes against the direction of a crosswalk.
    pub(crate) fn goes_back(&self) -> bool {
        self.hops.iter().any(|hop| matches!(hop, Hop::Backward(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, header: &str, codes: &str) -> CodeList {
        let rows: String = codes.split(' ').flat_map(|code| [code, "\n"]).collect();
        CodeList::parse(name, name, &format!("{header}code\n{rows}")).unwrap()
    }

    fn walk(subject: &str, object: &str, rows: &str) -> Crosswalk {
        let columns = "subject_id\tpredicate_id\tobject_id\treverse_default\n";
        let text = format!("#subject_source: {subject}\n#object_source: {object}\n{columns}{rows}");
        Crosswalk::parse("w.sssom.tsv", &text).unwrap()
    }

    #[test]
    fn a_route_may_derive_and_then_walk() {
        let derive = "# derive: ^([A-Z][0-9]{4})[0-9]{2}$ -> rome target_is_broader\n# open: true\n";
        let lists = vec![list("competent", derive, "A110101"), list("rome", "", "A1101"), list("isco", "", "8341")];
        let library =
            Library::new(lists, vec![walk("rome", "isco", "rome:A1101\tskos:broadMatch\tisco:8341\t\n")]).unwrap();
        let routes = library.routes_from(library.list("competent").unwrap());
        let to_isco = routes.iter().find(|route| &**route.to.name() == "isco").unwrap();
        let arrival = to_isco.follow("A110102", None).unwrap();
        assert_eq!((arrival.code.as_str(), arrival.grade), ("8341", Grade::TargetIsBroader));
        assert!(to_isco.follow("X", None).is_none());
        assert_eq!(library.routes_to(library.list("isco").unwrap()).len(), 2);
    }

    #[test]
    fn links_to_what_does_not_exist_are_named() {
        let lists = vec![list("a", "", "A B"), list("b", "", "C")];
        let walks =
            vec![walk("a", "b", "a:A\tskos:exactMatch\tb:X\t\n"), walk("a", "bb", "a:A\tskos:exactMatch\tb:X\t\n")];
        let errors: Vec<String> = Library::new(lists, walks).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "w.sssom.tsv:4: rule `X`: `b` has no code `X`; did you mean `C`?",
                "w.sssom.tsv:2: rule `object_source`: there is no code list `bb`; did you mean `b`?",
            ]
        );
    }
}
