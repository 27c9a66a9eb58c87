//! Free text: cleaned, sanitised, turned from HTML to plain text and back, cut to a length.

mod clean;
mod cut;
mod entities;
mod links;
mod plain;
mod sanitise;
mod settled;

pub(crate) use clean::clean;
pub use clean::is_xml_character;
pub(crate) use cut::{Limit, cut_html, cut_plain};
pub(crate) use entities::{decode_html, encode_html};
pub(crate) use links::{html_without_links, without_links};
pub use plain::{html_of_plain, plain_of_html};
pub use sanitise::sanitise;

/// Whether a text holds a tag or a character reference, or what may become one.
fn has_markup(text: &str) -> bool {
    memchr::memchr2(b'<', b'&', text.as_bytes()).is_some()
}

/// Whether HTML has no mark-up but line breaks, so that nothing is lost as plain text.
pub(crate) fn is_plain_in_html(html: &str) -> bool {
    html.split('<').skip(1).all(|rest| rest.starts_with("br>"))
}
