"""Trains the network of a judge on what `fosse looks` wrote; called by scripts/train.

Usage: fit.py OUT STEPS FOLDER...    writes OUT/net.f32, as `diff::net` reads it

A small U-Net (Ronneberger et al. 2015) with sums instead of concatenations, on both dates at once. The last folder is
only for a look at the losses, the others are for training. Needs numpy and torch.
"""

import json
import queue
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PATCH, HALO, BATCH, RATE = 256, 32, 8, 3e-3
CLASSES = ("trench", "anti_vehicle_ditch")
# As `diff::net` numbers them; what a scene calls the change, and which kind that is.
KINDS = ("track", "road", "furrow", "field_edge", "shoreline", "tree_shadow", "pipeline_or_drain", "other")
SIGMA_PX, NEAR_PX = 2.0, 2.5
WEIGHTS = (20, 0.3, 0.4, 5, 0.1)
OUTPUTS = 4 + 4 + 1 + 1 + len(KINDS)


class Conv(nn.Module):
    """3 x 3, normalised over the batch while it is trained; in the file the two are one."""

    def __init__(self, i, o):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))

    def folded(self):
        n = self.norm
        scale = n.weight / torch.sqrt(n.running_var + n.eps)
        return self.conv.weight * scale[:, None, None, None], n.bias - n.running_mean * scale


class Net(nn.Module):
    """As `diff::net` computes it: the order of the layers is the order of the weights in the file."""

    def __init__(self, w=(24, 40, 56, 72)):
        super().__init__()
        a, b, c, d = w
        self.layers = nn.ModuleList([
            Conv(4 * 6, a), Conv(a, a),                # 0 1   half: each pixel holds 2 x 2 of the input's
            Conv(a, b), Conv(b, b),                    # 2 3   quarter
            Conv(b, c), Conv(c, c),                    # 4 5   eighth
            Conv(c, d), Conv(d, d), Conv(d, c),        # 6 7 8 sixteenth
            Conv(c, c), Conv(c, b),                    # 9 10  eighth
            Conv(b, b), Conv(b, a),                    # 11 12 quarter
            Conv(a, a), nn.Conv2d(a, OUTPUTS, 1),      # 13 14 half
        ])

    def forward(self, x):
        l = self.layers
        two = lambda x, i: l[i + 1](l[i](x))
        up = lambda x: F.interpolate(x, scale_factor=2, mode="nearest")
        f1 = two(F.pixel_unshuffle(x, 2), 0)
        f2 = two(F.max_pool2d(f1, 2), 2)
        f3 = two(F.max_pool2d(f2, 2), 4)
        f4 = l[8](two(F.max_pool2d(f3, 2), 6))
        g3 = two(f3 + up(f4), 9)
        g2 = two(f2 + up(g3), 11)
        g1 = l[14](l[13](f1 + up(g2)))
        # Nearness to a new earthwork and to another new line on the input's pixels; ditch, width, kinds on 2 x 2 of them.
        return F.pixel_shuffle(g1[:, :8], 2), g1[:, 8:]


def channels(rgb):
    """(N, 3, H, W), 0 where invalid -> brightness against the mean of the patch and two hues, 0 where invalid."""
    ok = (rgb > 0).all(1, keepdim=True).float()
    light = rgb.mean(1, keepdim=True)
    mean = (light * ok).sum((2, 3), keepdim=True) / ok.sum((2, 3), keepdim=True).clamp(min=1)
    mean = mean.clamp(min=1e-6)
    l = (light / mean - 1).clamp(-1, 3)
    base = light + 0.1 * mean
    red = ((rgb[:, 0:1] - rgb[:, 1:2]) / base).clamp(-1.5, 1.5)
    blue = ((rgb[:, 2:3] - rgb[:, 1:2]) / base).clamp(-1.5, 1.5)
    return torch.cat([2 * l, 3 * red, 3 * blue], 1) * ok


KIND_OF = dict(wheel_track="track", path="track", new_road="road", drain="pipeline_or_drain", pipeline="pipeline_or_drain")


