"""Trains the network of a judge on what `fosse looks` wrote; called by scripts/train.

Usage: fit.py OUT STEPS FOLDER...    writes OUT/net.f32, as `diff::net` reads it

A small U-Net (Ronneberger et al. 2015) with sums instead of concatenations, on both dates at once. The last folder is
only for a look at the losses, the others are for training. Needs numpy and torch; takes a CUDA device where there is one,
and larger batches there.
"""

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PATCH, HALO, BATCH, RATE = 256, 32, 64 if DEVICE.type == "cuda" else 8, 3e-3
CLASSES = ("trench", "anti_vehicle_ditch")
# As `diff::net` numbers them; what a scene calls the change, and which kind that is.
KINDS = ("track", "road", "furrow", "field_edge", "shoreline", "tree_shadow", "pipeline_or_drain", "other")
SIGMA_PX, NEAR_PX = 2.0, 2.5
WEIGHTS = (20, 0.3, 0.4, 5, 0.1)
OUTPUTS = 4 + 4 + 1 + 1 + len(KINDS)
# Batches of 16 varied squares by which it is told how large numbers get.
SHOWN = 24


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

    # Layers whose outputs are added to coarser ones, and the layers that the sums go into.
    SUMS = ((1, 13), (3, 11), (5, 9))

    def __init__(self, w=(24, 40, 72, 112)):
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
# A scene keeps distances to lines in sixteenths of a pixel, widths in twentieths of a metre, in bytes; and bits that say
# kind, ditch, and whether everything is labelled.
FAR, PER_PX, PER_M, DITCH, COMPLETE = 255, 16, 20, 8, 16


