"""Fits the confidence of a model, and packs it; called by scripts/train.

Usage: calibrate.py WEIGHTS OUT NAME                    packs the weights uncalibrated
       calibrate.py WEIGHTS OUT NAME SCENES DETECTED    ... calibrated on what that model detected in SCENES

SCENES holds folders with truth.geojson; DETECTED is the output of `fosse evaluate --suite SCENES --floor 0` with the
uncalibrated model. For each class a logistic model (Platt 1999) of what the evidence of a line says, as
`diff::classify::figures` has it, is fitted to whether the line is a work, weighted by length and so that scenes on drawn and on
real ground weigh the same. What touches a surer trench must be one beyond the ground of that. How sure the trench is that a line
touches, the fit itself says: first without that, then twice with what it said before. Needs numpy.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

CLASSES = ("trench", "anti_vehicle_ditch")
BUFFER_M, STEP_M = 3.0, 2.0
# Least share of a line's own ground within the buffer of the truth of which it is a work.
IS_WORK = 0.6
# As `diff::arms::TOUCHES_M` and `diff::classify::ARM_M`.
TOUCHES_M, ARM_M = 7.0, 8.0
PLAIN = dict(bias=0.0, weights=[1.0, 0.0, 0.0])
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


class Found(NamedTuple):
    class_: str
    figures: list
    length_m: float
    # Whether the ground is that of a real image.
    is_real: bool
    # Every `STEP_M`, and whether they lie along works.
    points: np.ndarray
    on_work: np.ndarray
    # Share along drains.
    drain: float
    # The numbers of the lines it touches.
    touches: list


def rows(scenes, detected):
    """Every line found."""
    before = 0
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
        is_real = path.stem.removeprefix("grey-").startswith("n")
        points = [np.vstack([along(metres(l, origin), STEP_M) for l in lines(f["geometry"])]) for f in found]
        on = lambda p, known: np.min([np.full(len(p), np.inf)] + [far(p, k) for k in known], 0) <= BUFFER_M
        for f, p, near in zip(found, points, touches(points)):
            f_ = f["properties"]
            near = [before + k for k in near]
            yield Found(f_["class"], figures(f_), f_["length_m"], is_real, p, on(p, works), on(p, drains).mean(), near)
        before += len(found)


def touches(points):
    """Of each line, given by its points, the numbers of the others within `TOUCHES_M`."""
    boxes = [(p.min(0) - TOUCHES_M, p.max(0)) for p in points]
    meet = lambda a, b: (a[0] <= b[1] + TOUCHES_M).all() and (b[0] <= a[1] + TOUCHES_M).all()
    near = lambda p, q: any((np.hypot(*(q - v).T) <= TOUCHES_M).any() for v in p)
    return [
        [k for k, q in enumerate(points) if k != i and meet(boxes[i], boxes[k]) and near(p, q)]
        for i, p in enumerate(points)
    ]


def figures(properties):
    """As `diff::classify::figures`, without the last."""
    e = properties["evidence"]
    work, drain = e["nearness"], e["drain_nearness"]
    odds = lambda p: np.log(np.clip(p, 0.01, 0.99) / (1 - np.clip(p, 0.01, 0.99)))
    winding = np.clip((e["turning_deg"] - 12) / (30 - 12), 0, 1)
    share = DRAINS_RARER * work / (DRAINS_RARER * work + drain) if work > 0 else 0.0
    return [odds(min(work + drain, 1.0) * share), odds(work + winding * drain)]


def logistic(x, y, w):
    """Weighted logistic regression by Newton's method: weights, the bias last. A little ridge for the first two figures, which say
    nearly the same of ditches, and next to none for the last."""
    z = np.column_stack([x, np.ones(len(x))])
    b, ridge = np.zeros(z.shape[1]), np.diag([1.0, 1.0, 0.1, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ b))
        h = (z * (w * p * (1 - p))[:, None]).T @ z + ridge
        b += np.linalg.solve(h, z.T @ (w * (y - p)) - ridge @ b)
    return b


def surest(found, sure):
    """Of each line the number of the surest it touches, where there is one."""
    return [max(f.touches, key=lambda k: sure[k], default=None) for f in found]


def share_of_own_ground(found, sure, touched):
    """Of each line which share lies along works, without the ground of the trench that it touches, where that is surer; NaN where
    nothing is left."""
    for i, (f, k) in enumerate(zip(found, touched)):
        is_arm = k is not None and sure[k] > sure[i]
        own = far(f.points, found[k].points) > BUFFER_M if is_arm else np.full(len(f.points), True)
        yield f.on_work[own].mean() if own.any() else np.nan


def fitted(found, class_, arms, share):
    """Of a class, on lines whose last figure is `arms`: bias and weights, their confidence in every line on its own account, 0 for
    those of another class, and how far confidence is off."""
    own = np.array([f.class_ == class_ for f in found])
    # A ditch is no arm.
    x = np.column_stack([[f.figures for f in found], arms * (class_ == "trench")])
    y = (share >= IS_WORK).astype(float)
    w = np.array([f.length_m for f in found]) * (own & ~np.isnan(share))
    # Drawn ground and real ground (scenes whose name begins with n) count alike, however many scenes there are.
    real = np.array([f.is_real for f in found])
    for ground in (real, ~real):
        w[ground] /= max(w[ground].sum(), 1e-9)
    w[(np.array([f.drain for f in found]) > 0.5) & (share < 0.5)] /= DRAINS_RARER
    w *= (w > 0).sum() / w.sum()
    *weights, bias = map(float, logistic(x, y, w))
    sure = lambda x: 1 / (1 + np.exp(-(bias + x @ weights)))
    c = sure(x)
    bins = [(np.minimum(c * 10, 9.999).astype(int) == k) & (w > 0) for k in range(10)]
    off = lambda m: abs(np.average(c[m], weights=w[m]) - np.average(y[m], weights=w[m]))
    error = sum(w[m].sum() * off(m) for m in bins if m.any()) / w.sum()
    return dict(bias=bias, weights=weights), sure(x * [1.0, 1.0, 0.0]) * own, error


def main():
    weights, out, name = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), sys.argv[3]
    calibration = dict(trench=PLAIN, ditch=PLAIN)
    if len(sys.argv) > 4:
        found = list(rows(Path(sys.argv[4]), Path(sys.argv[5])))
        for class_ in CLASSES:
            if (n := sum(f.class_ == class_ for f in found)) < 20:
                sys.exit(f"{n} lines of class {class_} were found, too few to calibrate on: train longer")
        arm = np.array([ARM_M / max(f.length_m, ARM_M) for f in found])
        sure = np.zeros(len(found))
        for _ in range(3):
            touched = surest(found, sure)
            arms = arm * [0.0 if k is None else sure[k] for k in touched]
            share = np.array(list(share_of_own_ground(found, sure, touched)))
            trench, sure, error = fitted(found, "trench", arms, share)
        ditch, _, off = fitted(found, "anti_vehicle_ditch", arms, share)
        calibration = dict(trench=trench, ditch=ditch)
        for (name_, fit), error in zip(calibration.items(), (error, off)):
            rounded = [round(v, 3) for v in (fit["bias"], *fit["weights"])]
            print(json.dumps({name_: dict(bias_and_weights=rounded, calibration_error=round(error, 4))}))
    body = json.dumps(dict(name=name, calibration=calibration), separators=(",", ":")).encode() + b"\n" + weights
    head = json.dumps(dict(format=8, sha256=hashlib.sha256(body).hexdigest()), separators=(",", ":"))
    out.write_bytes(head.encode() + b"\n" + body)


main()