class Scene:
    def __init__(self, folder, head):
        shape = (6, head["rows"], head["cols"])
        self.name = head["file"]
        self.pixels = np.memmap(folder / head["file"], "<u2", "r", shape=shape)
        rows, cols = shape[1:]
        # Of new earthworks: distance to the centreline, px; 1 for a ditch; width, m. Of other new lines: distance, kind.
        self.far = np.full((rows, cols), 99, np.float16)
        self.ditch = np.zeros((rows, cols), np.uint8)
        self.width = np.zeros((rows, cols), np.float16)
        self.other_far = np.full((rows, cols), 99, np.float16)
        self.kind = np.zeros((rows, cols), np.uint8)
        # Real ground changes on its own, and nobody wrote it down: only on drawn ground is no label a label.
        self.complete = np.full((rows, cols), not self.name.startswith("n"), np.uint8)
        self.places, self.others, self.hard = [], [], []
        for line in head["lines"]:
            p, name = np.array(line["points"], np.float32), line["class"]
            if name in CLASSES:
                self.paint(p, self.far, (self.ditch, name == CLASSES[1]), (self.width, line["width_m"]))
                self.places.extend(along(p, 8))
            else:
                kind = KIND_OF.get(name, name)
                self.paint(p, self.other_far, (self.kind, KINDS.index(kind if kind in KINDS else "other")))
                if kind not in ("furrow", "field_edge"):
                    self.others.extend(along(p, 8))

    def paint(self, p, far_px, *values):
        p = np.array(along(p, 48) + [p[-1]])
        for a, b in zip(p[:-1], p[1:]):
            (r0, c0), (r1, c1) = np.maximum(np.minimum(a, b) - 12, 0).astype(int), (np.maximum(a, b) + 13).astype(int)
            r1, c1 = min(r1, far_px.shape[0]), min(c1, far_px.shape[1])
            if r1 <= r0 or c1 <= c0:
                continue
            rr, cc = np.mgrid[r0:r1, c0:c1] + 0.5
            d = b - a
            t = np.clip(((rr - a[0]) * d[0] + (cc - a[1]) * d[1]) / max(float(d @ d), 1e-9), 0, 1)
            far = np.hypot(rr - a[0] - t * d[0], cc - a[1] - t * d[1])
            cut = np.s_[r0:r0 + rr.shape[0], c0:c0 + rr.shape[1]]
            closer = far < far_px[cut]
            far_px[cut] = np.where(closer, far, far_px[cut])
            for layer, value in values:
                layer[cut] = np.where(closer, value, layer[cut])

    def truth(self):
        return (self.far, self.ditch, self.width, self.other_far, self.kind, self.complete)


def along(p, step):
    out = []
    for a, b in zip(p[:-1], p[1:]):
        n = max(1, int(np.hypot(*(b - a)) / step))
        out += [a + (b - a) * k / n for k in range(n)]
    return out


def patch(scene, rng, side):
    rows, cols = scene.far.shape
    kind = rng.random()
    at = None
    if kind < 0.55 and scene.places:
        at = scene.places[rng.integers(len(scene.places))]
    elif kind < 0.65 and scene.others:
        at = scene.others[rng.integers(len(scene.others))]
    elif kind < 0.88 and scene.hard:
        at = scene.hard[rng.integers(len(scene.hard))]
    if at is None:
        at = (rng.uniform(0, rows), rng.uniform(0, cols))
    # Now and then beyond the edge, where nothing is valid.
    out = HALO if rng.random() < 0.3 else 0
    place = lambda v, n: int(np.clip(v + rng.uniform(-.35, .35) * side - side / 2, -out, max(n - side + out, -out)))
    r, c = place(at[0], rows), place(at[1], cols)
    x = np.zeros((6, side, side), np.float32)
    y = np.zeros((6, side, side), np.float32)
    y[[0, 3]] = 99
    top, left, bottom, right = max(r, 0), max(c, 0), min(r + side, rows), min(c + side, cols)
    cut, to = np.s_[top:bottom, left:right], np.s_[top - r:bottom - r, left - c:right - c]
    x[(slice(None),) + to] = scene.pixels[(slice(None),) + cut]
    for k, v in enumerate(scene.truth()):
        y[(k,) + to] = v[cut]
    return x, y


