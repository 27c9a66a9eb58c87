//! Sorts the lines of a shape into scopes: which repeated part of the document a line stands in.

use schemas::{Path, RecordType, Type};

use crate::{
    document::Format,
    error::Mistakes,
    grammar::{Left, Line, Rule, Segment, Start, Step},
};

use super::Target;

/// A repeated part, or the document itself.
pub(super) struct ScopeDraft<'f> {
    pub(super) parent: Option<usize>,
    pub(super) level: usize,
    /// Where it stands, from the root.
    pub(super) steps: Vec<Step>,
    /// Its canonical list, from the root; empty for the document itself.
    pub(super) segments: &'f [Segment],
    /// What an item of that list is.
    pub(super) record: &'static RecordType,
    /// Its lines: index of the line, and the scope whose item the canonical field belongs to.
    pub(super) lines: Vec<(usize, usize)>,
}

/// Whether the model has the canonical path of a left side.
fn is_known(left: &Left, model: &'static RecordType) -> bool {
    Path::resolve(model, &left.plain_text()).is_ok()
}

/// The lines of a shape, sorted.
pub(super) struct Sorted<'f> {
    pub(super) scopes: Vec<ScopeDraft<'f>>,
    /// For every line its place from the root, and the scope it opens, if it does.
    pub(super) steps: Vec<Vec<Step>>,
    pub(super) opens: Vec<Option<usize>>,
}

/// The repeated part that a line names: `each`, or the place of a list: in JSON one that ends in the items of an
/// array, in XML any element.
pub(super) fn repeated_steps(rule: &Rule, left: &Left, format: Format, start: &[Step]) -> Option<Vec<Step>> {
    let ends_in_items = |steps: &[Step]| matches!(steps.last(), Some(Step::Items(_)));
    if let Some(each) = &rule.each {
        let mut steps = each.below(start);
        if format == Format::Json && !ends_in_items(&steps) {
            steps.push(Step::Items(None));
        }
        return Some(steps);
    }
    let steps = rule.at.first()?.below(start);
    let is_repeated = match format {
        Format::Json => ends_in_items(&steps),
        Format::Xml => rule.split.is_none() && !steps.is_empty(),
        Format::Labels => false,
    };
    (left.is_list() && is_repeated).then_some(steps)
}

/// Sorts the lines; lines that fit nowhere are mistakes.
pub(super) fn sort<'f>(
    lines: &'f [Line],
    model: &'static RecordType,
    format: Format,
    mistakes: &mut Mistakes<'_>,
) -> Sorted<'f> {
    let root =
        ScopeDraft { parent: None, level: 0, steps: Vec::new(), segments: &[], record: model, lines: Vec::new() };
    let mut sorted =
        Sorted { scopes: vec![root], steps: vec![Vec::new(); lines.len()], opens: vec![None; lines.len()] };
    // Outer canonical lists first: relative paths of inner ones start from them.
    let mut order: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].left.is_list()).collect();
    order.sort_by_key(|index| lines[*index].left.segments.len());
    for index in order {
        sorted.open(index, &lines[index], format);
    }
    for index in 1..sorted.scopes.len() {
        let parent = sorted.innermost(&sorted.scopes[index].steps, &[], index);
        sorted.scopes[index].parent = Some(parent);
    }
    for index in 1..sorted.scopes.len() {
        sorted.scopes[index].level = sorted.ancestors(index).count() - 1;
    }
    for (index, line) in lines.iter().enumerate() {
        sorted.assign(index, line, format, mistakes);
    }
    sorted
}

impl<'f> Sorted<'f> {
    /// Opens a scope for a line that names a list of records.
    fn open(&mut self, index: usize, line: &'f Line, format: Format) {
        let mut segments = line.left.segments.clone();
        let (owner, start) = self.owner(&line.left, true);
        if let Some(last) = segments.last_mut() {
            last.bracket = None;
        }
        let own = &segments[self.scopes[owner].segments.len()..];
        let list = Target::resolve(Type::Record(self.scopes[owner].record), own).map(|target| target.ty);
        let steps = repeated_steps(&line.rule, &line.left, format, &start);
        let (Some(Type::List { item: Type::Record(record), .. }), Some(steps)) = (list, steps) else {
            return;
        };
        if record.is_coded() {
            return;
        }
        self.opens[index] = Some(self.scopes.len());
        let segments = &line.left.segments;
        self.scopes.push(ScopeDraft { parent: Some(0), level: 0, steps, segments, record, lines: Vec::new() });
    }

    /// The scope of the innermost canonical list that a left side is inside of, and where its items stand.
    fn owner(&self, left: &Left, is_list: bool) -> (usize, Vec<Step>) {
        let mut owner = 0;
        for (index, scope) in self.scopes.iter().enumerate().skip(1) {
            let is_inside = left.segments.starts_with(scope.segments)
                && (left.segments.len() > scope.segments.len() || (!is_list && !left.braces.is_empty()));
            if is_inside && scope.segments.len() > self.scopes[owner].segments.len() {
                owner = index;
            }
        }
        (owner, self.scopes[owner].steps.clone())
    }

    /// The innermost scope that a path stands in. A scope at the very path counts if the line is one of its own.
    fn innermost(&self, steps: &[Step], own: &[usize], except: usize) -> usize {
        let mut innermost = 0;
        for (index, scope) in self.scopes.iter().enumerate().skip(1) {
            let is_inside =
                steps.starts_with(&scope.steps) && (steps.len() > scope.steps.len() || own.contains(&index));
            if is_inside && index != except && scope.steps.len() > self.scopes[innermost].steps.len() {
                innermost = index;
            }
        }
        innermost
    }

    fn ancestors(&self, scope: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(scope), |scope| self.scopes[*scope].parent)
    }

    fn assign(&mut self, index: usize, line: &Line, format: Format, mistakes: &mut Mistakes<'_>) {
        let (owner, start) = self.owner(&line.left, self.opens[index].is_some());
        let steps = repeated_steps(&line.rule, &line.left, format, &start)
            .or_else(|| line.rule.at.first().map(|at| at.below(&start)))
            .unwrap_or_default();
        let scope = self.innermost(&steps, &[owner], self.opens[index].unwrap_or(usize::MAX));
        let is_relative = line.rule.at.iter().chain(&line.rule.each).any(|place| place.start == Start::Item);
        if is_relative && owner == 0 && !is_known(&line.left, self.scopes[0].record) {
            // The mistake is on the left side, and is found when the rule is made.
            self.scopes[0].lines.push((index, 0));
        } else if is_relative && owner == 0 {
            let remedy =
                "write the path from the root, or add a line `\"list[]\" = { each = \"…\" }` for the repeated part";
            mistakes.at(line.span.clone(), &line.left.text, "a relative path outside a repeated part", remedy);
        } else if !self.ancestors(scope).any(|ancestor| ancestor == owner) {
            let list: Vec<&str> = self.scopes[owner].segments.iter().map(|segment| segment.name.as_str()).collect();
            let problem = format!("the path stands outside of the repeated part of `{}[]`", list.join("."));
            let remedy = "write a path below its `each`, such as `.x` (JSON) or `./x` (XML)";
            mistakes.at(line.span.clone(), &line.left.text, problem, remedy);
        } else {
            self.scopes[scope].lines.push((index, owner));
        }
        self.steps[index] = steps;
    }
}
