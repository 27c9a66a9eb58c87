//! Makes a rule of a line: what kind of rule it is follows from the canonical field and the options.

use schemas::{Path, RecordType, Type};

use crate::{
    codes::CodedShape,
    document::NameId,
    error::did_you_mean,
    grammar::{Bracket, Line, Place as WrittenPlace, Rule as WrittenRule, Segment, Step},
};

use super::{
    Action, CodedLeaf, Covered, Element, Group, List, PlaceId, Repeat, Rule, Scope, Selector, ShownBy, Split, Target,
    compile::{Compiler, canonical_value},
    places::Places,
    scopes::{ScopeDraft, repeated_steps},
};

/// A mistake was noted.
#[derive(Debug)]
pub(super) struct Noted;

/// Makes the rules of one scope.
pub(super) struct RuleMaker<'c, 'f, 'm> {
    pub(super) compiler: &'c mut Compiler<'f, 'm>,
    pub(super) places: &'c mut Places,
    pub(super) scope: &'c ScopeDraft<'c>,
    pub(super) line: &'c Line,
}

impl<'c> RuleMaker<'c, '_, '_> {
    pub(super) fn written(&self) -> &'c WrittenRule {
        &self.line.rule
    }

    pub(super) fn mistake(&mut self, problem: impl Into<String>, remedy: impl Into<String>) {
        self.compiler.mistake(self.line, problem, remedy);
    }

    /// Makes the rule of a line; `owner` is the scope whose item the canonical field belongs to.
    pub(super) fn make(&mut self, owner: &ScopeDraft<'_>, steps: &[Step], is_group: bool) -> Option<Rule> {
        let target = self.resolve(owner)?;
        let own_steps = &steps[self.scope.steps.len()..];
        let is_repeated = {
            let start = if self.scope.steps.is_empty() { &[] } else { self.scope.steps.as_slice() };
            repeated_steps(self.written(), &self.line.left, self.compiler.namer.format, start).is_some()
        };
        let places = if is_repeated { Vec::new() } else { self.read_places(own_steps)? };
        let action = self.action(&target, own_steps, &places, is_group)?;
        let also = self.make_places(&self.written().also)?;
        let starts_with = match &self.written().starts_with {
            Some(place) => Some(self.make_neighbour(place, own_steps)?),
            None => None,
        };
        let with_parent = self.make_optional(self.written().with_parent.as_ref()).ok()?;
        let month = self.make_optional(self.written().month.as_ref()).ok()?;
        let shown_by = self.shown_by(&action).ok()?;
        let fallbacks = self.read_fallbacks(owner)?;
        let append = self.read_append(owner)?;
        let window = self.read_window(owner);
        let written = self.written();
        if written.is_by_precision
            && (places.len() < 3 || !matches!(&action, Action::Leaf(leaf) if leaf.form.is_date()))
        {
            let remedy = "write `either = [\"day\", \"month\", \"year\"]` for a field that is a date";
            self.mistake("`by = \"precision\"` wants a date and its three places", remedy);
        }
        if month.is_some() && !matches!(&action, Action::Leaf(leaf) if leaf.form.is_date()) {
            self.mistake("`month` wants a field that is a date", "leave it out");
        }
        let boxed = |text: &Option<String>| text.as_deref().map(Into::into);
        Some(Rule {
            level: owner.level,
            target,
            places,
            is_by_precision: written.is_by_precision,
            month,
            also,
            action,
            absent: written.absent.iter().map(|text| text.as_str().into()).collect(),
            fallbacks,
            with_parent,
            append,
            max_items: written.max_items,
            required: boxed(&written.required).or_else(|| boxed(&written.must)),
            required_item: boxed(&written.required_item),
            must: boxed(&written.must),
            starts_with,
            shown_by,
            window,
            one: boxed(&written.one),
            reads: !written.is_write_only,
            writes: !written.is_read_only && !written.is_count && written.derive.is_none(),
            is_derived: written.derive.is_some(),
        })
    }

    /// Resolves the left side; a list loses its last bracket.
    fn resolve(&mut self, owner: &ScopeDraft<'_>) -> Option<Target> {
        let left = &self.line.left;
        if let Err(error) = Path::resolve(self.compiler.model, &left.plain_text()) {
            let message = error.to_string();
            let path = format!("`{}`: ", left.plain_text());
            let message = message.strip_prefix(&path).unwrap_or(&message);
            let (problem, known) = message.split_once("; it has ").unwrap_or((message, ""));
            let name = problem.rsplit('`').nth(1).unwrap_or_default();
            let remedy = if known.is_empty() {
                String::new()
            } else {
                did_you_mean(name, known.split(", ").map(|n| n.trim_matches('`')))
            };
            self.mistake(problem, remedy);
            return None;
        }
        let mut own: Vec<Segment> = left.segments[owner.segments.len()..].to_vec();
        if left.is_list()
            && let Some(last) = own.last_mut()
        {
            last.bracket = None;
        }
        let target = Target::resolve(Type::Record(owner.record), &own);
        if target.is_none() {
            let remedy = "add a line `\"…[]\" = { each = \"…\" }` for the repeated part, or name an item: `[0]`";
            self.mistake("no line says where the items of the list stand", remedy);
        }
        target
    }

    pub(super) fn make_place(&mut self, place: &WrittenPlace) -> Option<PlaceId> {
        let steps = place.below(&self.scope.steps);
        let Some(own) = steps.strip_prefix(self.scope.steps.as_slice()) else {
            self.mistake("a further path of the line stands outside of its repeated part", "write it relative");
            return None;
        };
        match self.places.make(own, &mut self.compiler.namer) {
            Ok(place) => Some(place),
            Err(problem) => {
                self.mistake(problem, "");
                None
            }
        }
    }

    /// A place that may not be given.
    pub(super) fn make_optional(&mut self, place: Option<&WrittenPlace>) -> Result<Option<PlaceId>, Noted> {
        place.map(|place| self.make_place(place).ok_or(Noted)).transpose()
    }

    /// Where the document says whether the value may be shown: of one value, outside of repeated parts.
    fn shown_by(&mut self, action: &Action) -> Result<Option<ShownBy>, Noted> {
        let Some(place) = self.make_optional(self.written().shown_by.as_ref())? else {
            return Ok(None);
        };
        let path = self.line.left.plain_text();
        let is_one = matches!(action, Action::Leaf(_) | Action::Coded(_)) && self.scope.steps.is_empty();
        if !is_one || path.contains("[]") || path.contains("[xx]") {
            let remedy = "leave it out: it is for lines of one value outside of repeated parts";
            self.mistake("`shown_by` does not fit the line", remedy);
            return Err(Noted);
        }
        Ok(Some(ShownBy { place, path: path.into() }))
    }

    /// A place given from the root or the item, or by its name beside the place of the line.
    fn make_neighbour(&mut self, place: &WrittenPlace, own_steps: &[Step]) -> Option<PlaceId> {
        if place.below(&self.scope.steps).starts_with(&self.scope.steps) {
            return self.make_place(place);
        }
        let beside = own_steps.split_last().map(|(_, parent)| parent).unwrap_or_default();
        let steps = [beside, &place.steps].concat();
        let made = self.places.make(&steps, &mut self.compiler.namer);
        made.map_err(|problem| self.mistake(problem, "")).ok()
    }

    fn make_places(&mut self, places: &[WrittenPlace]) -> Option<Vec<PlaceId>> {
        places.iter().map(|place| self.make_place(place)).collect()
    }

    /// The place of the line and its alternatives.
    fn read_places(&mut self, own_steps: &[Step]) -> Option<Vec<PlaceId>> {
        let first = self.places.make(own_steps, &mut self.compiler.namer);
        let first = first.map_err(|problem| self.mistake(problem, "")).ok()?;
        let others = self.make_places(&self.written().at[1..])?;
        Some([vec![first], others].concat())
    }

    fn repeat(&mut self, own_steps: &[Step]) -> Option<Repeat> {
        let made = Repeat::make(own_steps, self.places, &mut self.compiler.namer);
        made.map_err(|problem| self.mistake(problem, "")).ok()
    }

    fn action(&mut self, target: &Target, own_steps: &[Step], places: &[PlaceId], is_group: bool) -> Option<Action> {
        let name = places.first().map(|place| self.places.list[*place].name);
        if self.written().is_count {
            let is_selection = matches!(own_steps.last(), Some(Step::Items(_)));
            let all: &[Step] = if is_selection { &[] } else { &[Step::Items(None)] };
            return Some(Action::Count(self.repeat(&[own_steps, all].concat())?));
        }
        if !self.line.left.braces.is_empty() {
            return Some(Action::Pattern(Box::new(self.pattern(target)?)));
        }
        match target.ty {
            Type::List { item, key } if is_group => {
                let Type::Record(record) = *item else {
                    return None;
                };
                Some(Action::Group(Box::new(self.group(record, key, own_steps)?)))
            }
            Type::List { item, .. } => {
                let is_repeated = places.is_empty();
                if is_repeated {
                    let repeat = self.repeat(own_steps)?;
                    let element = self.element(*item, target, repeat.name)?;
                    let is_one_per_list = self.written().is_one_per_list;
                    return Some(Action::List(Box::new(List { repeat, element, is_one_per_list })));
                }
                let element = self.element(*item, target, name?)?;
                if let Some(separator) = &self.written().split {
                    return Some(Action::Split(Box::new(Split { separator: separator.as_str().into(), element })));
                }
                Some(Action::First(Box::new(element)))
            }
            ty => match self.element(ty, target, name?)? {
                Element::Leaf(leaf) => Some(Action::Leaf(leaf)),
                Element::Coded(coded) => Some(Action::Coded(coded)),
            },
        }
    }

    fn group(&mut self, record: &'static RecordType, key: Option<usize>, own_steps: &[Step]) -> Option<Group> {
        let repeat = self.repeat(own_steps)?;
        let only = match self.line.left.segments.last().and_then(|segment| segment.bracket.as_ref()) {
            Some(Bracket::Where(field, value)) => {
                let Some((index, found)) = record.field(field) else {
                    let remedy = did_you_mean(field, record.fields.iter().map(|field| field.name));
                    self.mistake(format!("`{}` has no field `{field}`", record.name), remedy);
                    return None;
                };
                let value = canonical_value(&crate::grammar::Scalar::Text(value.clone()), found.ty);
                let value = value.map_err(|problem| self.mistake(problem, "")).ok()?;
                Some((index, value))
            }
            _ => None,
        };
        let scope = Scope::default();
        Some(Group { repeat, record, key, only, scope })
    }

    fn element(&mut self, ty: Type, target: &Target, name: NameId) -> Option<Element> {
        if let Some(shape) = CodedShape::of(ty) {
            return Some(Element::Coded(self.coded(shape, target.field, name)?));
        }
        match ty {
            Type::Record(record) => {
                let remedy = format!(
                    "name one of its fields: {}",
                    record.fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
                );
                self.mistake(format!("the left side means a whole `{}`", record.name), remedy);
                None
            }
            Type::List { .. } => {
                self.mistake("the left side means a whole list", "write `[]` behind it");
                None
            }
            _ => Some(Element::Leaf(self.leaf(ty, target.field)?)),
        }
    }
}

