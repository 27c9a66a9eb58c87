//! A code list of a rule, and what its codes and words become in the canonical vocabularies.

use std::sync::Arc;

use schemas::Value;

use super::{CodeList, CodedShape, Found, Given, Grade, Named, library::Route};

/// A code list of a rule, with the ways into the canonical vocabularies.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) list: Arc<CodeList>,
    pub(super) is_canonical: bool,
    pub(super) onward: Vec<Route>,
}

impl Entry {
    pub(super) fn value_of_code(&self, shape: &CodedShape, code: Arc<str>, given: Given<'_>) -> Value {
        let arrival = self.onward.iter().find_map(|route| Some((route, route.follow(&code, given.pair)?)));
        let read = named(&self.list, Some(code), given.label.map(Into::into));
        match arrival {
            Some((route, there)) if !self.is_canonical => {
                shape.of_crosswalk(named(&route.to, Some(there.code.share()), None), there.grade, read)
            }
            _ => shape.of_source(read),
        }
    }

    pub(super) fn value_of_label(&self, shape: &CodedShape, code: &Arc<str>, read: Named, first: &CodeList) -> Value {
        let source = Named { code: read.code, label: read.label, ..named(first, None, None) };
        let arrival = self.onward.iter().find_map(|route| Some((route, route.follow(code, None)?)));
        match arrival {
            Some((route, there)) if !self.is_canonical => {
                let grade = Grade::Close.then(there.grade);
                shape.of_crosswalk(named(&route.to, Some(there.code.share()), None), grade, source)
            }
            _ => shape.of_crosswalk(named(&self.list, Some(code.clone()), None), Grade::Close, source),
        }
    }

    /// Reads a text that says several codes as the first that the list knows. The text stays beside it as what was read,
    /// so that it is written again as it was.
    pub(super) fn value_of_several(&self, shape: &CodedShape, text: &Arc<str>, given: Given<'_>) -> Option<Found> {
        let mut codes =
            self.list.several(text).map(|said| self.list.row(said).or_else(|| self.list.row_of_label(said)));
        let (is_first, code) = (0..).zip(codes.by_ref()).find_map(|(at, row)| Some((at == 0, row?.code.clone())))?;
        let is_all = is_first && codes.all(|other| other.is_some_and(|other| other.code == code));
        let own = if is_all { Grade::Exact } else { Grade::TargetIsNarrower };
        let read = named(&self.list, Some(text.clone()), given.label.map(Into::into));
        let arrival = self.onward.iter().find_map(|route| Some((route, route.follow(&code, given.pair)?)));
        let value = match arrival {
            Some((route, there)) if !self.is_canonical => {
                let to = named(&route.to, Some(there.code.share()), None);
                shape.of_crosswalk(to, own.then(there.grade), read)
            }
            _ => shape.of_crosswalk(named(&self.list, Some(code), None), own, read),
        };
        Some(Found { value, coarsened: (!is_all).then_some("first_of_several") })
    }
}

/// A code or words of a list.
pub(super) fn named(list: &CodeList, code: Option<Arc<str>>, label: Option<Arc<str>>) -> Named {
    Named { scheme: Some(list.scheme().clone()), version: list.version().cloned(), code, label }
}
