"""Opens every document of a run with programs that are not ours. Ends with 77 where none of them is there.

    python3 tests/readers/check.py OUT
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
import zipfile

out = sys.argv[1]
ran = []


def path(name):
    return os.path.join(out, name)


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"SKIPPED: no {name}")
        return None


works = json.load(open(path("earthworks.geojson")))["features"]
ids = {f["id"] for f in works}
assert works, "nothing was found, so nothing is tested"

if shutil.which("ogrinfo"):
    for name, layers in [("earthworks.gpkg", ["earthworks", "systems", "lines_of_defence", "coverage", "front"]), ("earthworks.fgb", ["earthworks"]),
                         ("earthworks.geojson", ["earthworks"]), ("earthworks.kmz", [])]:
        said = subprocess.run(["ogrinfo", "-al", "-so", path(name)], capture_output=True, text=True, check=True).stdout
        for layer in layers:
            assert f"Layer name: {layer}" in said, f"{name} has no {layer}: {said}"
    ran.append("ogrinfo")

if (pyogrio := module("pyogrio")) and (geopandas := module("geopandas")):
    for name, layer in [("earthworks.gpkg", "earthworks"), ("earthworks.fgb", None)]:
        frame = geopandas.read_file(path(name), layer=layer, engine="pyogrio")
        assert set(frame["id"]) == ids and frame.crs.to_epsg() == 4326, name
        by_id = {f["id"]: f for f in works}
        for _, row in frame.iterrows():
            assert abs(row["distance_m"] - by_id[row["id"]]["properties"]["distance_m"]) < 1e-9, name
    styles = pyogrio.read_dataframe(path("earthworks.gpkg"), layer="layer_styles", read_geometry=False)
    assert set(styles["f_table_name"]) == {"earthworks", "systems", "lines_of_defence", "coverage", "front"} and all(styles["useAsDefault"] == 1)
    lines = geopandas.read_file(path("earthworks.gpkg"), layer="lines_of_defence", engine="pyogrio")
    told = json.load(open(path("summary.json")))["lines_of_defence"]
    for field in ["number", "length_m", "extent_m", "orientation_deg", "faces"]:
        assert [None if v != v else v for v in lines[field].tolist()] == [line[field] for line in told], field
    for qml in styles["styleQML"]:
        assert xml.fromstring(re.sub(r"<!DOCTYPE.*?>", "", qml)).tag == "qgis"
    ran.append("pyogrio")

if pyarrow := module("pyarrow.parquet"):
    table = pyarrow.read_table(path("earthworks.parquet"))
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry", geo
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB" and column["geometry_types"] == ["LineString"] and len(column["bbox"]) == 4, column
    assert set(table["id"].to_pylist()) == ids
    if geopandas := module("geopandas"):
        frame = geopandas.read_parquet(path("earthworks.parquet"))
        assert frame.crs.to_string() == "OGC:CRS84" and all(frame.geometry.geom_type == "LineString")
        first = next(f for f in works if f["id"] == frame["id"][0])
        assert [list(c) for c in frame.geometry[0].coords] == first["geometry"]["coordinates"]
    ran.append("pyarrow")

if pystac := module("pystac"):
    item = pystac.Item.from_file(path("stac.json"))
    assert item.bbox and item.common_metadata.start_datetime < item.common_metadata.end_datetime
    assert all(os.path.isfile(path(a.href)) for a in item.assets.values())
    assert {"earthworks.geojson", "report.html", "run.json"} <= set(item.assets)
    # The file itself: an Item is brought up to date as it is read. The schemas of 1.1.0 come with pystac, without a network.
    if module("jsonschema"):
        from pystac.validation import validate_dict

        assert validate_dict(json.load(open(path("stac.json")))), "no schema was applied"
        ran.append("the schema of STAC")
    ran.append("pystac")

archive = zipfile.ZipFile(path("earthworks.kmz"))
assert archive.testzip() is None
kml = xml.fromstring(archive.read("doc.kml"))
name = "{http://www.opengis.net/kml/2.2}"
assert kml.tag == name + "kml"
marks = [p for p in kml.iter(name + "Placemark") if p.get("id")]
assert {p.get("id") for p in marks} == ids
styles = {s.get("id") for s in kml.iter(name + "Style")}
for p in marks:
    assert p.find(name + "styleUrl").text[1:] in styles and p.find(f"{name}TimeSpan/{name}begin") is not None
    for image in re.findall(r'src="([^"]+)"', p.find(name + "description").text):
        assert archive.read(image)[:3] == b"\xff\xd8\xff", image
    # The order of elements that the schema of KML 2.2 asks for.
    order = [c.tag.removeprefix(name) for c in p]
    assert order == ["name", "description", "TimeSpan", "styleUrl", "LineString"], order
told = kml.find(f"{name}Document/{name}description").text
assert "assessed" in told and "km²" in told, told
unseen = [f for f in json.load(open(path("coverage.geojson")))["features"] if not f["properties"]["assessed"]]
shown = [p for p in kml.iter(name + "Placemark") if p.find(name + "styleUrl").text == "#unseen"]
assert len(shown) == len(unseen), (len(shown), len(unseen))
rings = lambda f: sum(len(polygon) for polygon in f["geometry"]["coordinates"])
assert sum(len(list(p.iter(name + "LinearRing"))) for p in shown) == sum(map(rings, unseen))
ran.append("zipfile and an XML parser")

# The schema of OGC KML 2.2 comes with fastkml.
if (fastkml := module("fastkml")) and (etree := module("lxml.etree")):
    schema = etree.XMLSchema(etree.parse(os.path.join(os.path.dirname(fastkml.__file__), "schema", "ogckml22.xsd")))
    schema.assertValid(etree.fromstring(archive.read("doc.kml")))
    ran.append("the schema of KML 2.2")

summary = json.load(open(path("summary.json")))
assert summary["totals"]["all"]["trenches"] + summary["totals"]["all"]["ditches"] == len(works)
print("opened by:", ", ".join(ran))
sys.exit(0 if len(ran) > 1 else 77)
