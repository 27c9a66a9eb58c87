//! Reads the header `Link` (RFC 8288), as far as paging needs it.

use http::{HeaderMap, header};

/// The target of the first link whose relation is `next`.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(links)
        .find(|(_, relations)| relations.iter().any(|relation| relation == "next"))
        .map(|(target, _)| target)
}

/// Every link: its target, and its relations in lower case.
fn links(value: &str) -> Vec<(String, Vec<String>)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, after)| after.split_once('>')) {
        let end = end_of_parameters(after);
        let relations = parameters(&after[..end]).find(|(name, _)| name.eq_ignore_ascii_case("rel"));
        let relations = relations.map(|(_, value)| value.to_ascii_lowercase()).unwrap_or_default();
        links.push((target.to_owned(), relations.split_ascii_whitespace().map(str::to_owned).collect()));
        rest = &after[end..];
    }
    links
}

/// Up to the comma that no quotes hide.
fn end_of_parameters(text: &str) -> usize {
    let mut is_quoted = false;
    let comma = text.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"';
        *c == ',' && !is_quoted
    });
    comma.map_or(text.len(), |(at, _)| at)
}

/// `; name=value; name="value"`.
fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(';').filter_map(|part| part.split_once('='));
    parts.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LINK, value.parse().unwrap());
        next(&headers)
    }

    #[test]
    fn the_next_page_is_found_among_others() {
        assert_eq!(
            read(r#"<https://h.example/v3/p?cursor=a>; rel="next""#).as_deref(),
            Some("https://h.example/v3/p?cursor=a")
        );
        let several = r#"<u1>; rel="prev"; title="a, b", <u2>;rel=NEXT, <u3>; rel="last""#;
        assert_eq!(read(several).as_deref(), Some("u2"));
        assert_eq!(read(r#"<u1>; rel="last next""#).as_deref(), Some("u1"));
    }

    #[test]
    fn the_last_page_has_none() {
        for value in ["", r#"<u>; rel="prev""#, "<u>", r#"<u; rel="next""#, "u; rel=next"] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(next(&HeaderMap::new()), None);
    }
}