def shifted(x, dy, dx):
    """Bilinear shift by up to a pixel or two."""
    h, w = x.shape[1:]
    fy, fx = int(np.floor(dy)), int(np.floor(dx))
    ty, tx = dy - fy, dx - fx
    pad = np.pad(x, ((0, 0), (3, 3), (3, 3)), mode="edge")
    at = lambda a, b: pad[:, 3 + fy + a:3 + fy + a + h, 3 + fx + b:3 + fx + b + w]
    y = (at(0, 0) * (1 - ty) + at(1, 0) * ty) * (1 - tx) + (at(0, 1) * (1 - ty) + at(1, 1) * ty) * tx
    return np.where((at(0, 0) > 0) & (at(1, 1) > 0) & (at(0, 1) > 0) & (at(1, 0) > 0), y, 0)


def mottle(side, rng):
    """Uneven ground, 1 in the mean: two to four sizes of patches."""
    sum_, amplitude = np.zeros((side, side), np.float32), rng.uniform(0.02, 0.3)
    for _ in range(rng.integers(2, 5)):
        cells = int(side / np.exp(rng.uniform(np.log(3), np.log(50)))) + 2
        grid = torch.from_numpy(rng.normal(0, 1, (1, 1, cells, cells)).astype(np.float32))
        mode = "bilinear" if rng.random() < 0.5 else "bicubic"
        sum_ += F.interpolate(grid, (side, side), mode=mode, align_corners=True)[0, 0].numpy() * rng.uniform(0.3, 1)
    return np.exp(amplitude * sum_ / max(float(sum_.std()), 1e-6))


def varied(x, y, rng):
    """Another light, sensor, place and direction."""
    if rng.random() < 0.35:  # other ground
        ground = mottle(x.shape[1], rng)
        x[:3] *= ground
        x[3:] *= ground if rng.random() < 0.75 else mottle(x.shape[1], rng)
        x[(x > 0) & (x < 1)] = 1
    if rng.random() < 0.3:
        x[3:] = shifted(x[3:], *rng.normal(0, 0.6, 2).clip(-2, 2))
    for date in (x[:3], x[3:]):
        ok = date.min(0) > 0
        if not ok.any():
            continue
        gain = np.exp(rng.normal(0, 0.07, 3)).astype(np.float32)
        date *= gain[:, None, None]
        mean = date[:, ok].mean()
        if rng.random() < 0.4:  # haze
            veil = rng.uniform(0, 0.5) * mean
            date[:] = date * rng.uniform(0.55, 1) + veil * np.array([0.95, 1, 1.1], np.float32)[:, None, None]
        if rng.random() < 0.3:  # gamma
            date[:] = mean * (np.maximum(date, 1) / mean) ** rng.uniform(0.75, 1.3)
        if rng.random() < 0.3:  # saturation
            grey = date.mean(0, keepdims=True)
            date[:] = grey + (date - grey) * rng.uniform(0.2, 1.4)
        if rng.random() < 0.4:
            date[:] = date + rng.normal(0, rng.uniform(0, 0.03) * mean, date.shape[1:]).astype(np.float32)
        if rng.random() < 0.5:  # softer or sharper
            k = rng.uniform(-0.35, 0.25)
            pad = np.pad(date, ((0, 0), (1, 1), (1, 1)), mode="edge")
            date[:] = (1 - 4 * k / 1.6) * date + k / 1.6 * (pad[:, :-2, 1:-1] + pad[:, 2:, 1:-1] + pad[:, 1:-1, :-2] + pad[:, 1:-1, 2:])
        date[:] = np.where(ok, np.maximum(date, 1), 0)
    if rng.random() < 0.3:  # panchromatic, both dates or one
        which = rng.choice((0, 1, 2, 2, 2))
        for k, date in enumerate((x[:3], x[3:])):
            if which in (k, 2):
                date[:] = date.mean(0, keepdims=True)
    if rng.random() < 0.4:  # the later date in the hues of the earlier: works of no colour of their own
        share = rng.uniform(0, 1)
        light = [np.maximum(d.mean(0, keepdims=True), 1) for d in (x[:3], x[3:])]
        x[3:] = light[1] * ((1 - share) * x[3:] / light[1] + share * x[:3] / light[0])
    fade = rng.random()
    if fade < 0.15:  # fainter
        x[3:] += rng.uniform(0, 0.45) * (x[:3] * (x[3:].mean() / max(x[:3].mean(), 1)) - x[3:])
    if rng.random() < 0.05:  # the dates exchanged: what was dug is gone
        x[:] = np.concatenate([x[3:], x[:3]])
        y[[0, 3]] = 99
        y[5] = 0
    elif rng.random() < 0.04:  # there before
        x[:3] = x[3:] * np.exp(rng.normal(0, 0.1))
        y[[0, 3]] = 99
    ok = (x > 0).all(0)
    x *= ok
    if rng.random() < 0.5:
        x, y = x[:, :, ::-1], y[:, :, ::-1]
    k = rng.integers(4)
    return np.rot90(x, k, (1, 2)).copy(), np.rot90(y, k, (1, 2)).copy()


