"""Grows the trees of a judge from what `fosse features` measured; called by scripts/train.

Usage: fit.py OUT NAME FEATURES...    writes OUT/model.json and prints what it measured

Gradient boosting by LightGBM (Ke et al. 2017), one thread and a fixed seed: the same figures every time.
"""

import hashlib
import json
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np

BASE = dict(learning_rate=0.05, num_leaves=15, min_data_in_leaf=40, feature_fraction=0.5, bagging_fraction=0.7,
            bagging_freq=1, lambda_l2=5.0, verbose=-1, num_threads=2, seed=1, deterministic=True, force_row_wise=True,
            use_missing=False)
TREES = dict(earthwork=400, ditch=150, width=250)
FOLDS = 2
HEAD = 7
LEAN = np.array([1, 2, 3, 2, 1]) / 9
CUT = 0.15


def load(folders):
    """Rows of all folders; scenes are numbered on."""
    rows, columns, scenes = [], None, 0
    for folder in map(Path, folders):
        head = json.loads((folder / "features.json").read_text())
        assert columns in (None, head["columns"]), f"{folder}: other features"
        columns = head["columns"]
        part = np.fromfile(folder / "features.f32", "<f4").reshape(head["rows"], len(columns))
        part[:, 0] += scenes
        scenes += len(head["scenes"])
        rows.append(part)
    return np.vstack(rows), columns[HEAD:], scenes


def grow(objective, x, y, trees, **more):
    return lgb.train({**BASE, "objective": objective, **more}, lgb.Dataset(x, y), trees)


def nodes(tree):
    """A tree as the program reads it: splits `[feature, threshold, left, right]`, leaves `[value]`, parents first."""
    out = []

    def add(node):
        at = len(out)
        if "leaf_value" in node:
            out.append([float(np.float32(node["leaf_value"]))])
            return at
        out.append(None)
        left, right = add(node["left_child"]), add(node["right_child"])
        # The program compares 32-bit floats: the threshold is cut to the next below, so that `<=` means the same.
        t = np.float32(node["threshold"])
        t = np.nextafter(t, np.float32(-np.inf)) if float(t) > node["threshold"] else t
        out[at] = [node["split_feature"], float(t), left, right]
        return at

    add(tree["tree_structure"])
    return out


def forest(model):
    return {"trees": [nodes(t) for t in model.dump_model()["tree_info"]]}


def parts(rows, chance):
    """Parts of each line as the program cuts them: figures of the chances, and the share of truth."""
    bounds = np.flatnonzero(np.any(np.diff(rows[:, :2], axis=0) != 0, axis=1)) + 1
    for line in np.split(np.arange(len(rows)), bounds):
        p = np.convolve(np.pad(chance[line], 2, mode="edge"), LEAN, "valid")
        for part in np.split(np.arange(len(line)), np.flatnonzero(np.diff(p >= CUT)) + 1):
            if p[part[0]] >= CUT and len(part) >= 3:
                odds = np.log(np.clip(p[part], 1e-6, 1 - 1e-6) / np.clip(1 - p[part], 1e-6, 1))
                share = rows[line[part], 4].mean()
                yield [odds.mean(), odds.max(), odds.min(), np.log(len(part))], share, 4.0 * len(part)


def logistic(x, y, w):
    """Weighted logistic regression by Newton's method, a little ridge: weights, the bias last."""
    z = np.column_stack([x, np.ones(len(x))])
    b, ridge = np.zeros(z.shape[1]), np.diag([1.0] * x.shape[1] + [0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ b))
        h = (z * (w * p * (1 - p))[:, None]).T @ z + ridge
        b += np.linalg.solve(h, z.T @ (w * (y - p)) - ridge @ b)
    return b


def average_precision(y, p):
    order = np.argsort(-p, kind="stable")
    hit = np.cumsum(y[order])
    return float(np.sum(y[order] * hit / np.arange(1, len(y) + 1)) / max(hit[-1], 1))


def main():
    out, name, folders = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    rows, names, scenes = load(folders)
    x, share, ditch, width = rows[:, HEAD:], rows[:, 4], rows[:, 5], rows[:, 6]
    y = (share > 0.5).astype(int)
    fold = rows[:, 0].astype(int) % FOLDS
    # Chances of trees that never saw the scene: what they are worth, and what the calibration is made from.
    chance = np.zeros(len(y))
    for k in range(FOLDS):
        chance[fold == k] = grow("binary", x[fold != k], y[fold != k], TREES["earthwork"]).predict(x[fold == k])
    found = list(parts(rows, chance))
    figures, good = np.array([f for f, _, _ in found]), np.array([s > 0.5 for _, s, _ in found], float)
    b = logistic(figures, good, np.ones(len(good)))
    models = dict(
        earthwork=grow("binary", x, y, TREES["earthwork"]),
        ditch=grow("binary", x[y == 1], ditch[y == 1], TREES["ditch"]),
        width=grow("regression_l1", x[y == 1], np.log(np.maximum(width[y == 1], 0.3)), TREES["width"]),
    )
    body = dict(
        name=name,
        features=names,
        trees={k: forest(m) for k, m in models.items()},
        calibration=dict(zip(["mean", "most", "least", "length", "bias"], map(float, b))),
    )
    text = json.dumps(body, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.json").write_text(f'{{"format":1,"sha256":"{digest}","body":{text}}}\n')
    gain = sorted(zip(models["earthwork"].feature_importance("gain"), names), reverse=True)
    confidence = 1 / (1 + np.exp(-(figures @ b[:4] + b[4])))
    print(json.dumps(dict(
        scenes=scenes, stretches=len(y), positive=round(float(y.mean()), 4),
        average_precision_of_stretches=round(average_precision(y, chance), 4),
        parts=len(good), average_precision_of_parts=round(average_precision(good, confidence), 4),
        sha256=digest, strongest=[n for _, n in gain[:12]]), indent=1))


main()
