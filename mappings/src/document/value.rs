//! A JSON document as a value of serde_json, read as strictly as the documents of every dialect.

use std::sync::LazyLock;

use serde_json::Value;

use super::{Kind, Names, NodeId, ReadFailure, Tree, charset, json};

/// No names: nothing is looked for while the document is parsed.
static NAMES: LazyLock<Names> = LazyLock::new(|| Names::new(Vec::new()));

/// Parses a document. Repeated names and the like are faults, with their pointers.
pub(crate) fn json_value(bytes: &[u8]) -> Result<Value, ReadFailure> {
    if bytes.len() > super::MAX_BYTES {
        let problem = format!("the document is larger than {} MiB", super::MAX_BYTES >> 20);
        return Err(ReadFailure::of("", "too_large", problem));
    }
    let tree = json::parse_json(charset::decode_utf8(bytes)?, &NAMES)?;
    Ok(value_of(Tree::root(), &tree))
}

fn value_of(node: NodeId, tree: &Tree<'_>) -> Value {
    let text = &*tree.node(node).text;
    match tree.node(node).kind {
        Kind::Object => {
            let member = |child| (tree.name_text(child, &NAMES).into_owned(), value_of(child, tree));
            Value::Object(tree.children(node).map(member).collect())
        }
        Kind::List => Value::Array(tree.children(node).map(|child| value_of(child, tree)).collect()),
        Kind::Number => text.parse().map_or(Value::Null, Value::Number),
        Kind::Boolean => Value::Bool(text == "true"),
        Kind::Null => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_serde_json_makes_of_it() {
        let document =
            r#"{"a": [1, -2.50, 1e3, true, false, null, "x\u00e9\n", [], {}], "b": {"c~/": 18446744073709551615}}"#;
        let expected: Value = serde_json::from_str(document).unwrap();
        assert_eq!(json_value(document.as_bytes()).unwrap(), expected);
        let fault = json_value(br#"{"a": [{"b": 1, "b": 2}]}"#).unwrap_err().faults.remove(0);
        assert_eq!((&*fault.pointer, &*fault.code), ("/a/0/b", "duplicate_name"));
    }
}