def batch(scenes, rng, n=BATCH, vary=True):
    xs, ys = [], []
    side = PATCH if not vary or rng.random() < 0.5 else 16 * int(PATCH / 16 * rng.uniform(0.75, 1.3))
    for _ in range(n):
        s = scenes[rng.integers(len(scenes))]
        x, y = patch(s, rng, side)
        if vary:
            x, y = varied(x, y, rng)
        xs.append(x)
        ys.append(y)
    x, y = torch.from_numpy(np.stack(xs)), torch.from_numpy(np.stack(ys))
    if side != PATCH:  # nearer or farther away
        size = (PATCH, PATCH)
        ok = F.interpolate((x > 0).all(1, keepdim=True).float(), size, mode="bilinear") > 0.999
        x = F.interpolate(x, size, mode="bilinear", antialias=side > PATCH) * ok
        y = F.interpolate(y, size, mode="nearest")
        for far in (y[:, 0], y[:, 3]):
            far[:] = torch.where(far < 90, far * (PATCH / side), far)
        y[:, 2] *= PATCH / side
    return x, y


def nearness_loss(out, far, where):
    """Cross entropy with the nearness, less what no answer could avoid: the entropy of the target itself."""
    target = torch.exp(-0.5 * (far / SIGMA_PX) ** 2)
    t = target.clamp(1e-6, 1 - 1e-6)
    loss = F.binary_cross_entropy_with_logits(out, target, reduction="none") + t * t.log() + (1 - t) * (1 - t).log()
    return (loss * where).sum() / where.sum().clamp(min=1)


def seen(x):
    return torch.cat([channels(x[:, :3]), channels(x[:, 3:])], 1).contiguous(memory_format=torch.channels_last)


