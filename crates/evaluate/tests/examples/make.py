#!/usr/bin/env python3
"""Draw the examples of this folder and let the independent scorer score them.

    make.py SCORER.py

Writes NAME.truth.geojson, NAME.found.geojson and NAME.score.json for each example. Everything is drawn from a seed; no
place and no line is real. Needs what the scorer needs (numpy, shapely, pyproj).
"""
import json
import math
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def to_degrees(points, lon, lat):
    """Metres east and north of a place to degrees."""
    east = 111_320 * math.cos(math.radians(lat))
    return [[round(lon + x / east, 8), round(lat + y / 110_574, 8)] for x, y in points]


def walk(rng, start, heading, steps, step_m, turn):
    """Points of a line that turns by up to `turn` radians at each step."""
    points = [start]
    for _ in range(steps):
        heading += rng.uniform(-turn, turn)
        length = step_m * rng.uniform(0.3, 1.7)
        x, y = points[-1]
        points.append((x + length * math.cos(heading), y + length * math.sin(heading)))
    return points


def jitter(rng, points, by, shift=(0, 0)):
    return [(x + shift[0] + rng.gauss(0, by), y + shift[1] + rng.gauss(0, by)) for x, y in points]


def feature(kind, coordinates, **properties):
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def scene(seed, lon, lat, n_truth, n_false, ignore=0, many=False):
    """Truth, and detections that follow it in pieces, stray from it, or follow nothing."""
    rng = random.Random(seed)
    truth, found = [], []

    def place(points):
        return to_degrees(points, lon, lat)

    def detect(points, **properties):
        # Confidences are all distinct: the scorer's order of equals is not defined.
        properties["confidence"] = round(rng.uniform(0.05, 0.99), 6)
        found.append(feature("LineString", place(points), **properties))

    for i in range(n_truth + ignore):
        ditch = i % 3 == 2
        start, heading = (rng.uniform(0, 500), rng.uniform(0, 500)), rng.uniform(0, 6.28)
        line = walk(rng, start, heading, rng.randint(4, 40), 40 if ditch else 5, 0.2 if ditch else 0.9)
        known = "anti_vehicle_ditch" if ditch else "trench"
        width = round(rng.uniform(3.5, 7) if ditch else rng.uniform(0.9, 2), 2)
        kept = "ignore" if i >= n_truth else known
        truth.append(feature("LineString", place(line), **{"class": kept, "width_m": width}))
        if many and i % 4 == 0:
            halves = [place(line[: len(line) // 2 + 1]), place([(x + 4, y - 4) for x, y in line[len(line) // 2 :]])]
            truth[-1]["geometry"] = {"type": "MultiLineString", "coordinates": halves}
        for _ in range(rng.randint(0, 3)):
            a = rng.randrange(0, len(line) - 2)
            b = rng.randrange(a + 2, len(line) + 1)
            said = known if rng.random() < 0.8 else "trench" if ditch else "anti_vehicle_ditch"
            shift = (rng.gauss(0, 1.2), rng.gauss(0, 1.2))
            piece = jitter(rng, line[a:b], 0.5, shift)
            if rng.random() < 0.2:
                detect(piece, **{"class": said})
            else:
                detect(piece, **{"class": said, "width_m": max(0.3, round(width + rng.gauss(0.2, 0.6), 2))})
            if many and rng.random() < 0.3:
                parts = [place(piece), place(jitter(rng, piece, 0.1, (30, 10)))]
                found[-1]["geometry"] = {"type": "MultiLineString", "coordinates": parts}
    for _ in range(n_false):
        start = (rng.uniform(0, 500), rng.uniform(0, 500))
        detect(walk(rng, start, rng.uniform(0, 6.28), rng.randint(2, 30), 4, 0.7), **{"class": "trench", "width_m": 1.5})
    if many:
        # A hairpin, a coil finer than the buffer, a closed line, the same way there and back, a dense curve, a triangle.
        hairpin = [(600, 0), (640, 0), (601, 1)]
        coil = [(660 + 0.1 * k * math.cos(k / 3), 40 + 0.1 * k * math.sin(k / 3)) for k in range(60)]
        ring = [(700 + 15 * math.cos(k / 5), 15 * math.sin(k / 5)) for k in range(32)]
        ring.append(ring[0])
        back = [(740, 0), (780, 5), (740, 0)]
        dense = [(600 + 0.02 * k, 80 + 5 * math.sin(k / 200)) for k in range(1200)]
        triangle = [(700, 60), (704, 60), (702, 63), (700, 60)]
        for points in (hairpin, coil, ring, back, dense, triangle):
            truth.append(feature("LineString", place(points), **{"class": "trench", "width_m": 1.1}))
            detect(jitter(rng, points, 0.3, (1.5, 1.0)), **{"class": "trench", "width_m": 1.0})
            detect([(x + 2.2, y + 2.0) for x, y in points], **{"class": "trench", "width_m": 1.3})
            x, y = points[0]
            detect([(x - 20, y - 7), (x + 60, y + 11)], **{"class": "anti_vehicle_ditch", "width_m": 4.0})
    return truth, found


EXAMPLES = {
    "plain": dict(seed=1, lon=35.25, lat=51.67, n_truth=9, n_false=6),
    "knotted": dict(seed=2, lon=35.9, lat=48.2, n_truth=8, n_false=8, ignore=3, many=True),
    "south": dict(seed=3, lon=-70.6, lat=-33.4, n_truth=14, n_false=25, ignore=1),
    "quiet": dict(seed=4, lon=12.1, lat=60.1, n_truth=0, n_false=7),
    "missed": dict(seed=5, lon=35.25, lat=51.67, n_truth=4, n_false=0),
}


def main():
    for name, how in EXAMPLES.items():
        truth, found = scene(**how)
        if name == "missed":
            found = []
        files = {}
        for part, features in (("truth", truth), ("found", found)):
            files[part] = HERE / f"{name}.{part}.geojson"
            doc = {"type": "FeatureCollection", "features": features}
            if part == "truth":
                doc["area_km2"] = 0.25
            files[part].write_text(json.dumps(doc, separators=(",", ":")).replace('{"type":"Feature",', '\n{"type":"Feature",') + "\n")
        line = [sys.executable, sys.argv[1], files["truth"], files["found"], "--json"]
        scored = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
        # JSON knows no NaN.
        scored = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in scored.items()}
        (HERE / f"{name}.score.json").write_text(json.dumps(scored, indent=1) + "\n")


if __name__ == "__main__":
    main()
