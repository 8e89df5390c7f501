"""Distances of 10,000 works from a front of 50,000 vertices: Fosse beside shapely's STRtree and pyproj, in one run.

    python3 benches/peers/distance.py [ROUNDS]

Both measure the same works (the test `speed` of `report` writes them), in CPU seconds of one thread, turn by turn; the
least of the rounds is told. The peer puts works and front into an azimuthal equidistant projection around the works, finds
the nearest edge by STRtree, the nearest points by shapely, and their geodesic by pyproj. Reading files counts for neither.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import shapely
from pyproj import Geod, Transformer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def peer(front, works):
    """CPU seconds and geodesics, metres."""
    begin = time.process_time()
    middle = np.mean([w[0] for w in works], axis=0)
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lon_0={middle[0]} +lat_0={middle[1]}", always_xy=True)
    flat = [np.column_stack(plane.transform(*np.array(line).T)) for line in front]
    edges = shapely.linestrings(np.concatenate([np.stack([l[:-1], l[1:]], axis=1) for l in flat]))
    counts = [len(w) for w in works]
    points = np.column_stack(plane.transform(*np.concatenate([np.array(w) for w in works]).T))
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(works)), counts))
    tree = shapely.STRtree(edges)
    pairs = tree.query_nearest(lines, all_matches=False)
    ways = shapely.shortest_line(lines[pairs[0]], edges[pairs[1]])
    ends = shapely.get_coordinates(ways).reshape(-1, 2, 2)
    a, b = (plane.transform(*ends[:, i].T, direction="INVERSE") for i in (0, 1))
    distance = Geod(ellps="WGS84").inv(*a, *b)[2]
    return time.process_time() - begin, distance


def fosse(folder):
    """CPU seconds and the mean, metres; writes the works and the front into the folder."""
    line = ["cargo", "test", "-q", "-p", "report", "--release", "--lib", "speed", "--", "--ignored", "--nocapture"]
    ran = subprocess.run(line, cwd=ROOT, env={**os.environ, "FOSSE_SPEED_DIR": folder}, capture_output=True, text=True)
    said = re.search(r"with 10,000 works ([\d.]+) CPU s, mean ([\d.]+) m", ran.stdout + ran.stderr)
    assert ran.returncode == 0 and said, ran.stdout + ran.stderr
    return float(said[1]), float(said[2])


rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
ours, theirs = [], []
with tempfile.TemporaryDirectory() as folder:
    for n in range(rounds):
        seconds, mean = fosse(folder)
        ours.append(seconds)
        if n == 0:
            front, works = ([f["geometry"]["coordinates"] for f in json.load(open(os.path.join(folder, p)))["features"]]
                            for p in ("front.geojson", "works.geojson"))
        seconds, distance = peer(front, works)
        theirs.append(seconds)
        print(f"round {n + 1}: Fosse {ours[-1]:.3f}, shapely and pyproj {theirs[-1]:.3f} CPU s; mean {mean:.1f} and {np.mean(distance):.1f} m")
print(f"least: Fosse {min(ours):.3f}, shapely {shapely.__version__} and pyproj {min(theirs):.3f} CPU s")
