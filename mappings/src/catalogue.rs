//! All mappings with the code lists they use: those embedded in the program, overlaid by a folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use include_dir::{Dir, include_dir};
use schemas::{DialectName, Hash, Kind, RecordType, hash_of};

use crate::{
    codes::{CodeList, Crosswalk, Library},
    error::{MappingError, Mistakes, did_you_mean},
    grammar::like_of,
    mapping::Mapping,
};

static EMBEDDED: [(&str, Dir<'static>); 3] = [
    ("dialects", include_dir!("$CARGO_MANIFEST_DIR/dialects")),
    ("codelists", include_dir!("$CARGO_MANIFEST_DIR/codelists")),
    ("crosswalks", include_dir!("$CARGO_MANIFEST_DIR/crosswalks")),
];

/// The files of a catalogue, by their path under the mappings folder.
type Files = BTreeMap<String, Vec<u8>>;
type Mappings = BTreeMap<(DialectName, Kind), Arc<Mapping>>;

/// All mappings. **Invariant:** no I/O but in [`Catalogue::load`]; what is loaded never changes.
#[derive(Debug)]
pub struct Catalogue {
    library: Library,
    mappings: Mappings,
    codes_hash: Hash,
}

impl Catalogue {
    /// The mappings that are embedded in the program.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn embedded() -> Result<Self, Vec<MappingError>> {
        Self::from_files(&embedded_files())
    }

    /// The embedded mappings, file by file overlaid by those of a folder with the same three sub-folders.
    ///
    /// # Errors
    /// Every mistake in every file, and files that cannot be read.
    pub fn load(overlay: &Path) -> Result<Self, Vec<MappingError>> {
        let mut files = embedded_files();
        for (folder, _) in &EMBEDDED {
            let path = overlay.join(folder);
            if path.is_dir() {
                read_folder(&path, folder, &mut files).map_err(|(path, error)| {
                    let file = path.display().to_string();
                    let remedy = "see that the file exists and may be read".to_owned();
                    vec![MappingError { file, line: 0, rule: None, problem: error.to_string(), remedy }]
                })?;
            }
        }
        Self::from_files(&files)
    }

    fn from_files(files: &Files) -> Result<Self, Vec<MappingError>> {
        let mut errors = Vec::new();
        let library = read_library(files, &mut errors);
        let library = library.map_err(|mut found| {
            found.append(&mut errors);
            found
        })?;
        let mappings = read_mappings(files, &library, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let is_code = |path: &str| path.starts_with("codelists/") || path.starts_with("crosswalks/");
        let codes = files.iter().filter(|(path, _)| is_code(path));
        let parts: Vec<&[u8]> = codes.flat_map(|(path, bytes)| [path.as_bytes(), bytes]).collect();
        Ok(Self { library, mappings, codes_hash: hash_of(&parts) })
    }

    /// The mapping of a dialect and a kind.
    pub fn mapping(&self, dialect: &DialectName, kind: Kind) -> Option<&Arc<Mapping>> {
        self.mappings.get(&(dialect.clone(), kind))
    }

    /// All mappings, by dialect and kind.
    pub fn mappings(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.mappings.values()
    }

    /// Compiles a mapping file with the code lists, and laid over the mappings, of the catalogue; it is not added.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn compile(&self, dialect: &DialectName, kind: Kind, text: &str) -> Result<Mapping, Vec<MappingError>> {
        let files = Files::new();
        let (path, file) = (format!("dialects/{dialect}/{kind}.toml"), format!("{kind}.toml"));
        let written = WrittenMapping {
            path: &path,
            dialect: dialect.as_str(),
            file: &file,
            bytes: text.as_bytes(),
            files: &files,
        };
        let Some(base) = like_of(text) else {
            return written.read(&self.library, None);
        };
        let found = base.parse::<DialectName>().ok().and_then(|base| self.mapping(&base, kind));
        let found = found.filter(|base| like_of(base.text()).is_none());
        found.map_or_else(|| Err(written.without_base(&base)), |base| written.read(&self.library, Some(base.text())))
    }

    /// The code lists and crosswalks.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The hash of all code lists and crosswalks.
    pub fn codes_hash(&self) -> Hash {
        self.codes_hash
    }
}

fn embedded_files() -> Files {
    let mut files = Files::new();
    for (folder, dir) in &EMBEDDED {
        collect_embedded(dir, folder, &mut files);
    }
    files
}

fn collect_embedded(dir: &Dir<'_>, folder: &str, files: &mut Files) {
    for file in dir.files() {
        files.insert(format!("{folder}/{}", slashed(file.path())), file.contents().to_vec());
    }
    for inner in dir.dirs() {
        collect_embedded(inner, folder, files);
    }
}

fn read_folder(path: &Path, name: &str, files: &mut Files) -> Result<(), (PathBuf, io::Error)> {
    let located = |error| (path.to_owned(), error);
    for entry in fs::read_dir(path).map_err(located)? {
        let entry = entry.map_err(located)?;
        let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_folder(&entry.path(), &inner, files)?;
        } else {
            files.insert(inner, fs::read(entry.path()).map_err(|error| (entry.path(), error))?);
        }
    }
    Ok(())
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn text_of<'b>(path: &str, bytes: &'b [u8]) -> Result<&'b str, Vec<MappingError>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        let problem = "the file is no UTF-8".to_owned();
        let remedy = "save it in UTF-8".to_owned();
        vec![MappingError { file: path.to_owned(), line, rule: None, problem, remedy }]
    })
}

