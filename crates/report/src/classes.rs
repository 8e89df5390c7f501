//! What class a feature of a front is of: as it says, or by its name or colour.

use serde_json::{Map, Value};

use crate::FrontOptions;
use crate::front::text;

/// Properties in which a name may stand.
const NAMES: [&str; 8] = ["class", "name", "Name", "title", "status", "type", "description", "layer"];
/// Properties in which a colour may stand.
const COLOURS: [&str; 5] = ["fill", "fill-color", "stroke", "color", "OGR_STYLE"];

/// The class of a feature: by [`FrontOptions::classes`], else its property `class`, else `front`.
pub(crate) fn class_of(properties: &Map<String, Value>, options: &FrontOptions) -> String {
    for (class, patterns) in &options.classes {
        if patterns.iter().any(|p| fits(p, properties)) {
            return class.clone();
        }
    }
    text(properties, "class").unwrap_or("front").to_owned()
}

/// What a feature is called, as far as it says.
pub(crate) fn name_of(properties: &Map<String, Value>) -> Option<String> {
    ["name_en", "name", "Name", "ref", "title"].iter().find_map(|n| text(properties, n)).map(str::to_owned)
}

fn fits(pattern: &str, properties: &Map<String, Value>) -> bool {
    let pattern = pattern.trim().to_lowercase();
    if let Some(colour) = pattern.strip_prefix('#') {
        return COLOURS.iter().filter_map(|c| text(properties, c)).any(|v| has_colour(v, colour));
    }
    NAMES.iter().filter_map(|n| text(properties, n)).any(|name| {
        let name = name.to_lowercase();
        match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        }
    })
}

/// True where a text names a colour of six digits, whatever the case and the opacity after it: `#D32F2F`,
/// `BRUSH(fc:#d32f2f80)`.
fn has_colour(value: &str, colour: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.split('#').skip(1).any(|rest| rest.get(..6).is_some_and(|c| Some(c) == colour.get(..6)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_colours_make_classes_before_the_property_does() {
        let classes = [("assessed", vec!["Russian control*"]), ("contested", vec!["#AABBCC", "grey zone"])];
        let classes = classes.map(|(c, p)| (c.to_owned(), p.into_iter().map(str::to_owned).collect()));
        let options = FrontOptions { classes: classes.into_iter().collect(), ..FrontOptions::default() };
        let class = |p: Value| class_of(p.as_object().unwrap(), &options);
        assert_eq!(class(json!({"name": "russian CONTROL as of 14 August"})), "assessed");
        assert_eq!(class(json!({"Name": "Grey Zone", "class": "x"})), "contested");
        assert_eq!(class(json!({"fill": "#aabbcc"})), "contested");
        assert_eq!(class(json!({"OGR_STYLE": "PEN(c:#000000);BRUSH(fc:#AABBCC80)"})), "contested");
        assert_eq!(class(json!({"name": "grey zones", "class": "claimed"})), "claimed");
        assert_eq!(class(json!({"fill": "#aabbc"})), "front");
        // Letters of every alphabet, and a colour that is none.
        let classes = [("claimed", "Окупована*"), ("contested", "#abc")];
        let classes = classes.map(|(c, p)| (c.to_owned(), vec![p.to_owned()]));
        let options = FrontOptions { classes: classes.into_iter().collect(), ..FrontOptions::default() };
        let class = |p: Value| class_of(p.as_object().unwrap(), &options);
        assert_eq!(class(json!({"name": "ОКУПОВАНА територія"})), "claimed");
        assert_eq!(class(json!({"name": "Звільнено", "fill": "#12"})), "front");
    }
}
