//! Schemas that the registry has told once, as files: what was written under them is read also without it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::{fs, io::AsyncWriteExt};
use tracing::warn;

/// The file that says which registry the ids are of.
const REGISTRY: &str = "registry";
/// How the file of a schema ends; before it stands the id.
const EXTENSION: &str = "avsc";

/// A folder of schemas by id.
#[derive(Debug)]
pub struct SchemaCache(PathBuf);

impl SchemaCache {
    /// Opens the folder, making it if there is none. Ids of another registry mean something else: they are forgotten.
    pub async fn open(folder: PathBuf, registry: &str) -> Result<Self> {
        let cannot = |folder: &Path| format!("cannot use the folder `{}`", folder.display());
        fs::create_dir_all(&folder).await.with_context(|| cannot(&folder))?;
        let cache = Self(folder);
        if fs::read_to_string(cache.0.join(REGISTRY)).await.is_ok_and(|known| known == registry) {
            return Ok(cache);
        }
        for id in cache.ids().await.with_context(|| cannot(&cache.0))? {
            fs::remove_file(cache.path(id)).await.with_context(|| cannot(&cache.0))?;
        }
        cache.write(REGISTRY, registry).await?;
        Ok(cache)
    }

    /// Every schema that is kept, by its id.
    pub async fn load(&self) -> Result<Vec<(u32, String)>> {
        let mut schemas = Vec::new();
        for id in self.ids().await? {
            match fs::read_to_string(self.path(id)).await {
                Ok(avsc) => schemas.push((id, avsc)),
                Err(error) => warn!(schema.id = id, error = %error, "a kept schema cannot be read"),
            }
        }
        Ok(schemas)
    }

    /// Keeps a schema.
    pub async fn keep(&self, id: u32, avsc: &str) -> Result<()> {
        self.write(&format!("{id}.{EXTENSION}"), avsc).await
    }

    async fn ids(&self) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut entries = fs::read_dir(&self.0).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let Some(id) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok())
            {
                ids.push(id);
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    fn path(&self, id: u32) -> PathBuf {
        self.0.join(format!("{id}.{EXTENSION}"))
    }

    /// Writes a file whole or not at all.
    async fn write(&self, name: &str, text: &str) -> Result<()> {
        let (path, fresh) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let cannot = || format!("cannot write `{}`", path.display());
        let mut file = fs::File::create(&fresh).await.with_context(cannot)?;
        file.write_all(text.as_bytes()).await.with_context(cannot)?;
        file.sync_all().await.with_context(cannot)?;
        fs::rename(&fresh, &path).await.with_context(cannot)
    }
}
