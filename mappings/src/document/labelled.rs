//! Labels and values as a tree: lines of `label : value`, of a text or of a page, under headings.
//!
//! A line that begins with a label of the mapping begins a value, one that is a heading of it a section; every other
//! line goes on with the value before it. A label that was met before is a word of the text that it stands in.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Format, Kind, NameId, NodeId, Tree,
    labels::{LabelSyntax, Line, Meaning, trim},
    mojibake::repair,
    names::ROOT,
    tree::{Damage, NONE, NodeName},
};

/// The name under which a line without a label is kept, so that it can be written as one with a label.
const UNLABELLED: &str = "\u{2026}";

/// A longer text before a colon is a sentence, not a label.
const MAX_LABEL: usize = 60;

/// The blanks before a further line of a value.
pub(crate) const INDENT: &str = "    ";

/// Parses a text.
pub(crate) fn parse_labels<'a>(text: &'a str, syntax: &LabelSyntax, repairs: bool) -> Tree<'a> {
    let lines = text.lines().map(|line| {
        let repaired = if repairs { repair(line) } else { None };
        let damage = Damage::of(repaired.is_some(), line);
        let line = repaired.map_or(Cow::Borrowed(line), Cow::Owned);
        Line { goes_on: line.starts_with([' ', '\t']), pieces: vec![line], damage }
    });
    tree_of(lines.collect(), syntax, false)
}

/// Makes the tree of some lines; `is_page` tells that running text is not indented.
pub(super) fn tree_of<'a>(lines: Vec<Line<'a>>, syntax: &LabelSyntax, is_page: bool) -> Tree<'a> {
    let mut reader = Reader::new(syntax, is_page);
    let begins =
        |line: &Line<'a>, first| matches!(syntax.label(ROOT, line), Some((Meaning::Value(name), _)) if name == first);
    let start = syntax.first.and_then(|(first, _)| lines.iter().position(|line| begins(line, first)));
    let mut lines = lines.into_iter();
    let ahead: Vec<Line<'a>> = lines.by_ref().take(start.unwrap_or_default()).filter(|line| !line.is_empty()).collect();
    reader.lines_ahead(&ahead);
    for line in lines {
        reader.lines(line);
    }
    reader.into_tree()
}

/// A label with its value, while lines are read.
struct Field<'a> {
    section: NameId,
    name: NodeName<'a>,
    text: Cow<'a, str>,
    damage: Damage,
}

struct Reader<'a, 's> {
    syntax: &'s LabelSyntax,
    is_page: bool,
    fields: Vec<Field<'a>>,
    /// The first field of each name.
    first_of: HashMap<NameId, usize>,
    /// The section in hand.
    section: NameId,
    /// The value that further lines belong to.
    current: Option<usize>,
    /// Empty lines that stand in a value if it goes on.
    due_blanks: usize,
    /// Whether the label was met whose value the line before the first label begins.
    is_opened: bool,
}

impl<'a, 's> Reader<'a, 's> {
    fn new(syntax: &'s LabelSyntax, is_page: bool) -> Self {
        Self {
            syntax,
            is_page,
            fields: Vec::new(),
            first_of: HashMap::new(),
            section: ROOT,
            current: None,
            due_blanks: 0,
            is_opened: false,
        }
    }

