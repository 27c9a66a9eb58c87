//! The files that `mappings/README.md` shows, in a folder.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::fs;

use tempfile::TempDir;

pub const README: &str = include_str!("../../README.md");

/// The fenced blocks that name a file: path and text.
pub fn files() -> Vec<(&'static str, &'static str)> {
    let blocks = README.split("\n```").skip(1).step_by(2);
    let file = |block: &'static str| {
        let (fence, text) = block.split_once('\n')?;
        Some((fence.split_once(' ')?.1, text))
    };
    blocks.filter_map(file).collect()
}

/// The files in a folder, one of them changed.
pub fn folder(changed: &str, change: impl Fn(&str) -> String) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (file, text) in files() {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = if file == changed { change(text) } else { text.to_owned() };
        fs::write(path, format!("{text}\n")).unwrap();
    }
    folder
}
