//! HTML by an allow-list. **Invariant:** sanitising twice is sanitising once.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};

use super::{clean, has_markup, settled::is_settled};

/// The elements that may stay. Scripts and styles go with their content, others leave theirs.
const TAGS: [&str; 32] = [
    "a",
    "b",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
/// Where links may lead.
pub(super) const SCHEMES: [&str; 3] = ["http", "https", "mailto"];
/// Some broken mark-up settles only when it is parsed again; what has not settled by then loses its mark-up.
const MAX_ROUNDS: usize = 4;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(None);
    builder
});

/// Sanitises a fragment of HTML: allow-listed elements, links to http, https and mailto, nothing else.
///
/// Text without mark-up and mark-up that is known to be in order are handed back as they are.
pub fn sanitise(html: &str) -> Cow<'_, str> {
    if !has_markup(html) || is_settled(html) {
        return Cow::Borrowed(html);
    }
    let mut current = sanitise_once(html);
    for _ in 0..MAX_ROUNDS {
        if !has_markup(&current) || is_settled(&current) {
            return Cow::Owned(current);
        }
        let next = sanitise_once(&current);
        if next == current {
            return Cow::Owned(current);
        }
        current = next;
    }
    Cow::Owned(super::html_of_plain(&super::plain_of_html(&current)).into_owned())
}

fn sanitise_once(html: &str) -> String {
    clean(&CLEANER.clean(html).to_string()).0.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_allow_list_stays() {
        for (html, sanitised) in [
            ("<p onclick=\"x()\">a</p><script>alert(1)</script>", "<p>a</p>"),
            ("<a href=\"javascript:alert(1)\">x</a>", "<a>x</a>"),
            ("<a href=\"/jobs\">x</a>", "<a>x</a>"),
            ("<a href=\"https://example.org/?a=1&b=2\">x</a>", "<a href=\"https://example.org/?a=1&amp;b=2\">x</a>"),
            ("<span style=\"color:red\">a</span> & b", "a &amp; b"),
            ("<div>a</div><div>b</div>", "<div>a</div><div>b</div>"),
            ("<img src=x onerror=alert(1)>", ""),
            ("a&#1;b<b>", "ab<b></b>"),
            ("no mark-up", "no mark-up"),
        ] {
            assert_eq!(sanitise(html), sanitised, "{html}");
        }
    }

    const PIECES: &str = "<p> </p> <br> <ul> </ul> <ol> </ol> <li> </li> <b> </b> <i> </i> </a> <h2> </h2> <div> </div> \
        <strong> </strong> <table> <tr> <td> </td> </table> <svg> <math> <script> </script> <style> &amp; &lt; &gt; &nbsp; \
        &#1; &eacute < > & text e <pre> </pre> <hr> <u> </u> <template> <noscript> \" <blockquote>";

    /// Pieces that make good and bad HTML when they are strung together.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(PIECES.split(' ').collect::<Vec<_>>());
        let blank = prop::sample::select(vec![" ", "\n", "\u{338}", "\u{301}", "\u{a0}"]);
        let link = prop::sample::select(vec![
            "<a href=\"https://example.org/x\">",
            "<a href=\"mailto:a@b.be\">",
            "<a href=\"https://1.2.3.4.5/\">",
            "<!-- c -->",
        ]);
        let piece = prop_oneof![8 => piece, 2 => blank, 1 => link];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// Elements strictly in one another: most of it is in order, some is not.
    fn nested() -> impl Strategy<Value = String> {
        let text = prop::sample::select(vec!["text", "&amp;", " ", "caf\u{e9}", "\u{2019}", "<br>", "", "&nbsp;"]);
        let tag = prop::sample::select(vec!["p", "ul", "ol", "li", "b", "i", "strong", "em", "u", "h2", "div", "h6"]);
        text.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
            (tag.clone(), prop::collection::vec(inner, 0..4))
                .prop_map(|(tag, inner)| format!("<{tag}>{}</{tag}>", inner.concat()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn sanitising_twice_is_sanitising_once(html in pieces()) {
            let once = sanitise(&html).into_owned();
            prop_assert_eq!(sanitise(&once), once.as_str());
        }

        #[test]
        fn what_is_settled_is_what_the_sanitiser_would_give(html in prop_oneof![nested(), pieces()]) {
            if is_settled(&html) {
                prop_assert_eq!(sanitise_once(&html), html);
            }
        }
    }
}
