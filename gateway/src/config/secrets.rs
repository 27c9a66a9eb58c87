//! Secrets: files of one folder. Each line is a valid secret, so that two overlap during a rotation.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use schemas::{Hash, hash_of};
use secrecy::{ExposeSecret, SecretString};

/// The valid forms of one secret, at least one.
#[derive(Debug, Clone)]
pub struct Secret(Vec<SecretString>);

impl Secret {
    /// Every valid form, for checking.
    pub fn all(&self) -> &[SecretString] {
        &self.0
    }

    /// The form that is sent.
    pub fn current(&self) -> &SecretString {
        &self.0[0]
    }

    /// Every line, for what is a file of several lines and no secret at all: certificates.
    pub fn lines(&self) -> String {
        self.0.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>().join("\n")
    }

    /// How many forms are valid.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The secrets, by name.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// Reads the folder; a folder that is not there holds none.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut secrets = BTreeMap::new();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read the folder `{}`", folder.display())),
        };
        for entry in entries {
            let path = entry?.path();
            if !path.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            secrets.insert(name.clone(), Secret::parse(&text).with_context(|| format!("secret `{name}`"))?);
        }
        Ok(Self(secrets))
    }

    /// A hash of every secret and its name, to notice that one has changed.
    pub fn fingerprint(&self) -> Hash {
        let forms = self.0.iter().flat_map(|(name, secret)| {
            std::iter::once(name.as_bytes()).chain(secret.0.iter().map(|form| form.expose_secret().as_bytes()))
        });
        hash_of(&forms.collect::<Vec<_>>())
    }

    /// A secret by its name.
    pub fn get(&self, name: &str) -> Result<&Secret> {
        self.0
            .get(name)
            .with_context(|| format!("there is no secret `{name}`; write it into a file of that name in `secrets_dir`"))
    }
}

impl Secret {
    fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let forms: Vec<SecretString> = lines.map(SecretString::from).collect();
        ensure!(!forms.is_empty(), "the file is empty; write the secret on its first line");
        Ok(Self(forms))
    }

    /// Whether a text is one of the valid forms; takes as long for a near miss as for a wild guess.
    pub fn matches(&self, candidate: &str) -> bool {
        use subtle::ConstantTimeEq;
        let is_equal = |form: &SecretString| form.expose_secret().as_bytes().ct_eq(candidate.as_bytes());
        self.0.iter().map(is_equal).fold(subtle::Choice::from(0), |found, equal| found | equal).into()
    }
}
