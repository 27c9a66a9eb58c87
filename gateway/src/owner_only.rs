//! Files with secrets, which nobody but their owner may read.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result};

/// Puts a file with this content, mode 0600, in the place of whatever stands there; killed at any point, the old file or
/// the new one is there.
///
/// # Errors
/// If the folder cannot be written.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let fresh = path.with_added_extension("new");
    // Removed first, so that the mode below is that of a new file.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("cannot write `{}`", fresh.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write `{}`", path.display()))
}