def loss_of(net, x, y):
    """Losses of nearness, ditch, width, nearness to other lines, their kind."""
    lines, coarse = net(seen(x))
    core, half = np.s_[:, HALO:-HALO, HALO:-HALO], np.s_[:, HALO // 2:-HALO // 2, HALO // 2:-HALO // 2]
    ok = (x > 0).all(1).float()
    mean_over = lambda v, where: (v * where).sum() / where.sum().clamp(min=1)
    line = nearness_loss(lines[:, 0][core], y[:, 0][core], ok[core])
    labelled = torch.maximum(y[:, 5], (y[:, 3] < 6).float()) * ok
    other = nearness_loss(lines[:, 1][core], y[:, 3][core], labelled[core])
    # What is told of 2 x 2 pixels is told of their first.
    y, ok = y[:, :, ::2, ::2], ok[:, ::2, ::2]
    near = ((y[:, 0] < NEAR_PX).float() * ok)[half]
    bce = F.binary_cross_entropy_with_logits
    ditch = mean_over(bce(coarse[:, 0][half], y[:, 1][half], reduction="none"), near)
    width = mean_over((coarse[:, 1][half] - torch.log(y[:, 2][half].clamp(min=0.3))).abs(), near)
    beside = ((y[:, 3] < NEAR_PX).float() * ok)[half]
    kinds = coarse[:, 2:][(slice(None),) + half]
    kind = mean_over(F.cross_entropy(kinds, y[:, 4][half].long(), reduction="none"), beside)
    return line, ditch, width, other, kind


def mine(net, scenes):
    """Notes where the network is wrong: a crest where nothing was dug, nothing where something was."""
    net.eval()
    found = 0
    with torch.no_grad():
        for s in scenes:
            s.hard = []
            rows, cols = s.far.shape
            step = 256
            for r in range(0, rows, step):
                for c in range(0, cols, step):
                    x = np.zeros((6, step + 2 * HALO, step + 2 * HALO), np.float32)
                    top, left = max(r - HALO, 0), max(c - HALO, 0)
                    part = s.pixels[:, top:r + step + HALO, left:c + step + HALO]
                    x[:, top - r + HALO:top - r + HALO + part.shape[1], left - c + HALO:left - c + HALO + part.shape[2]] = part
                    x = torch.from_numpy(x)[None]
                    p = torch.sigmoid(net(seen(x))[0][0, 0, HALO:-HALO, HALO:-HALO]).numpy()
                    far = s.far[r:r + step, c:c + step].astype(np.float32)
                    ok = (s.pixels[:, r:r + step, c:c + step] > 0).all(0)
                    p = p[:far.shape[0], :far.shape[1]]
                    wrong = ok & (((far > 8) & (p > 0.25)) | ((far < 0.8) & (p < 0.35)))
                    at = np.argwhere(wrong)
                    if len(at):
                        s.hard += [(r + a, c + b) for a, b in at[:: max(1, len(at) // 12)]]
            found += len(s.hard)
    net.train()
    return found


def load(folder):
    folder = Path(folder)
    return [Scene(folder, h) for h in json.loads((folder / "looks.json").read_text())["looks"]]


def save(net, path):
    """Weights as 32-bit floats, layer by layer: `(out, in, 3, 3)` then the biases."""
    pairs = [l.folded() if isinstance(l, Conv) else (l.weight, l.bias) for l in net.layers]
    blob = b"".join(p.detach().contiguous().numpy().astype("<f4").tobytes() for pair in pairs for p in pair)
    Path(path).write_bytes(blob)


class Feeder(threading.Thread):
    """Batches made ahead. Each is drawn from its own seed, and none before the mining that comes ahead of it, so that
    two runs see the same."""

    def __init__(self, scenes, steps, mined_at):
        super().__init__(daemon=True)
        self.scenes, self.steps = scenes, steps
        self.mined = {step: threading.Event() for step in mined_at}
        self.batches = queue.Queue(8)

    def run(self):
        try:
            for step in range(self.steps):
                if step in self.mined:
                    self.mined[step].wait()
                self.batches.put(batch(self.scenes, np.random.default_rng([1, step])))
        except BaseException as fault:  # told to whoever waits for a batch
            self.batches.put(fault)

    def next(self):
        got = self.batches.get()
        if isinstance(got, BaseException):
            raise got
        return got


def main():
    out, steps, folders = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    train = [s for f in folders[:-1] for s in load(f)]
    # Drawn ground is at its true scale and each scene another place; of real ground there are few places.
    drawn = [s for s in train if not s.name.startswith("n")]
    if len(drawn) < len(train):
        train += drawn
    check = load(folders[-1])
    held = [batch(check, np.random.default_rng([7, k]), vary=False) for k in range(12)]
    net = Net().to(memory_format=torch.channels_last)
    # The same weights, compiled where there is a compiler: a third faster.
    fast = torch.compile(net) if shutil.which("g++") else net
    print(len(train), "scenes,", sum(p.numel() for p in net.parameters()), "weights", flush=True)
    opt = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    mined_at = [int(share * steps) for share in (0.35, 0.6, 0.8)]
    feeder = Feeder(train, steps, mined_at)
    feeder.start()
    start, mean = time.time(), None
    for step in range(steps):
        if step in feeder.mined:
            print("places it is wrong at:", mine(net, list(dict.fromkeys(train))), flush=True)
            feeder.mined[step].set()
        for g in opt.param_groups:
            g["lr"] = RATE * min(1, step / 100) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        losses = loss_of(fast, *feeder.next())
        loss = sum(w * l for w, l in zip(WEIGHTS, losses))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        now = torch.stack(losses).detach()
        mean = now if mean is None else 0.98 * mean + 0.02 * now
        if (step + 1) % 200 == 0:
            net.eval()
            with torch.no_grad():
                h = torch.stack([torch.stack(loss_of(net, *b)) for b in held]).mean(0)
            net.train()
            rounded = [[round(v, 5) for v in t.tolist()] for t in (mean, h)]
            print(f"{time.time() - start:6.0f} s, step {step + 1}, losses {rounded[0]}, held out {rounded[1]}", flush=True)
            save(net, out / "net.f32")
    save(net, out / "net.f32")


if __name__ == "__main__":
    main()