    /// Lines before the first label: the last of them may have a meaning.
    fn lines_ahead(&mut self, lines: &[Line<'a>]) {
        for (index, line) in lines.iter().enumerate() {
            let before = self.syntax.first.filter(|_| index + 1 == lines.len()).map(|(_, before)| before);
            match (self.syntax.label(ROOT, line), before) {
                (Some((Meaning::Nothing, _)), _) => {}
                (_, Some(before)) => self.add(ROOT, NodeName::Known(before), line.text(), line.damage),
                (_, None) => self.unlabelled(line),
            }
        }
        self.current = None;
    }

    /// A line, or several where a label with its colon stands inside of it.
    fn lines(&mut self, line: Line<'a>) {
        let mut part = Line { pieces: Vec::new(), ..line };
        for piece in line.pieces {
            if !part.pieces.is_empty() && self.syntax.is_label_with_colon(self.section, &piece) {
                self.line(&part);
                part.pieces.clear();
            }
            part.pieces.push(piece);
        }
        self.line(&part);
    }

    fn line(&mut self, line: &Line<'a>) {
        if line.is_empty() {
            self.due_blanks += usize::from(!self.is_page);
            return;
        }
        if line.goes_on && self.current.is_some() {
            return self.go_on(line.text(), line.damage);
        }
        self.due_blanks = 0;
        match self.syntax.label(self.section, line) {
            Some((Meaning::Section(name), _)) => {
                self.section = name;
                self.current = None;
            }
            Some((Meaning::Nothing, value)) if value.is_empty() => self.current = None,
            Some((Meaning::Within(name), _)) => self.go_on_with(name, line.text(), line.damage),
            // The line before the first label began it already.
            Some((Meaning::Value(name), value)) if self.is_begun_before(name) => {
                self.is_opened = true;
                self.go_on_with(name, value, line.damage);
            }
            // In a page a label that was met before is a word of a text.
            Some((Meaning::Value(_), _)) if self.is_page && self.is_repeated(line) => {
                self.go_on(line.text(), line.damage);
            }
            Some((Meaning::Value(name), value)) => {
                let section = if self.syntax.is_in(name, self.section) { self.section } else { ROOT };
                self.add(section, NodeName::Known(name), value, line.damage);
            }
            Some((Meaning::Nothing, _)) | None => self.unlabelled(line),
        }
    }

    /// A line that begins with no label of the mapping.
    fn unlabelled(&mut self, line: &Line<'a>) {
        let text = line.text();
        let known = self.syntax.lines.iter().find(|(wording, _)| wording.is_match(&text)).map(|(_, name)| *name);
        if let Some(name) = known.filter(|name| !self.has(*name)) {
            return self.add(ROOT, NodeName::Known(name), text, line.damage);
        }
        // A label that stands alone has its value on the next line, whatever that looks like.
        let is_awaited = self.current.is_some_and(|at| self.fields[at].text.is_empty());
        let is_in_text = is_awaited || (self.is_page && self.current.is_some_and(|at| self.is_text(at)));
        let label = text.split_once(':').map(|(label, value)| (trim(label), trim(value)));
        let is_label = |label: &&str| !is_in_text && !label.is_empty() && label.len() < MAX_LABEL;
        if let Some((label, value)) = label.filter(|(label, _)| is_label(label)) {
            let (label, value) = (Cow::Owned(label.to_owned()), Cow::Owned(value.to_owned()));
            return self.add(self.section, NodeName::Unknown(label), value, line.damage);
        }
        match self.current {
            Some(_) => self.go_on(text, line.damage),
            None => self.add(self.section, NodeName::Unknown(Cow::Borrowed(UNLABELLED)), text, line.damage),
        }
    }

    fn add(&mut self, section: NameId, name: NodeName<'a>, text: Cow<'a, str>, damage: Damage) {
        let at = self.fields.len();
        if let NodeName::Known(name) = name {
            self.first_of.entry(name).or_insert(at);
        }
        self.current = Some(at);
        self.fields.push(Field { section, name, text, damage });
    }

    fn go_on(&mut self, text: Cow<'a, str>, damage: Damage) {
        let Some(field) = self.current.map(|at| &mut self.fields[at]).filter(|_| !text.is_empty()) else {
            return;
        };
        field.damage = field.damage.and(damage);
        if field.text.is_empty() {
            field.text = text;
        } else {
            let held = field.text.to_mut();
            held.extend(std::iter::repeat_n('\n', self.due_blanks + 1));
            held.push_str(&text);
        }
        self.due_blanks = 0;
    }

    fn go_on_with(&mut self, name: NameId, text: Cow<'a, str>, damage: Damage) {
        match self.first_of.get(&name).copied() {
            Some(at) => {
                self.current = Some(at);
                self.go_on(text, damage);
            }
            None => self.add(ROOT, NodeName::Known(name), text, damage),
        }
    }

    /// Whether a value was begun by the line before the first label, and its own label was not met yet.
    fn is_begun_before(&self, name: NameId) -> bool {
        !self.is_opened && self.syntax.first.is_some_and(|(_, before)| before == name)
    }

    /// Whether a line begins with a label that has a value, and stands in another.
    fn is_repeated(&self, line: &Line<'a>) -> bool {
        let label = self.syntax.label(self.section, line);
        self.current.is_some() && matches!(label, Some((Meaning::Value(name), _)) if self.has(name))
    }

    fn has(&self, name: NameId) -> bool {
        self.first_of.get(&name).is_some_and(|at| !self.fields[*at].text.is_empty())
    }

    fn is_text(&self, at: usize) -> bool {
        matches!(&self.fields[at].name, NodeName::Known(name) if self.syntax.texts.contains(name))
    }

    fn into_tree(self) -> Tree<'a> {
        let mut tree = Tree::with_room_for(self.fields.len() * 64, Format::Labels);
        let root = tree.add_root(Kind::Object);
        // A label without a value says nothing: pages show every label that they have.
        let mut fields: Vec<Field<'a>> =
            self.fields.into_iter().filter(|field| !field.text.trim().is_empty()).collect();
        let mut sections: Vec<NameId> = Vec::new();
        for field in &fields {
            if field.section != ROOT && !sections.contains(&field.section) {
                sections.push(field.section);
            }
        }
        // What belongs together stands together: first what stands in no section, then section by section.
        let rank = |field: &Field<'_>| sections.iter().position(|section| *section == field.section);
        fields.sort_by_key(rank);
        let (mut last, mut section, mut last_inside) = (NONE, (ROOT, root), NONE);
        for field in fields {
            if field.section != section.0 {
                last = tree.add(root, last, NodeName::Known(field.section), Kind::Object, Cow::Borrowed(""));
                (section, last_inside) = ((field.section, last), NONE);
            }
            let node = if section.0 == ROOT { &mut last } else { &mut last_inside };
            *node = self.syntax.add_field(section.1, *node, field, &mut tree);
        }
        tree
    }
}

