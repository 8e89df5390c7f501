"""Fits the confidence of a model, and packs it; called by scripts/train.

Usage: calibrate.py WEIGHTS OUT NAME                    packs the weights uncalibrated
       calibrate.py WEIGHTS OUT NAME SCENES DETECTED    ... calibrated on what that model detected in SCENES

SCENES holds folders with truth.geojson; DETECTED is the output of `fosse evaluate --suite SCENES --floor 0` with the
uncalibrated model, whose confidence is the mean nearness along a line. A logistic model (Platt 1999) of its log-odds
and of the logarithm of the length is fitted to the share of each line that lies within 3 m of the truth, weighted by
length. Needs numpy.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

BUFFER_M, STEP_M = 3.0, 2.0


def metres(line, origin):
    p = (np.array(line)[:, :2] - origin) * 111_320.0
    return p * [np.cos(np.radians(origin[1])), 1.0]


def along(p, step):
    out = [p[:1]]
    for a, b in zip(p[:-1], p[1:]):
        n = max(1, int(np.ceil(np.hypot(*(b - a)) / step)))
        out.append(a + (b - a) * (np.arange(1, n + 1) / n)[:, None])
    return np.vstack(out)


def far(points, line):
    best = np.full(len(points), np.inf)
    for a, b in zip(line[:-1], line[1:]):
        d = b - a
        t = np.clip(((points - a) @ d) / max(float(d @ d), 1e-9), 0, 1)
        best = np.minimum(best, np.hypot(*(points - a - t[:, None] * d).T))
    return best


def lines(geometry):
    return [geometry["coordinates"]] if geometry["type"] == "LineString" else geometry["coordinates"]


def rows(scenes, detected):
    for path in sorted((detected / "scenes").glob("*.geojson")):
        truth = json.loads((scenes / path.stem / "truth.geojson").read_text())["features"]
        found = json.loads(path.read_text())["features"]
        if not found:
            continue
        origin = np.array(lines(found[0]["geometry"])[0][0][:2])
        known = [metres(l, origin) for f in truth for l in lines(f["geometry"])]
        for f in found:
            p = np.vstack([along(metres(l, origin), STEP_M) for l in lines(f["geometry"])])
            near = np.min([far(p, k) for k in known], 0) if known else np.full(len(p), np.inf)
            yield f["properties"]["confidence"], f["properties"]["length_m"], float((near <= BUFFER_M).mean())


def logistic(x, y, w):
    """Weighted logistic regression by Newton's method, a little ridge: weights, the bias last."""
    z = np.column_stack([x, np.ones(len(x))])
    b, ridge = np.zeros(z.shape[1]), np.diag([1.0] * x.shape[1] + [0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ b))
        h = (z * (w * p * (1 - p))[:, None]).T @ z + ridge
        b += np.linalg.solve(h, z.T @ (w * (y - p)) - ridge @ b)
    return b


def main():
    weights, out, name = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), sys.argv[3]
    calibration = dict(bias=0.0, mean=1.0, length=0.0)
    if len(sys.argv) > 4:
        found = np.array(list(rows(Path(sys.argv[4]), Path(sys.argv[5]))))
        if len(found) == 0:
            sys.exit("nothing was found to calibrate on: train longer")
        p = np.clip(found[:, 0], 1e-3, 0.999)
        x = np.column_stack([np.log(p / (1 - p)), np.log(np.maximum(found[:, 1], 1.0))])
        w = found[:, 1] / found[:, 1].mean()
        mean, length, bias = map(float, logistic(x, found[:, 2], w))
        calibration = dict(bias=bias, mean=mean, length=length)
        c = 1 / (1 + np.exp(-(bias + x @ [mean, length])))
        error = sum(w[m].sum() * abs(np.average(c[m], weights=w[m]) - np.average(found[m, 2], weights=w[m]))
                    for m in [(np.minimum(c * 10, 9.999).astype(int) == k) for k in range(10)] if m.any()) / w.sum()
        print(json.dumps(dict(lines=len(found), calibration=calibration, calibration_error=round(error, 4))))
    body = json.dumps(dict(name=name, calibration=calibration), separators=(",", ":")).encode() + b"\n" + weights
    head = json.dumps(dict(format=2, sha256=hashlib.sha256(body).hexdigest()), separators=(",", ":"))
    out.write_bytes(head.encode() + b"\n" + body)


main()