fn read_library(files: &Files, errors: &mut Vec<MappingError>) -> Result<Library, Vec<MappingError>> {
    let mut lists = Vec::new();
    let mut crosswalks = Vec::new();
    for (path, bytes) in files {
        let list = path.strip_prefix("codelists/").and_then(|path| path.strip_suffix(".tsv"));
        let is_crosswalk = path.starts_with("crosswalks/") && path.ends_with(".sssom.tsv");
        if list.is_none() && !is_crosswalk {
            continue;
        }
        let read = text_of(path, bytes).and_then(|text| match list {
            Some(name) => CodeList::parse(name, path, text).map(|list| lists.push(list)),
            None => Crosswalk::parse(path, text).map(|crosswalk| crosswalks.push(crosswalk)),
        });
        if let Err(mut found) = read {
            errors.append(&mut found);
        }
    }
    Library::new(lists, crosswalks)
}

/// Reads the mapping files: first those that stand alone, then those that are like one of them.
fn read_mappings(files: &Files, library: &Library, errors: &mut Vec<MappingError>) -> Mappings {
    let mut mappings = Mappings::new();
    let mut later = Vec::new();
    for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("dialects/") && has_extension(path, "toml")) {
        let [_, dialect, file] = path.split('/').collect::<Vec<_>>()[..] else {
            continue;
        };
        let written = WrittenMapping { path, dialect, file, bytes, files };
        match std::str::from_utf8(bytes).ok().and_then(like_of) {
            Some(base) => later.push((written, base)),
            None => put(written.read(library, None), &mut mappings, errors),
        }
    }
    for (written, base) in later {
        let found = base.parse::<DialectName>().ok().zip(written.file.trim_end_matches(".toml").parse().ok());
        match found.and_then(|key| mappings.get(&key)).filter(|base| like_of(base.text()).is_none()) {
            Some(base) => {
                let text = base.text().to_owned();
                put(written.read(library, Some(&text)), &mut mappings, errors);
            }
            None => errors.extend(written.without_base(&base)),
        }
    }
    mappings
}

fn put(read: Result<Mapping, Vec<MappingError>>, mappings: &mut Mappings, errors: &mut Vec<MappingError>) {
    match read {
        Ok(mapping) => drop(mappings.insert((mapping.dialect().clone(), mapping.kind()), Arc::new(mapping))),
        Err(mut found) => errors.append(&mut found),
    }
}

/// A mapping file that was not read yet.
struct WrittenMapping<'f> {
    path: &'f str,
    dialect: &'f str,
    file: &'f str,
    bytes: &'f [u8],
    files: &'f Files,
}

impl WrittenMapping<'_> {
    fn mistake(&self, problem: String, remedy: &str) -> Vec<MappingError> {
        let (file, remedy) = (self.path.to_owned(), remedy.to_owned());
        vec![MappingError { file, line: 0, rule: None, problem, remedy }]
    }

    fn read(&self, library: &Library, base: Option<&str>) -> Result<Mapping, Vec<MappingError>> {
        let dialect: DialectName = self
            .dialect
            .parse()
            .map_err(|error: schemas::IdentifierError| self.mistake(error.to_string(), "rename the folder"))?;
        let kind = self.file.trim_end_matches(".toml");
        let kind: Kind =
            kind.parse().map_err(|problem| self.mistake(problem, "name the file after its kind: `vacancy.toml`"))?;
        let model = RecordType::of(kind);
        let samples = self.samples(kind);
        let text = text_of(self.path, self.bytes)?;
        Mapping::compile(dialect, kind, model, library, (self.path, text, base), samples)
    }

    /// What stands in `samples/<kind>`; in a dialect without that folder, in `samples`.
    fn samples(&self, kind: Kind) -> BTreeMap<String, Vec<u8>> {
        let within = |folder: &str| -> BTreeMap<String, Vec<u8>> {
            let inside = self.files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(folder)?, bytes)));
            let files = inside.filter(|(name, _)| !name.contains('/'));
            files.map(|(name, bytes)| (name.to_owned(), bytes.clone())).collect()
        };
        let all = format!("dialects/{}/samples/", self.dialect);
        let own = within(&format!("{all}{kind}/"));
        if own.is_empty() { within(&all) } else { own }
    }

    /// The mistake of a mapping that is like one which is not there; nothing if that one has mistakes of its own.
    fn without_base(&self, base: &str) -> Vec<MappingError> {
        let text = String::from_utf8_lossy(self.bytes);
        let path = format!("dialects/{base}/{}", self.file);
        let found = self.files.get(&path).map(|bytes| like_of(&String::from_utf8_lossy(bytes)));
        let (problem, remedy) = match found {
            Some(None) => return Vec::new(),
            Some(Some(other)) => (format!("`{base}` is itself like `{other}`"), format!("write `like = \"{other}\"`")),
            None => {
                let known =
                    self.files.keys().filter_map(|path| path.strip_prefix("dialects/")?.strip_suffix(self.file));
                let remedy = did_you_mean(base, known.map(|dialect| dialect.trim_end_matches('/')));
                (format!("there is no dialect `{base}`"), remedy)
            }
        };
        let mut mistakes = Mistakes::new(self.path, &text);
        mistakes.at(text.find("\nlike").map(|at| at + 1..at + 1), "dialect", problem, remedy);
        mistakes.found
    }
}