impl LabelSyntax {
    /// Whether a label is one of a section.
    fn is_in(&self, name: NameId, section: NameId) -> bool {
        self.labels.iter().any(|((known, _), meaning)| *known == section && *meaning == Meaning::Value(name))
    }

    /// Adds a value, or its parts, if it is worded as the mapping says.
    fn add_field<'a>(&self, parent: NodeId, previous: NodeId, field: Field<'a>, tree: &mut Tree<'a>) -> NodeId {
        let wordings = match &field.name {
            NodeName::Known(name) => self.parts.get(name),
            NodeName::Unknown(_) => None,
        };
        let node = tree.add(parent, previous, field.name, Kind::Text, Cow::Borrowed(""));
        let before = tree.len() - 1;
        if wordings.is_some_and(|wordings| wordings.add(field.text.trim(), node, tree)) {
            tree.node_mut(node).kind = Kind::Element;
        } else {
            tree.node_mut(node).text = field.text;
        }
        for added in before..tree.len() {
            if let Ok(added) = u32::try_from(added) {
                tree.node_mut(added).damage = field.damage;
            }
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Names,
            labels::normal,
            names::NameKind,
            wording::{Wording, Wordings},
        },
        *,
    };

    /// A syntax with the labels `Ref`, `Place`, `Text`, `Tongues` and, in the section `More`, `Place`.
    fn syntax() -> (LabelSyntax, Names) {
        let mut names = Names::new(Vec::new());
        let mut make = |parent, text: &str| names.make(parent, text, 0, NameKind::Member, || text.to_owned());
        let mut syntax = LabelSyntax::default();
        let [reference, place, text, tongues, more] =
            ["Ref", "Place", "Text", "Tongues", "More"].map(|label| make(ROOT, label));
        let inner = make(more, "Place");
        for (section, label, meaning) in [
            (ROOT, "Ref", Meaning::Value(reference)),
            (ROOT, "Place", Meaning::Value(place)),
            (ROOT, "L\u{2019}Text", Meaning::Value(text)),
            (ROOT, "Tongues", Meaning::Value(tongues)),
            (ROOT, "More", Meaning::Section(more)),
            (more, "Place", Meaning::Value(inner)),
            (ROOT, "Tasks", Meaning::Within(text)),
            (ROOT, "Share", Meaning::Nothing),
        ] {
            syntax.labels.insert((section, normal(label)), meaning);
        }
        syntax.texts = vec![text, tongues];
        syntax.first = Some((reference, text));
        let heading = make(ROOT, "Heading");
        syntax.lines = vec![(regex::Regex::new(r"^\(\d+\)").unwrap(), heading)];
        let item = make(tongues, "tongue");
        let [name, level] = ["name", "level"].map(|part| make(item, part));
        let all = ["{name} : {level}", "{name}"]
            .map(|text| Wording::of_template(text, &[], |part| Ok(if part == "name" { name } else { level })).unwrap());
        syntax.parts.insert(tongues, Wordings { all: all.into(), list: Some((item, "\n".into())) });
        (syntax, names)
    }

    fn shown(tree: &Tree<'_>, names: &Names, node: NodeId) -> String {
        let children: Vec<String> = tree.children(node).map(|child| shown(tree, names, child)).collect();
        let name = tree.name_text(node, names);
        if children.is_empty() {
            format!("{name}={}", tree.node(node).text)
        } else {
            format!("{name}[{}]", children.join(" | "))
        }
    }

    fn check(document: &str, is_page: bool, expected: &str) {
        let (syntax, names) = syntax();
        let lines = document.lines().map(|line| Line {
            pieces: line.split('~').map(Cow::Borrowed).collect(),
            goes_on: line.starts_with(' '),
            damage: Damage::default(),
        });
        let tree = tree_of(lines.collect(), &syntax, is_page);
        assert_eq!(shown(&tree, &names, Tree::root()), format!("[{expected}]"), "{document}");
    }

    #[test]
    fn a_label_begins_a_value() {
        check("Ref : 1\nplace:x", false, "Ref=1 | Place=x");
        check("Ref\u{a0}:\n1\nPlace\nx : y", true, "Ref=1 | Place=x : y");
        check("Ref:~1~Place :~x~L'Text:~ a", true, "Ref=1 | Place=x | Text=a");
        check("\u{f0b7} Ref : 1\nL'text : a", false, "Ref=1 | Text=a");
    }

    #[test]
    fn further_lines_belong_to_the_value() {
        check("Ref : 1\nL'Text : a\n\n    b : c\nPlace : x", false, "Ref=1 | Text=a\n\nb : c | Place=x");
        check(
            "Ref : 1\nL'Text :\na\nHours : 8\nPlace : x\nPlace : y",
            true,
            "Ref=1 | Text=a\nHours : 8 | Place=x\nPlace : y",
        );
        check("Ref : 1\nL'Text : a\nPlace : x\nTasks :\nb", true, "Ref=1 | Text=a\nTasks :\nb | Place=x");
    }

    #[test]
    fn strange_labels_and_lines_are_kept() {
        check("Ref : 1\nHours : 8\nfurther", false, "Ref=1 | Hours=8\nfurther");
        check("Ref : 1\nPlace : x\nPlace : y", false, "Ref=1 | Place=x | Place=y");
        check("Ref : 1\nShare\nalone", true, "Ref=1 | \u{2026}=alone");
        check("Ref : 1\n(3) Smith\nPlace : x", true, "Ref=1 | Heading=(3) Smith | Place=x");
        check("menu\nACME\nRef : 1\nL'Text : a", true, "\u{2026}=menu | Text=ACME\na | Ref=1");
    }

    #[test]
    fn sections_have_labels_of_their_own() {
        check(
            "Ref : 1\nPlace : x\nMore\nPlace : y\nSize : 4\nL'Text : a",
            false,
            "Ref=1 | Place=x | Text=a | More[Place=y | Size=4]",
        );
    }

    #[test]
    fn values_of_several_parts_are_taken_apart() {
        check(
            "Ref : 1\nTongues :\nArabe : Courant\nFran\u{e7}ais",
            true,
            "Ref=1 | Tongues[tongue[name=Arabe | level=Courant] | tongue[name=Fran\u{e7}ais]]",
        );
    }
}
