//! The names that a mapping knows, as a trie by their place: looked up once per name of a document.

/// A known name at its place.
pub(crate) type NameId = u32;

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NameKind {
    /// A member of a JSON object, an XML element, a label or a heading.
    Member,
    /// An XML attribute.
    Attribute,
    /// The items of a JSON array.
    Items,
}

/// The names that a mapping knows.
#[derive(Debug)]
pub(crate) struct Names {
    nodes: Vec<Name>,
    /// Namespace addresses; index 0 is `no namespace`.
    namespaces: Vec<Box<str>>,
}

#[derive(Debug)]
struct Name {
    text: Box<str>,
    namespace: u16,
    kind: NameKind,
    parent: NameId,
    children: Vec<NameId>,
    items: Option<NameId>,
    printed: Box<str>,
}

/// The name of the document itself.
pub(crate) const ROOT: NameId = 0;

impl Names {
    /// No names but the root; `namespaces` are those that the mapping declares.
    pub(crate) fn new(namespaces: Vec<Box<str>>) -> Self {
        let root = Name {
            text: "".into(),
            namespace: 0,
            kind: NameKind::Member,
            parent: ROOT,
            children: Vec::new(),
            items: None,
            printed: "".into(),
        };
        Self { nodes: vec![root], namespaces: [vec!["".into()], namespaces].concat() }
    }

    /// The name below another, made if it is not there; `printed` is how it is written.
    pub(crate) fn make(
        &mut self,
        parent: NameId,
        text: &str,
        namespace: u16,
        kind: NameKind,
        printed: impl FnOnce() -> String,
    ) -> NameId {
        let found = self.children(parent).find(|id| {
            let name = &self.nodes[*id as usize];
            *name.text == *text && name.namespace == namespace && name.kind == kind
        });
        if let Some(id) = found {
            return id;
        }
        let id = u32::try_from(self.nodes.len()).expect("a mapping has fewer names than 2³²");
        let printed = printed().into();
        let name = Name { text: text.into(), namespace, kind, parent, children: Vec::new(), items: None, printed };
        self.nodes.push(name);
        match kind {
            NameKind::Items => self.nodes[parent as usize].items = Some(id),
            _ => self.nodes[parent as usize].children.push(id),
        }
        id
    }

    fn children(&self, parent: NameId) -> impl Iterator<Item = NameId> {
        let parent = &self.nodes[parent as usize];
        parent.children.iter().copied().chain(parent.items)
    }

    /// The member of that name; `cursor` remembers where the last one was found, for documents in the usual order.
    pub(crate) fn member(&self, parent: NameId, text: &str, cursor: &mut usize) -> Option<NameId> {
        self.find(parent, cursor, |name| *name.text == *text)
    }

    /// The element or attribute of that name.
    pub(crate) fn qualified(
        &self,
        parent: NameId,
        (namespace, text): (u16, &str),
        kind: NameKind,
        cursor: &mut usize,
    ) -> Option<NameId> {
        self.find(parent, cursor, |name| name.namespace == namespace && name.kind == kind && *name.text == *text)
    }

    fn find(&self, parent: NameId, cursor: &mut usize, is_it: impl Fn(&Name) -> bool) -> Option<NameId> {
        let children = &self.nodes[parent as usize].children;
        let start = (*cursor).min(children.len());
        for index in (start..children.len()).chain(0..start) {
            if is_it(&self.nodes[children[index] as usize]) {
                *cursor = index + 1;
                return Some(children[index]);
            }
        }
        None
    }

    /// The name of the items of an array.
    pub(crate) fn items(&self, parent: NameId) -> Option<NameId> {
        self.nodes[parent as usize].items
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of a namespace; nothing if the mapping does not declare it.
    pub(crate) fn namespace(&self, address: &str) -> Option<u16> {
        self.namespaces.iter().position(|known| **known == *address).and_then(|index| u16::try_from(index).ok())
    }

    /// The address of a namespace.
    pub(crate) fn address(&self, namespace: u16) -> &str {
        &self.namespaces[usize::from(namespace)]
    }

    /// The name without its prefix.
    pub(crate) fn text(&self, id: NameId) -> &str {
        &self.nodes[id as usize].text
    }

    /// The namespace of the name.
    pub(crate) fn namespace_of(&self, id: NameId) -> u16 {
        self.nodes[id as usize].namespace
    }

    /// What it is the name of.
    pub(crate) fn kind(&self, id: NameId) -> NameKind {
        self.nodes[id as usize].kind
    }

    /// The name above.
    pub(crate) fn parent(&self, id: NameId) -> NameId {
        self.nodes[id as usize].parent
    }

    /// How the name is written: with its prefix in XML, quoted in JSON.
    pub(crate) fn printed(&self, id: NameId) -> &str {
        &self.nodes[id as usize].printed
    }
}
