//! The pages about codes, as they stand in `docs/errors/`.

use include_dir::{Dir, include_dir};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../docs/errors");

/// The page about a code: cause and remedy, as Markdown.
pub fn of(code: &str) -> Option<&'static str> {
    PAGES.get_file(format!("{code}.md"))?.contents_utf8()
}

/// Every page with its code, sorted.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let name =
        |file: &'static include_dir::File<'static>| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?));
    PAGES.files().filter_map(name)
}
