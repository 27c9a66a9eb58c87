//! Texts for partners that take no links in them: the links are taken out, the words stay.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::Builder;
use regex::Regex;

use super::sanitise;

/// An address with the blanks before it and the brackets round it, up to the sign that ends its sentence; and what begins
/// like one. A bare name such as `example.org` is a word: so is `Node.js`.
const ADDRESS: &str = r"(?:\b|_+)(?:(?:https?|ftps?|mailto):|www\.)(?:(?:INSIDE)*(?:LAST))?";

fn addresses(inside: &str, last: &str, others: &str) -> Regex {
    let address = ADDRESS.replace("INSIDE", inside).replace("LAST", last);
    let expression = format!(r"(?i)[ \t]*\([ \t]*{address}[ \t]*\)|[ \t]*{address}{others}");
    Regex::new(&expression).expect("the expression is tested below")
}

/// In plain text a tag of a link is one that somebody has put there by mistake.
static IN_PLAIN: LazyLock<Regex> =
    LazyLock::new(|| addresses(r#"[^\s<>"()]"#, r#"[^\s<>"().,;:!?\u{2026}'\u{2019}\u{bb}]"#, r"|</?a\b[^<>]*>|<a\b"));
static IN_HTML: LazyLock<Regex> =
    LazyLock::new(|| addresses(r#"[^\s<>"()&]|&amp;"#, r#"[^\s<>"()&.,;:!?\u{2026}'\u{2019}\u{bb}]|&amp;"#, ""));

static UNLINKED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.rm_tags(["a"]).generic_attributes(HashSet::new());
    builder
});

/// Plain text without links; nothing if it has none.
pub(crate) fn without_links(text: &str) -> Option<String> {
    stripped(text, &IN_PLAIN).map(|stripped| stripped.trim().to_owned())
}

/// HTML without links; nothing if it has none.
pub(crate) fn html_without_links(html: &str) -> Option<String> {
    let has_links = html.contains("<a");
    let unlinked = has_links.then(|| UNLINKED.clean(html).to_string());
    let stripped = stripped(unlinked.as_deref().unwrap_or(html), &IN_HTML).or(unlinked)?;
    Some(sanitise(stripped.trim()).trim().to_owned())
}

/// What is left without them. What stood on both sides of one may make up another.
fn stripped(text: &str, addresses: &Regex) -> Option<String> {
    let mut left = addresses.is_match(text).then(|| addresses.replace_all(text, "").into_owned())?;
    while addresses.is_match(&left) {
        left = addresses.replace_all(&left, "").into_owned();
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_go_and_words_stay() {
        for (text, left) in [
            ("See https://example.org/jobs?a=1&b=2.", Some("See.")),
            ("Meer info (www.example.be) of bel ons", Some("Meer info of bel ons")),
            ("HTTP://EXAMPLE.ORG, en meer", Some(", en meer")),
            ("https://example.org", Some("")),
            ("Node.js, awww. en jobs@example.org", None),
            ("www.a.be en ftp://b.be/c", Some("en")),
            ("w(www.x.y)ww.b c", Some("c")),
            ("mail mailto:a@b.be of _www.x.y_ of http: dus", Some("mail of of dus")),
            ("klik <a href='x'>hier</a>, 1 <a", Some("klik hier, 1")),
            ("a <abc> b", None),
        ] {
            assert_eq!(without_links(text).as_deref(), left, "{text}");
        }
        for (html, left) in [
            ("<p>Lees <a href=\"https://example.org/\">onze site</a>.</p>", Some("<p>Lees onze site.</p>")),
            ("<p><a href=\"https://example.org/\">https://example.org/?a&amp;b</a>&nbsp;x</p>", Some("<p>&nbsp;x</p>")),
            ("<p>a <b>https://example.org</b></p>", Some("<p>a <b></b></p>")),
            ("<p>a &lt; b</p>", None),
            ("<a>x</a>", Some("x")),
        ] {
            assert_eq!(html_without_links(html).as_deref(), left, "{html}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_of_links(html in "(<p>|</p>|<a href=\"https://a.be/\">|</a>|www\\.|http://|a|&amp;|&lt;| |\\(|\\)|\\.){0,16}") {
            let html = sanitise(&html).into_owned();
            if let Some(left) = html_without_links(&html) {
                prop_assert_eq!(html_without_links(&left), None, "{}", left);
                prop_assert_eq!(sanitise(&left), left.as_str());
            }
        }
    }
}
