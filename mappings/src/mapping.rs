//! A mapping between one dialect and one kind, ready to run in both directions.

use std::collections::BTreeMap;

use schemas::{DialectName, Hash, Kind, Record, RecordType, hash_of};

use crate::{
    Directions, Evidence,
    codes::Library,
    confined::{confined_lines, confined_of, note_confined, without},
    document::{Format, ReadFailure, Tree, parse_document},
    error::MappingError,
    grammar::read_mapping_file,
    plan::{Program, compile},
    reading::{self, ReadOptions, Reading},
    writing::{self, Refusal, WriteOptions, Writing},
};

/// A mapping. **Invariant:** it never changes and does no I/O; the same document gives the same record.
#[derive(Debug)]
pub struct Mapping {
    dialect: DialectName,
    hash: Hash,
    text: String,
    pub(crate) program: Program,
    /// The files of the samples folder.
    pub(crate) samples: BTreeMap<String, Vec<u8>>,
}

impl Mapping {
    /// Compiles a mapping file, laid over another if it is like one.
    pub(crate) fn compile(
        dialect: DialectName,
        kind: Kind,
        model: &'static RecordType,
        library: &Library,
        (path, text, base): (&str, &str, Option<&str>),
        samples: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Vec<MappingError>> {
        let file = read_mapping_file(path, text, base)?;
        let program = compile(&file, kind, model, library, (path, text))?;
        let misplaced = confined_lines(&file, model, &dialect, (path, text));
        if !misplaced.is_empty() {
            return Err(misplaced);
        }
        let hash = base.map_or_else(|| Hash::of(text.as_bytes()), |base| hash_of(&[base.as_bytes(), text.as_bytes()]));
        Ok(Self { dialect, hash, text: text.to_owned(), program, samples })
    }

    /// The dialect.
    pub fn dialect(&self) -> &DialectName {
        &self.dialect
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.program.kind
    }

    /// What the dialect is.
    pub fn title(&self) -> &str {
        &self.program.title
    }

    /// The version of the format, as its owner words it.
    pub fn version(&self) -> &str {
        &self.program.version
    }

    /// Where the facts come from.
    pub fn source(&self) -> &str {
        &self.program.source
    }

    /// The media type of the documents.
    pub fn media_type(&self) -> &str {
        &self.program.media_type
    }

    /// The syntax of the documents.
    pub fn format(&self) -> Format {
        self.program.syntax.format
    }

    /// The hash of the mapping file, and of the one that it is like.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The mapping file, as it was loaded.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How sure it is that the format is the partner's own.
    pub fn evidence(&self) -> Evidence {
        self.program.evidence
    }

    /// Which ways the mapping goes.
    pub fn directions(&self) -> Directions {
        self.program.directions
    }

    /// The names that a partner file may set, with their values until it does.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.program.parameters.iter().map(|(name, default)| (&**name, &**default))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Every fault of the document, each with its pointer.
    pub fn read(&self, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Reading, ReadFailure> {
        if !self.program.directions.reads() {
            return Err(ReadFailure::of("", "not_read", "documents of this dialect are only written"));
        }
        parse_document(bytes, &self.program.syntax, &self.program.names, |tree: Tree<'_>| {
            reading::read(&self.program, tree, options)
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// The field without which the document would be useless to the partner, or which it must have and may not see.
    pub fn write(&self, record: &Record, options: &WriteOptions<'_>) -> Result<Writing, Refusal> {
        if !self.program.directions.writes() {
            let problem = "documents of this dialect are only read".to_owned();
            return Err(Refusal { code: "not_written".to_owned(), path: String::new(), problem });
        }
        let confined = confined_of(record, &self.dialect);
        let masked = options.mask.map(|mask| mask.apply(record));
        let stripped = (!confined.is_empty()).then(|| without(masked.as_ref().unwrap_or(record), &confined));
        let complement = options.complement.filter(|_| options.mask.is_none());
        let options = WriteOptions { complement, ..*options };
        let shown = stripped.as_ref().or(masked.as_ref()).unwrap_or(record);
        let mut writing = writing::write(&self.program, shown, &options)?;
        note_confined(&mut writing.loss, masked.as_ref().unwrap_or(record), &confined);
        Ok(writing)
    }
}
