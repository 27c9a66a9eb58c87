//! A small file system that can be filled up.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::wanted_tool;

/// A small file system in memory; gone when it is dropped.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one; says so and gives none where that is not allowed.
    pub fn mount(size_mib: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={size_mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let disk = mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder));
        wanted_tool("tmpfs", "run as root, so that `mount` may make one", disk)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn fill(&self) {
        fill(self.path());
    }

    pub fn free(&self) {
        free(self.path());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0.path()).status();
    }
}

/// Writes into a small file system until nothing more fits.
///
/// # Panics
/// If it is not small.
pub fn fill(folder: &Path) {
    let mut filler = File::create(filler(folder)).unwrap();
    let pages = (0..=LARGEST_PAGES).take_while(|_| filler.write_all(&[0; 4_096]).is_ok()).count();
    assert!(pages <= LARGEST_PAGES, "the small file system has no end");
}

/// Makes room again.
pub fn free(folder: &Path) {
    std::fs::remove_file(filler(folder)).unwrap();
}

/// A GiB: no small file system is larger.
const LARGEST_PAGES: usize = 262_144;

fn filler(folder: &Path) -> PathBuf {
    folder.join("filler")
}
