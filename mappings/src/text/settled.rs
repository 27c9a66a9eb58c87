//! Recognises HTML that the sanitiser would hand back letter for letter, so that it need not run.
//!
//! This is no parser: it knows a small, strictly nested subset and says no to everything else.

use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::{clean::is_simple, is_xml_character};

/// More open elements than any advertisement has.
const MAX_DEPTH: usize = 24;

/// What may stand directly inside an element.
#[derive(Clone, Copy, PartialEq)]
enum Content {
    /// Text, inline elements and blocks.
    Flow,
    /// Text and inline elements.
    Inline,
    /// List items and blanks.
    Items,
}

/// Whether the sanitiser would give back these very letters.
pub(super) fn is_settled(html: &str) -> bool {
    let is_clean = is_simple(html) || (html.chars().all(|c| is_xml_character(c) && c != '\r') && is_composed(html));
    if !is_clean || html.contains('\u{a0}') {
        return false;
    }
    let mut open: Vec<(&str, Content)> = Vec::with_capacity(8);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let content = open.last().map_or(Content::Flow, |(_, content)| *content);
        if !is_settled_text(&rest[..at], content) {
            return false;
        }
        let Some((tag, behind)) = rest[at + 1..].split_once('>') else {
            return false;
        };
        rest = behind;
        let is_known = match tag.strip_prefix('/') {
            Some(name) => open.pop().is_some_and(|(opened, _)| opened == name),
            None => may_open(tag, content, &mut open),
        };
        if !is_known || open.len() > MAX_DEPTH {
            return false;
        }
    }
    open.is_empty() && is_settled_text(rest, Content::Flow)
}

fn is_composed(html: &str) -> bool {
    is_nfc_quick(html.chars()) == IsNormalized::Yes
}

fn is_settled_text(text: &str, content: Content) -> bool {
    if content == Content::Items {
        return text.bytes().all(|byte| matches!(byte, b' ' | b'\n' | b'\t'));
    }
    // Control characters were looked for before.
    if memchr::memchr(b'>', text.as_bytes()).is_some() {
        return false;
    }
    text.split('&').skip(1).all(|rest| ["amp;", "lt;", "gt;", "nbsp;"].iter().any(|name| rest.starts_with(name)))
}

/// Opens an element if it may stand here.
fn may_open<'a>(tag: &'a str, content: Content, open: &mut Vec<(&'a str, Content)>) -> bool {
    let (name, inside) = match tag {
        "br" => return content != Content::Items,
        "hr" => return content == Content::Flow,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if content == Content::Flow => (tag, Content::Inline),
        "ul" | "ol" if content == Content::Flow => (tag, Content::Items),
        "div" if content == Content::Flow => (tag, Content::Flow),
        "li" if content == Content::Items => (tag, Content::Flow),
        "b" | "strong" | "i" | "em" | "u" if content != Content::Items => (tag, Content::Inline),
        _ => match tag.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix('"')) {
            Some(address) if content != Content::Items && is_settled_address(address) => ("a", Content::Inline),
            _ => return false,
        },
    };
    // The tree builder rearranges formatting elements that stand in their own kind.
    if inside == Content::Inline && open.iter().any(|(opened, _)| *opened == name) {
        return false;
    }
    open.push((name, inside));
    true
}

fn is_settled_address(address: &str) -> bool {
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>&'`\\".contains(&byte));
    is_plain && ammonia::Url::parse(address).is_ok_and(|url| super::sanitise::SCHEMES.contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_nesting_only() {
        for html in [
            "<p>a <b>b</b> &amp; c</p><ul>\n<li>x</li><li>y<ul><li>z</li></ul></li></ul>",
            "a<br>b",
            "<a href=\"https://example.org/\">x</a>",
        ] {
            assert!(is_settled(html), "{html}");
        }
        for html in [
            "<p>a",
            "</p>",
            "<p><p>a</p></p>",
            "<b><b>a</b></b>",
            "<P>a</P>",
            "<p class=\"x\">a</p>",
            "a & b",
            "a > b",
            "<li>a</li>",
            "<ul>a</ul>",
            "<script>x</script>",
            "<b><p>a</p></b>",
            "\u{a0}",
            "<a href=\"x\">a</a>",
            "<p>&eacute;</p>",
        ] {
            assert!(!is_settled(html), "{html}");
        }
    }
}
