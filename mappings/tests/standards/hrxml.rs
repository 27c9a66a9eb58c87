//! HR-XML 2.5: documents checked by xmllint against its schemas, where both are at hand. In CI, which installs xmllint
//! (Debian's `libxml2-utils`), it must be there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// What the schema imports for `xml:lang`, and the folder that holds the schema does not have.
const XML_LANG: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace"><xs:attribute name="lang" type="xs:language"/></xs:schema>"#;

/// The folders of the standard that the schemas are in or import from.
const PARTS: [&str; 9] = ["CPO", "CPO/JP", "CPO/US", "SEP", "SEP/DE", "SEP/US", "SIDES", "SIDES/FR", "SIDES/JP"];

/// A schema beside what it imports, and documents that were gathered to be checked together.
pub struct Checker {
    folder: TempDir,
    schema: &'static str,
    documents: Vec<(PathBuf, String)>,
}

impl Checker {
    /// A schema by its place in the standard, such as `SEP/Candidate.xsd`; nothing where this machine has no xmllint.
    #[expect(clippy::disallowed_methods, reason = "a test has no settings; in CI the tool must be there")]
    pub fn new(data: &Path, schema: &'static str) -> Option<Self> {
        let is_there = Command::new("xmllint").arg("--version").output().is_ok_and(|output| output.status.success());
        if !is_there {
            assert!(std::env::var_os("PASSERELLE_CI").is_none(), "there is no xmllint: install `libxml2-utils`");
            println!("skipped: there is no xmllint; install Debian's `libxml2-utils`, or `libxml2` elsewhere");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for part in PARTS {
            let (from, to) = (data.join("ats/hrxml-2.5").join(part), folder.path().join("hrxml-2.5").join(part));
            fs::create_dir_all(&to).unwrap();
            let files = fs::read_dir(&from).unwrap_or_else(|error| panic!("`{}`: {error}", from.display()));
            for path in
                files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "xsd"))
            {
                fs::write(to.join(path.file_name().unwrap()), fs::read(&path).unwrap()).unwrap();
            }
        }
        fs::create_dir_all(folder.path().join("W3C")).unwrap();
        fs::write(folder.path().join("W3C/xml.xsd"), XML_LANG).unwrap();
        Some(Self { folder, schema, documents: Vec::new() })
    }

    /// Gathers a document; `name` is how it is spoken of.
    pub fn add(&mut self, name: &str, document: &[u8]) {
        let path = self.folder.path().join(format!("{}.xml", self.documents.len()));
        fs::write(&path, document).unwrap();
        self.documents.push((path, name.to_owned()));
    }

    /// What xmllint says against the documents, each under its name.
    pub fn complaints(&self) -> String {
        let schema = self.folder.path().join("hrxml-2.5").join(self.schema);
        assert!(schema.exists() && !self.documents.is_empty(), "there is nothing to check");
        let mut command = Command::new("xmllint");
        command.args(["--nonet", "--noout", "--schema"]).arg(&schema);
        let output = command.args(self.documents.iter().map(|(path, _)| path)).output().unwrap();
        let mut told = String::from_utf8_lossy(&output.stderr).into_owned();
        for (path, name) in self.documents.iter().rev() {
            told = told.replace(&path.display().to_string(), name);
        }
        let complaints: Vec<&str> = told.lines().filter(|line| !line.ends_with(" validates")).collect();
        assert_eq!(output.status.success(), complaints.is_empty(), "{told}");
        complaints.join("\n")
    }
}
