//! How QGIS draws the layers of the GeoPackage as it opens them: QML.

/// A symbol of a simple line.
fn line(name: &str, colour: &str, width_mm: f64, dashed: bool) -> String {
    let pen = if dashed { "dash" } else { "solid" };
    format!(
        "<symbol type=\"line\" name=\"{name}\" alpha=\"1\"><layer class=\"SimpleLine\" enabled=\"1\"><Option type=\"Map\">\
         <Option name=\"line_color\" type=\"QString\" value=\"{colour}\"/><Option name=\"line_style\" type=\"QString\" \
         value=\"{pen}\"/><Option name=\"line_width\" type=\"QString\" value=\"{width_mm}\"/><Option \
         name=\"line_width_unit\" type=\"QString\" value=\"MM\"/></Option><prop k=\"line_color\" v=\"{colour}\"/>\
         <prop k=\"line_style\" v=\"{pen}\"/><prop k=\"line_width\" v=\"{width_mm}\"/></layer></symbol>"
    )
}

fn fill(name: &str, colour: &str, outline: &str) -> String {
    format!(
        "<symbol type=\"fill\" name=\"{name}\" alpha=\"1\"><layer class=\"SimpleFill\" enabled=\"1\"><Option type=\"Map\">\
         <Option name=\"color\" type=\"QString\" value=\"{colour}\"/><Option name=\"outline_color\" type=\"QString\" \
         value=\"{outline}\"/><Option name=\"style\" type=\"QString\" value=\"solid\"/></Option>\
         <prop k=\"color\" v=\"{colour}\"/><prop k=\"outline_color\" v=\"{outline}\"/><prop k=\"style\" v=\"solid\"/>\
         </layer></symbol>"
    )
}

/// A document that tells features apart by a field.
fn by_field(geometry: u8, field: &str, kinds: &[(&str, &str, String)]) -> String {
    let categories: String = kinds
        .iter()
        .enumerate()
        .map(|(i, (value, label, _))| {
            format!("<category value=\"{value}\" label=\"{label}\" symbol=\"{i}\" render=\"true\"/>")
        })
        .collect();
    let symbols: String = kinds.iter().map(|(_, _, symbol)| symbol.as_str()).collect();
    document(
        geometry,
        &format!(
            "<renderer-v2 type=\"categorizedSymbol\" attr=\"{field}\"><categories>{categories}</categories>\
             <symbols>{symbols}</symbols></renderer-v2>"
        ),
    )
}

fn document(geometry: u8, renderer: &str) -> String {
    format!(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'><qgis version=\"3.22\" \
         styleCategories=\"Symbology\">{renderer}<layerGeometryType>{geometry}</layerGeometryType></qgis>"
    )
}

/// Earthworks by class.
pub fn earthworks() -> String {
    by_field(
        1,
        "class",
        &[
            ("trench", "trench", line("0", "230,97,0,255", 0.7, false)),
            ("anti_vehicle_ditch", "anti-vehicle ditch", line("1", "129,40,170,255", 0.9, false)),
        ],
    )
}

/// Systems: a wide pale band under their earthworks.
pub fn systems() -> String {
    let symbol = line("0", "255,214,102,150", 2.6, false);
    document(1, &format!("<renderer-v2 type=\"singleSymbol\"><symbols>{symbol}</symbols></renderer-v2>"))
}

/// Lines of defence: wider and paler still, under the systems.
pub fn defence_lines() -> String {
    let symbol = line("0", "150,190,230,130", 4.2, false);
    document(1, &format!("<renderer-v2 type=\"singleSymbol\"><symbols>{symbol}</symbols></renderer-v2>"))
}

/// Fronts by class.
pub fn front() -> String {
    by_field(
        1,
        "class",
        &[
            ("claimed", "claimed limit", line("0", "200,30,30,255", 0.8, true)),
            ("assessed", "assessed front line", line("1", "200,30,30,255", 0.9, false)),
            ("contested", "edge of the contested area", line("2", "120,120,120,255", 0.7, true)),
            ("", "front line", line("3", "200,30,30,255", 0.8, false)),
        ],
    )
}

/// Coverage by whether it was assessed.
pub fn coverage() -> String {
    by_field(
        2,
        "assessed",
        &[
            ("1", "assessed", fill("0", "60,140,90,40", "60,140,90,160")),
            ("0", "not assessed", fill("1", "120,120,120,110", "80,80,80,180")),
        ],
    )
}
