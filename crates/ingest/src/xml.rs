//! XML that others wrote, read with limits.

use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

/// Larger files describe no image.
const LARGEST: u64 = 16 << 20;
/// Elements and texts of a file, at most; a hundred bytes of memory each.
const MOST_NODES: u32 = 500_000;
/// Elements within each other, at most.
const DEEPEST: usize = 64;

/// The text of a file.
///
/// # Errors
/// A sentence where it is too large, cannot be read or is no text.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > LARGEST {
        return Err(format!("{length} bytes are more than metadata have ({LARGEST})"));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    // Airbus and Maxar write Latin-1 at times: names of places, which nobody here reads.
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|&b| char::from(b)).collect()))
}

/// The tree of a text. A document type, which can blow up a small file, is refused.
///
/// # Errors
/// A sentence where it is no XML, or too deep.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, String> {
    if depth(text) > DEEPEST {
        return Err(format!("the elements lie more than {DEEPEST} deep"));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..Default::default() };
    Document::parse_with_options(text, options).map_err(|e| e.to_string())
}

/// How deep elements lie within each other, roughly, and never less than they do: comments and texts count as well.
fn depth(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let bytes = text.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        match (b, bytes.get(i + 1)) {
            (b'<', Some(b'/')) => depth = depth.saturating_sub(1),
            (b'<', Some(b'!' | b'?')) => {}
            (b'<', _) => depth += 1,
            (b'/', Some(b'>')) => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// Text of the first element of that name at any depth.
pub(crate) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.descendants().find(|n| n.tag_name().name() == name)?;
    found.text().map(str::trim).filter(|t| !t.is_empty())
}

/// The number that [`text`] is.
pub(crate) fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    text(node, name)?.parse().ok().filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_refused() {
        let bomb = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
        assert!(parse(bomb).is_err());
        assert!(parse(&"<a>".repeat(100_000)).is_err());
        assert!(parse(&format!("{}{}", "<a>".repeat(65), "</a>".repeat(65))).is_err());
        assert!(parse("<a><b/><b/></a>").is_ok());
    }

    #[test]
    fn texts_and_numbers() {
        let document = parse("<a xmlns='x'><b> 1.5 </b><c><d>t</d></c><e>inf</e></a>").unwrap();
        let root = document.root_element();
        assert_eq!((number(root, "b"), text(root, "d"), number(root, "e")), (Some(1.5), Some("t"), None));
    }
}
