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
    error::MappingError,
    mapping::Mapping,
};

static EMBEDDED: [(&str, Dir<'static>); 3] = [
    ("dialects", include_dir!("$CARGO_MANIFEST_DIR/dialects")),
    ("codelists", include_dir!("$CARGO_MANIFEST_DIR/codelists")),
    ("crosswalks", include_dir!("$CARGO_MANIFEST_DIR/crosswalks")),
];

/// The files of a catalogue, by their path under the mappings folder.
type Files = BTreeMap<String, Vec<u8>>;

/// All mappings. **Invariant:** no I/O but in [`Catalogue::load`]; what is loaded never changes.
#[derive(Debug)]
pub struct Catalogue {
    library: Library,
    mappings: BTreeMap<(DialectName, Kind), Arc<Mapping>>,
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
        let mut mappings = BTreeMap::new();
        for (path, bytes) in
            files.iter().filter(|(path, _)| path.starts_with("dialects/") && has_extension(path, "toml"))
        {
            let [_, dialect, file] = path.split('/').collect::<Vec<_>>()[..] else {
                continue;
            };
            match read_mapping(path, dialect, file, bytes, files, &library) {
                Ok(mapping) => {
                    mappings.insert((mapping.dialect().clone(), mapping.kind()), Arc::new(mapping));
                }
                Err(mut found) => errors.append(&mut found),
            }
        }
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

fn read_mapping(
    path: &str,
    dialect: &str,
    file: &str,
    bytes: &[u8],
    files: &Files,
    library: &Library,
) -> Result<Mapping, Vec<MappingError>> {
    let mistake = |problem: String, remedy: &str| {
        vec![MappingError { file: path.to_owned(), line: 0, rule: None, problem, remedy: remedy.to_owned() }]
    };
    let dialect: DialectName =
        dialect.parse().map_err(|error: schemas::IdentifierError| mistake(error.to_string(), "rename the folder"))?;
    let kind = file.trim_end_matches(".toml");
    let kind: Kind =
        kind.parse().map_err(|problem| mistake(problem, "name the file after its kind: `vacancy.toml`"))?;
    let Some(model) = RecordType::of(kind) else {
        return Err(mistake(format!("the kind `{kind}` is not accepted yet"), "remove the file"));
    };
    let samples_folder = format!("dialects/{dialect}/samples/");
    let samples =
        files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(&samples_folder)?.to_owned(), bytes.clone())));
    Mapping::compile(dialect, kind, model, library, (path, text_of(path, bytes)?), samples.collect())
}
