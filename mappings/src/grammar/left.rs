//! The left side of a line: a canonical path, with what mappings add to paths.

/// A canonical path, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// The whole text.
    pub(crate) text: String,
    /// The segments, without the names in braces.
    pub(crate) segments: Vec<Segment>,
    /// `locations[].{postcode,city}`: the names in braces.
    pub(crate) braces: Vec<String>,
}

/// A name with its bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The name of the field.
    pub(crate) name: String,
    /// What stands in brackets behind it.
    pub(crate) bracket: Option<Bracket>,
}

/// What stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// `[]`: every item.
    Each,
    /// `[field=value]`: every item whose field has that value.
    Where(String, String),
    /// `[nl]`: the item of that key.
    Key(String),
    /// `[$language]`: the item of the document's language.
    Language,
    /// `[0]`: the item of that index.
    Index(usize),
}

impl Left {
    /// Reads a left side; whether the model has it is found out later.
    ///
    /// # Errors
    /// Says what is wrong and how it is written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (path, braces) = match text.split_once(".{") {
            None => (text, Vec::new()),
            Some((path, names)) => {
                let names = names.strip_suffix('}').ok_or("a brace is not closed; write `{postcode,city}`")?;
                (path, names.split(',').map(|name| name.trim().to_owned()).collect())
            }
        };
        let segments = split_outside_brackets(path).into_iter().map(parse_segment).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), segments, braces })
    }

    /// The path as the model writes it.
    pub(crate) fn plain_text(&self) -> String {
        let plain: Vec<String> = self.segments.iter().map(Segment::plain_text).collect();
        plain.join(".")
    }

    /// Whether the left side stands for every item of a list; names in braces stand for fields of one item.
    pub(crate) fn is_list(&self) -> bool {
        let bracket = self.segments.last().and_then(|segment| segment.bracket.as_ref());
        self.braces.is_empty() && matches!(bracket, Some(Bracket::Each | Bracket::Where(..)))
    }
}

impl Segment {
    fn plain_text(&self) -> String {
        let bracket = match &self.bracket {
            None => String::new(),
            Some(Bracket::Each | Bracket::Where(..)) => "[]".to_owned(),
            Some(Bracket::Key(key)) => format!("[{key}]"),
            Some(Bracket::Language) => "[xx]".to_owned(),
            Some(Bracket::Index(index)) => format!("[{index}]"),
        };
        format!("{}{bracket}", self.name)
    }
}

/// Splits at full stops; values in brackets may hold one.
fn split_outside_brackets(path: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    path.split(|character| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == '.' && depth == 0
    })
    .collect()
}

fn parse_segment(text: &str) -> Result<Segment, String> {
    let Some((name, rest)) = text.split_once('[') else {
        return Ok(Segment { name: text.to_owned(), bracket: None });
    };
    let inside = rest.strip_suffix(']').ok_or_else(|| format!("the bracket of `{text}` is not closed"))?;
    let bracket = if inside.is_empty() {
        Bracket::Each
    } else if inside == "$language" {
        Bracket::Language
    } else if let Some((field, value)) = inside.split_once('=') {
        Bracket::Where(field.trim().to_owned(), value.trim().to_owned())
    } else if let Ok(index) = inside.parse() {
        Bracket::Index(index)
    } else {
        Bracket::Key(inside.to_owned())
    };
    Ok(Segment { name: name.to_owned(), bracket: Some(bracket) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_braces_are_told_apart() {
        let left = Left::parse("profiles[$language].a[k=v.w].b[].{x,y}").unwrap();
        let brackets: Vec<Option<Bracket>> = left.segments.iter().map(|segment| segment.bracket.clone()).collect();
        assert_eq!(
            brackets,
            [Some(Bracket::Language), Some(Bracket::Where("k".to_owned(), "v.w".to_owned())), Some(Bracket::Each)]
        );
        assert_eq!(left.braces, ["x", "y"]);
        assert!(!left.is_list() && Left::parse("a.b[]").unwrap().is_list());
        assert!(Left::parse("a[b").is_err() && Left::parse("a.{b").is_err());
    }
}
