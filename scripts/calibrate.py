"""Fits the confidence of a model, and packs it; called by scripts/train.

Usage: calibrate.py WEIGHTS OUT NAME                    packs the weights uncalibrated
       calibrate.py WEIGHTS OUT NAME SCENES DETECTED    ... calibrated on what that model detected in SCENES

SCENES holds folders with truth.geojson; DETECTED is the output of `fosse evaluate --suite SCENES --floor 0` with the
uncalibrated model. For each class a logistic model (Platt 1999) of what the evidence of a line says, as
`diff::classify::figures` has it, is fitted to the share of the line that lies within 3 m of the truth, weighted by length
and so that scenes on drawn and on real ground weigh the same. Needs numpy.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

CLASSES = ("trench", "anti_vehicle_ditch")
BUFFER_M, STEP_M = 3.0, 2.0
PLAIN = dict(bias=0.0, weights=[1.0, 0.0])
# As `diff::classify::DRAINS_RARER`. A false line along a new drain or pipeline weighs that much less.
DRAINS_RARER = 10.0


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


def features(path):
    return json.loads(path.read_text())["features"] if path.is_file() else []


def rows(scenes, detected):
    """Of every line found: class, figures, length, whether the ground is real, shares along works and along drains."""
    for path in sorted((detected / "scenes").glob("*.geojson")):
        folder = scenes / path.stem
        truth, others = features(folder / "truth.geojson"), features(folder / "distractors.geojson")
        found = features(path)
        if not found:
            continue
        origin = np.array(lines(found[0]["geometry"])[0][0][:2])
        along_of = lambda some: [metres(l, origin) for f in some for l in lines(f["geometry"])]
        is_drain = lambda f: f["properties"].get("kind") == "pipeline_or_drain"
        works = along_of(f for f in truth if f["properties"]["class"] in CLASSES)
        drains = along_of(f for f in truth + others if is_drain(f))
        for f in found:
            p = np.vstack([along(metres(l, origin), STEP_M) for l in lines(f["geometry"])])
            share = lambda known: float((np.min([far(p, k) for k in known], 0) <= BUFFER_M).mean()) if known else 0.0
            real = path.stem.removeprefix("grey-").startswith("n")
            p_ = f["properties"]
            yield p_["class"], figures(p_), p_["length_m"], real, share(works), share(drains)


def figures(properties):
    """As `diff::classify::figures`."""
    e = properties["evidence"]
    work, drain = e["nearness"], e["drain_nearness"]
    odds = lambda p: np.log(np.clip(p, 0.01, 0.99) / (1 - np.clip(p, 0.01, 0.99)))
    winding = np.clip((e["turning_deg"] - 12) / (30 - 12), 0, 1)
    share = DRAINS_RARER * work / (DRAINS_RARER * work + drain) if work > 0 else 0.0
    return [odds(min(work + drain, 1.0) * share), odds(work + winding * drain)]


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
    calibration = dict(trench=PLAIN, ditch=PLAIN)
    if len(sys.argv) > 4:
        found = list(rows(Path(sys.argv[4]), Path(sys.argv[5])))
        for name_, class_ in zip(("trench", "ditch"), CLASSES):
            own = [f[1:] for f in found if f[0] == class_]
            if len(own) < 20:
                sys.exit(f"{len(own)} lines of class {class_} were found, too few to calibrate on: train longer")
            x, length, real, y, drain = (np.array(v) for v in zip(*own))
            # Drawn ground and real ground (scenes whose name begins with n) count alike, however many scenes there are.
            w = length.copy()
            for ground in (real, ~real):
                w[ground] /= max(w[ground].sum(), 1e-9)
            w[(drain > 0.5) & (y < 0.5)] /= DRAINS_RARER
            w *= len(w) / w.sum()
            *weights_, bias = map(float, logistic(x, y, w))
            calibration[name_] = dict(bias=bias, weights=weights_)
            c = 1 / (1 + np.exp(-(bias + x @ weights_)))
            bins = [np.minimum(c * 10, 9.999).astype(int) == k for k in range(10)]
            off = lambda m: abs(np.average(c[m], weights=w[m]) - np.average(y[m], weights=w[m]))
            error = sum(w[m].sum() * off(m) for m in bins if m.any()) / w.sum()
            rounded = [round(v, 3) for v in (bias, *weights_)]
            print(json.dumps({name_: dict(lines=len(own), bias_and_weights=rounded, calibration_error=round(error, 4))}))
    body = json.dumps(dict(name=name, calibration=calibration), separators=(",", ":")).encode() + b"\n" + weights
    head = json.dumps(dict(format=7, sha256=hashlib.sha256(body).hexdigest()), separators=(",", ":"))
    out.write_bytes(head.encode() + b"\n" + body)


main()