impl Rule {
    /// The names that the rule writes beside its places.
    pub(super) fn further_names(&self) -> Vec<NameId> {
        let of_element = |element: &Element| match element {
            Element::Coded(coded) => coded.names(),
            Element::Leaf(_) => Vec::new(),
        };
        match &self.action {
            Action::Coded(coded) => coded.names(),
            Action::Group(group) => group.repeat.names(),
            Action::List(list) => [list.repeat.names(), of_element(&list.element)].concat(),
            Action::First(element) => of_element(element),
            Action::Leaf(_) | Action::Pattern(_) | Action::Split(_) | Action::Count(_) => Vec::new(),
        }
    }

    /// Marks what the rule expresses.
    pub(super) fn cover(&self, covered: &mut Covered) {
        match &self.action {
            Action::Pattern(pattern) => {
                for (target, _) in &pattern.fields {
                    covered.at(target).is_whole = true;
                }
                if let Some(target) = &pattern.keep_text {
                    covered.at(target).is_whole = true;
                }
            }
            Action::List(_) | Action::Split(_) => {
                let list = covered.at(&self.target);
                list.is_whole = true;
                list.item(Selector::Each).is_whole = true;
            }
            Action::Leaf(leaf) => {
                covered.at(&self.target).is_whole = true;
                if let Some(target) = &leaf.keep_text {
                    covered.at(target).is_whole = true;
                }
            }
            _ => covered.at(&self.target).is_whole = true,
        }
    }
}

impl Repeat {
    fn names(&self) -> Vec<NameId> {
        let discriminator = self.selection.iter().filter_map(|selection| selection.at.last().copied());
        [self.name].into_iter().chain(discriminator).collect()
    }
}

impl CodedLeaf {
    fn names(&self) -> Vec<NameId> {
        let beside = self.label.iter().chain(&self.scheme).flatten();
        self.code.iter().chain(beside).copied().collect()
    }
}