class Scene:
    """Pixels (rows * cols, 6) of both dates; labels (rows * cols, 4): distance to the centreline of a new earthwork, its
    width, distance to another new line, bits."""

    def __init__(self, folder, head):
        self.name, self.rows, self.cols = head["file"], head["rows"], head["cols"]
        raw = np.fromfile(folder / head["file"], "<u2").reshape(6, -1)
        self.pixels = np.ascontiguousarray(raw.T).view(np.int16)
        shape = (self.rows, self.cols)
        far, other = np.full(shape, 99, np.float32), np.full(shape, 99, np.float32)
        ditch, width, kind = np.zeros(shape, np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        places, others = [], []
        for line in head["lines"]:
            p, name = np.array(line["points"], np.float32), line["class"]
            if name in CLASSES:
                paint(p, far, (ditch, name == CLASSES[1]), (width, line["width_m"]))
                places.extend(along(p, 8))
            else:
                k = KIND_OF.get(name, name)
                paint(p, other, (kind, KINDS.index(k if k in KINDS else "other")))
                if k not in ("furrow", "field_edge"):
                    others.extend(along(p, 8))
        byte = lambda v, scale: np.minimum(np.rint(v * scale), FAR).astype(np.uint8)
        # Real ground changes on its own, and nobody wrote it down: only on drawn ground is no label a label.
        bits = kind + DITCH * ditch + COMPLETE * np.uint8(not self.name.startswith("n"))
        layers = (byte(far, PER_PX), byte(width, PER_M), byte(other, PER_PX), bits)
        self.labels = np.stack(layers, -1).reshape(-1, 4)
        self.places, self.others, self.hard = (np.array(v, np.float32).reshape(-1, 2) for v in (places, others, []))


def paint(p, far_px, *values):
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


def along(p, step):
    out = []
    for a, b in zip(p[:-1], p[1:]):
        n = max(1, int(np.hypot(*(b - a)) / step))
        out += [a + (b - a) * k / n for k in range(n)]
    return out


class Pool:
    """Scenes on the device, one behind the other."""

    def __init__(self, most_px):
        self.pixels = torch.empty((most_px, 6), dtype=torch.int16, device=DEVICE)
        self.labels = torch.empty((most_px, 4), dtype=torch.uint8, device=DEVICE)
        self.scenes, self.used_px = [], 0

    @staticmethod
    def of(scenes):
        pool = Pool(sum(len(s.pixels) for s in scenes))
        for s in scenes:
            pool.add(s)
        return pool

    def add(self, scene):
        n = len(scene.pixels)
        if self.used_px + n > len(self.pixels):
            return False
        to = slice(self.used_px, self.used_px + n)
        self.pixels[to] = torch.from_numpy(scene.pixels).to(DEVICE)
        self.labels[to] = torch.from_numpy(scene.labels).to(DEVICE)
        scene.at, scene.pixels, scene.labels = self.used_px, None, None
        self.used_px += n
        self.scenes.append(scene)
        return True

    def cut(self, which, at, side):
        """Squares of scenes from upper left corners on: (N, 6, side, side), and of what is known (N, 6, side, side):
        distance, ditch, width, distance to another line, kind, whether everything is labelled."""
        shape = torch.tensor([(s.at, s.rows, s.cols) for s in which], device=DEVICE)
        at = torch.as_tensor(np.asarray(at), device=DEVICE)
        steps = torch.arange(side, device=DEVICE)
        i, j = at[:, :1] + steps, at[:, 1:] + steps
        clamped = lambda v, n: torch.minimum(v.clamp(min=0), n[:, None] - 1)
        r, c = clamped(i, shape[:, 1]), clamped(j, shape[:, 2])
        inside = ((i == r)[:, :, None] & (j == c)[:, None, :])[..., None]
        index = (shape[:, :1] + r * shape[:, 2:])[:, :, None] + c[:, None, :]
        x = (self.pixels[index].int() & 0xFFFF).float() * inside
        raw = torch.where(inside, self.labels[index].int(), torch.tensor([FAR, 0, FAR, 0], device=DEVICE, dtype=torch.int32))
        far = lambda v: torch.where(v == FAR, 99.0, v / PER_PX)
        bit = lambda b: (raw[..., 3] // b % 2).float()
        kind = raw[..., 3] % DITCH
        y = torch.stack([far(raw[..., 0]), bit(DITCH), raw[..., 1] / PER_M, far(raw[..., 2]), kind.float(), bit(COMPLETE)], 1)
        return x.permute(0, 3, 1, 2).contiguous(), y


def corner(scene, rng, side):
    """Of a square: mostly where something is to be learnt, at times beyond the edge, where nothing is valid."""
    kind = rng.random()
    places = (scene.places if kind < 0.55 else scene.others if kind < 0.65 else scene.hard if kind < 0.88 else ())
    rows, cols = scene.rows, scene.cols
    r, c = places[rng.integers(len(places))] if len(places) else (rng.uniform(0, rows), rng.uniform(0, cols))
    out = HALO if rng.random() < 0.3 else 0
    place = lambda v, n: int(np.clip(v + rng.uniform(-.35, .35) * side - side / 2, -out, max(n - side + out, -out)))
    return place(r, rows), place(c, cols)


class Dice:
    """Numbers for each of `n` squares, (n, 1, 1, 1)."""

    def __init__(self, n, seed):
        self.n, self.generator = n, torch.Generator(DEVICE).manual_seed(seed)

    def uniform(self, low=0.0, high=1.0, channels=1):
        return low + (high - low) * torch.rand((self.n, channels, 1, 1), generator=self.generator, device=DEVICE)

    def chance(self, share):
        return self.uniform() < share

    def normal(self, *shape):
        return torch.randn((self.n,) + (shape or (1, 1, 1)), generator=self.generator, device=DEVICE)


def mottle(dice, side, rng):
    """Uneven ground, 1 in the mean: patches of two to four sizes."""
    total = 0
    for k in range(4):
        cells = int(side / np.exp(rng.uniform(np.log(3), np.log(50)))) + 2
        mode = "bilinear" if rng.random() < 0.5 else "bicubic"
        field = F.interpolate(dice.normal(1, cells, cells), (side, side), mode=mode, align_corners=True)
        total = total + field * dice.uniform(0.3, 1) * (1 if k < 2 else dice.chance(0.5))
    amplitude = dice.uniform(0.02, 0.3)
    return torch.exp(amplitude * total / total.std((2, 3), keepdim=True).clamp(min=1e-6))


def sensed(d, ok, dice):
    """Dates (N, 3, side, side) in another light, by another sensor."""
    n = ok.sum((2, 3), keepdim=True).clamp(min=1)
    d = d * torch.exp(0.07 * dice.normal(3, 1, 1))
    mean = (d * ok).mean(1, keepdim=True).sum((2, 3), keepdim=True) / n
    # Haze, gamma, saturation, noise, softer or sharper.
    veil = dice.uniform(0, 0.5) * mean * torch.tensor([0.95, 1, 1.1], device=DEVICE)[:, None, None]
    d = torch.where(dice.chance(0.4), d * dice.uniform(0.55, 1) + veil, d)
    relative = (d.clamp(min=1) / mean.clamp(min=1))
    d = torch.where(dice.chance(0.3), mean * relative ** dice.uniform(0.75, 1.3), d)
    grey = d.mean(1, keepdim=True)
    d = torch.where(dice.chance(0.3), grey + (d - grey) * dice.uniform(0.2, 1.4), d)
    d = d + dice.chance(0.4) * dice.uniform(0, 0.03) * mean * dice.normal(1, *d.shape[2:])
    k = dice.uniform(-0.45, 0.25) * dice.chance(0.5) / 1.6
    pad = F.pad(d, (1, 1, 1, 1), mode="replicate")
    d = (1 - 4 * k) * d + k * (pad[:, :, :-2, 1:-1] + pad[:, :, 2:, 1:-1] + pad[:, :, 1:-1, :-2] + pad[:, :, 1:-1, 2:])
    return d.clamp(min=1) * ok


def varied(x, y, rng):
    """Another light, sensor, place and direction."""
    n, side = len(x), x.shape[-1]
    dice = Dice(n, int(rng.integers(2**31)))
    ok = (x > 0).all(1, keepdim=True)
    # Other ground, the same at both dates or not.
    ground = torch.where(dice.chance(0.35), mottle(dice, side, rng), 1.0)
    changed = torch.where(dice.chance(0.09), mottle(dice, side, rng), ground)
    x = torch.cat([x[:, :3] * ground, x[:, 3:] * changed], 1)
    # Not quite aligned.
    by = (0.6 * dice.normal(2, 1, 1)).clamp(-2, 2) * dice.chance(0.3) * 2 / side
    theta = torch.eye(2, 3, device=DEVICE).repeat(n, 1, 1)
    theta[:, :, 2] = by[:, :, 0, 0]
    grid = F.affine_grid(theta, (n, 1, side, side), align_corners=False)
    moved = F.grid_sample(torch.cat([x[:, 3:], ok.float()], 1), grid, padding_mode="border", align_corners=False)
    still = (by == 0).all(1, keepdim=True)
    ok = ok & (still | (moved[:, 3:] > 0.999))
    x = torch.cat([x[:, :3], torch.where(still, x[:, 3:], moved[:, :3])], 1)
    dates = x.reshape(2 * n, 3, side, side)
    x = sensed(dates, ok.repeat_interleave(2, 0), Dice(2 * n, int(rng.integers(2**31)))).reshape(n, 6, side, side)
    first, second = x[:, :3], x[:, 3:]
    # Panchromatic, one date or both.
    which = dice.uniform()
    first = torch.where((which < 0.06) | ((which >= 0.12) & (which < 0.3)), first.mean(1, keepdim=True), first)
    second = torch.where((which >= 0.06) & (which < 0.3), second.mean(1, keepdim=True), second)
    # The later date in the hues of the earlier: works of no colour of their own.
    share = dice.uniform() * dice.chance(0.4)
    light = [d.mean(1, keepdim=True).clamp(min=1) for d in (first, second)]
    second = light[1] * ((1 - share) * second / light[1] + share * first / light[0])
    # Fainter.
    level = lambda d: d.mean((1, 2, 3), keepdim=True)
    fade = dice.uniform(0, 0.45) * dice.chance(0.15)
    second = second + fade * (first * (level(second) / level(first).clamp(min=1)) - second)
    # The dates exchanged: what was dug is gone. There before: nothing is new.
    kind = dice.uniform()
    gone, before = kind < 0.05, kind > 0.96
    first, second = torch.where(gone, second, first), torch.where(gone, first, second)
    first = torch.where(before, second * torch.exp(0.1 * dice.normal()), first)
    y = y.clone()
    none = (gone | before)[:, 0]
    for k in (0, 3):
        y[:, k] = torch.where(none, 99.0, y[:, k])
    y[:, 5] = torch.where(gone[:, 0], 0.0, y[:, 5])
    both = torch.cat([torch.cat([first, second], 1).clamp(min=1) * ok, y], 1)
    both = torch.where(dice.chance(0.5), both.flip(3), both)
    both = torch.where(dice.chance(0.5), both.flip(2), both)
    both = torch.where(dice.chance(0.5), both.transpose(2, 3), both)
    return both[:, :6], both[:, 6:]


def batch(pool, scenes, rng, n=BATCH, vary=True):
    side = PATCH if not vary or rng.random() < 0.5 else 16 * int(PATCH / 16 * rng.uniform(0.75, 1.3))
    which = [scenes[k] for k in rng.integers(len(scenes), size=n)]
    x, y = pool.cut(which, [corner(s, rng, side) for s in which], side)
    if vary:
        x, y = varied(x, y, rng)
    if side != PATCH:  # nearer or farther away
        size = (PATCH, PATCH)
        ok = F.interpolate((x > 0).all(1, keepdim=True).float(), size, mode="bilinear") > 0.999
        x = F.interpolate(x, size, mode="bilinear", antialias=side > PATCH) * ok
        y = F.interpolate(y, size, mode="nearest")
        for k in (0, 3):
            y[:, k] = torch.where(y[:, k] < 90, y[:, k] * (PATCH / side), y[:, k])
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


def told(net, x):
    with torch.autocast(DEVICE.type, torch.bfloat16, enabled=DEVICE.type == "cuda"):
        lines, coarse = net(seen(x))
    return lines.float(), coarse.float()


def loss_of(net, x, y):
    """Losses of nearness, ditch, width, nearness to other lines, their kind."""
    lines, coarse = told(net, x)
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


def mine(net, pool):
    """Notes where the network is wrong: a crest where nothing was dug, nothing where something was."""
    net.eval()
    found, step = 0, 256
    with torch.no_grad():
        for s in pool.scenes:
            corners = [(r, c) for r in range(0, s.rows, step) for c in range(0, s.cols, step)]
            hard = []
            for k in range(0, len(corners), BATCH):
                part = corners[k:k + BATCH]
                x, y = pool.cut([s] * len(part), np.array(part) - HALO, step + 2 * HALO)
                core = np.s_[:, HALO:-HALO, HALO:-HALO]
                p = torch.sigmoid(told(net, x)[0][:, 0][core])
                far, ok = y[:, 0][core], (x > 0).all(1)[core]
                wrong = ok & (((far > 8) & (p > 0.25)) | ((far < 0.8) & (p < 0.35)))
                for n, at in zip(*(v.tolist() for v in (lambda w: (w[:, 0], w[:, 1:]))(wrong.nonzero().cpu()))):
                    hard.append((part[n][0] + at[0], part[n][1] + at[1]))
            # A dozen or so for each square.
            s.hard = np.array(hard[:: max(1, len(hard) // (12 * len(corners)))], np.float32).reshape(-1, 2)
            found += len(s.hard)
    net.train()
    return found


def load(folder):
    folder = Path(folder)
    return [Scene(folder, h) for h in json.loads((folder / "looks.json").read_text())["looks"]]


def chosen_from(scenes):
    """Drawn ground is at its true scale and each scene another place; of real ground there are few places."""
    drawn = [s for s in scenes if not s.name.startswith("n")]
    return scenes + drawn if len(drawn) < len(scenes) else scenes


def most(net, inputs):
    """Of each channel of each convolution the largest value that it is to tell: `diff::net` has 255 steps up to it. The geometric
    mean of the largest that it gives and the largest of its layer, so that what the squares did not show has some room."""
    convolutions = [l for l in net.layers if isinstance(l, Conv)]
    found = [torch.zeros(l.conv.out_channels, device=DEVICE) for l in convolutions]

    def note(k, values):  # what a hook gives back would take the place of what it was called with
        found[k] = torch.maximum(found[k], values.float().amax((0, 2, 3)))

    hooks = [l.register_forward_hook(lambda m, i, out, k=k: note(k, out)) for k, l in enumerate(convolutions)]
    # What is added to the coarser one is told together with it.
    hooks += [net.layers[later].register_forward_pre_hook(lambda m, i, k=k: note(k, i[0]))
              for k, later in getattr(net, "SUMS", ())]
    net.eval()
    with torch.no_grad():
        for x in inputs:
            net(x)
    net.train()
    for h in hooks:
        h.remove()
    found = [v.clamp(min=1e-4) for v in found]
    return [(v * v.max()).sqrt() for v in found]


def save(net, path, inputs):
    """32-bit floats: layer by layer the weights `(out, in, 3, 3)`, then the biases; after them `most`, as these inputs have it."""
    pairs = [l.folded() if isinstance(l, Conv) else (l.weight, l.bias) for l in net.layers]
    numbers = [p for pair in pairs for p in pair] + most(net, inputs)
    blob = b"".join(p.detach().cpu().contiguous().numpy().astype("<f4").tobytes() for p in numbers)
    Path(path).write_bytes(blob)


class Fit:
    """The network as it learns, and how far it is."""

    def __init__(self, out, held, shown):
        torch.manual_seed(1)
        self.out, self.held = Path(out), held
        # What tells how large numbers get.
        self.shown = shown
        self.net = Net().to(DEVICE, memory_format=torch.channels_last)
        # The same weights, compiled where there is a compiler: a third faster.
        self.fast = torch.compile(self.net) if shutil.which("g++") else self.net
        self.opt = torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-3)
        self.start, self.mean = time.time(), None

    def step(self, k, progress, x, y):
        for g in self.opt.param_groups:
            g["lr"] = RATE * min(1, k / 100) * (0.5 + 0.5 * np.cos(np.pi * progress)) + 1e-5
        losses = loss_of(self.fast, x, y)
        loss = sum(w * l for w, l in zip(WEIGHTS, losses))
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.opt.step()
        now = torch.stack(losses).detach()
        self.mean = now if self.mean is None else 0.98 * self.mean + 0.02 * now

    def report(self, k, save_too=True):
        self.net.eval()
        with torch.no_grad():
            h = torch.stack([torch.stack(loss_of(self.net, *b)) for b in self.held]).mean(0)
        self.net.train()
        rounded = [[round(v, 5) for v in t.tolist()] for t in (self.mean, h)]
        print(f"{time.time() - self.start:6.0f} s, step {k}, losses {rounded[0]}, held out {rounded[1]}", flush=True)
        if save_too:
            save(self.net, self.out / "net.f32", self.shown)


def main():
    out, steps, folders = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    out.mkdir(parents=True, exist_ok=True)
    pool = Pool.of([s for f in folders[:-1] for s in load(f)])
    check = Pool.of(load(folders[-1]))
    held = [batch(check, check.scenes, np.random.default_rng([7, k]), 8, vary=False) for k in range(12)]
    scenes = chosen_from(pool.scenes)
    fit = Fit(out, held, [seen(batch(pool, scenes, np.random.default_rng([2, k]), 16)[0]) for k in range(SHOWN)])
    print(len(pool.scenes), "scenes,", sum(p.numel() for p in fit.net.parameters()), "weights, on", DEVICE, flush=True)
    mined_at = [int(share * steps) for share in (0.35, 0.6, 0.8)]
    for k in range(steps):
        if k in mined_at:
            print("places it is wrong at:", mine(fit.net, pool), flush=True)
        # Each batch is drawn from its own seed, so that two runs see the same.
        fit.step(k, k / steps, *batch(pool, scenes, np.random.default_rng([1, k])))
        if (k + 1) % 200 == 0:
            fit.report(k + 1, (k + 1) % 1000 == 0)
    fit.report(steps)


if __name__ == "__main__":
    main()
