"""The distances of benches/distance-like input with shapely's STRtree and pyproj, timed in CPU seconds.

    python3 benches/peer_distance.py FRONT.geojson WORKS.geojson

The peer: works and front in an azimuthal equidistant projection around the works, the nearest edge by STRtree, the
nearest points by shapely, their geodesic by pyproj.
"""

import json
import sys
import time

import numpy as np
import shapely
from pyproj import Geod, Transformer

front, works = ([f["geometry"]["coordinates"] for f in json.load(open(p))["features"]] for p in sys.argv[1:3])
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
print(f"peer: {time.process_time() - begin:.3f} CPU s, mean {np.mean(distance):.1f} m")
np.savetxt("/dev/stdout", distance[:: max(1, len(distance) // 5)], fmt="%.3f")
