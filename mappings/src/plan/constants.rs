//! Compiles the constants of a dialect.

use crate::{
    document::{Format, NameId},
    grammar::{self, Scalar, Start, Step},
};

use super::{Constant, ConstantKind, PlaceId, Scope, Shape, compile::Compiler, places::Places, scopes::Sorted};

impl Compiler<'_, '_> {
    /// Constants outside of the record.
    pub(super) fn read_outer_constants(
        &mut self,
        outer: &mut Places,
        shape: &grammar::Shape,
        constants: &mut Vec<Constant>,
    ) -> Vec<(PlaceId, usize)> {
        let mut placed = Vec::new();
        for constant in shape.constants.iter().filter(|constant| constant.at.start == Start::Document) {
            let value = self.constant(&constant.value, &constant.text, constant.span.clone());
            if let Some(place) = self.outer_place(outer, &constant.at.steps, &constant.text) {
                constants.push(value);
                placed.push((place, constants.len() - 1));
            }
        }
        placed
    }

    /// Reads the constants of a scope; gives those that are written with every item.
    pub(super) fn read_constants(
        &mut self,
        index: usize,
        shape: &grammar::Shape,
        sorted: &Sorted<'_>,
        places: &mut Places,
        (constants, with_names): (&mut Vec<Constant>, &mut Vec<(NameId, NameId, usize)>),
    ) -> Vec<(PlaceId, usize)> {
        let own = &sorted.scopes[index];
        let mut always = Vec::new();
        for constant in shape.constants.iter().filter(|constant| constant.at.start != Start::Document) {
            let is_inside = |scope: &super::scopes::ScopeDraft<'_>| constant.at.steps.starts_with(&scope.steps);
            let deepest = sorted.scopes.iter().filter(|scope| is_inside(scope)).map(|scope| scope.steps.len()).max();
            let Some((last, parent)) = constant.at.steps[own.steps.len().min(constant.at.steps.len())..].split_last()
            else {
                continue;
            };
            if !is_inside(own) || deepest != Some(own.steps.len()) {
                continue;
            }
            constants.push(self.constant(&constant.value, &constant.text, constant.span.clone()));
            let number = constants.len() - 1;
            let is_xml = self.file.dialect.format == Format::Xml;
            let is_parent_mapped = !parent.is_empty() && matches!(places.find(parent, &mut self.namer), Ok(Some(_)));
            let with_parent = matches!(last, Step::Attribute(_)) || (!is_xml && is_parent_mapped);
            let steps = [parent, std::slice::from_ref(last)].concat();
            let done = if with_parent {
                let names = self.namer.path(places.list[0].name, &steps);
                names.map(|names| {
                    let name = names.last().copied().unwrap_or_default();
                    with_names.push((self.namer.names.parent(name), name, number));
                })
            } else {
                places.make(&steps, &mut self.namer).map(|place| always.push((place, number)))
            };
            if let Err(problem) = done {
                self.mistakes.at(constant.span.clone(), &constant.text, problem, "");
            }
        }
        always
    }

    fn constant(&mut self, value: &Scalar, rule: &str, span: Option<std::ops::Range<usize>>) -> Constant {
        if let Some(name) = value.as_parameter() {
            let kind = self.parameter(name, rule, span).map_or(ConstantKind::Text, ConstantKind::Parameter);
            return Constant { kind, text: "".into() };
        }
        let kind = match value {
            Scalar::Text(_) => ConstantKind::Text,
            Scalar::Integer(_) => ConstantKind::Number,
            Scalar::Boolean(_) => ConstantKind::Boolean,
        };
        Constant { kind, text: value.letters().into() }
    }
}

/// Sorts constants by the name that they are written with.
pub(super) fn index_constants(with_names: Vec<(NameId, NameId, usize)>) -> Vec<Vec<(NameId, usize)>> {
    let count = with_names.iter().map(|(parent, ..)| *parent as usize + 1).max().unwrap_or_default();
    let mut with = vec![Vec::new(); count];
    for (parent, name, number) in with_names {
        with[parent as usize].push((name, number));
    }
    with
}

fn index_scope(scope: &Scope, of_name: &mut [Option<usize>]) {
    for (place, number) in &scope.always {
        of_name[scope.places[*place].name as usize] = Some(*number);
    }
    for rule in &scope.rules {
        if let super::Action::Group(group) = &rule.action {
            index_scope(&group.scope, of_name);
        }
    }
}

impl Shape {
    /// For every name the constant that stands there, once all names are known.
    pub(super) fn index_names(&mut self, count: usize) {
        let mut of_name = vec![None; count];
        for (name, number) in self.constants.with.iter().flatten() {
            of_name[*name as usize] = Some(*number);
        }
        for (place, number) in &self.outer_constants {
            of_name[self.outer[*place].name as usize] = Some(*number);
        }
        index_scope(&self.scope, &mut of_name);
        self.constants.of_name = of_name;
        self.constants.with.resize(count, Vec::new());
    }
}
