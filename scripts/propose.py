"""Trains the network that proposes on what `fosse looks` wrote; called by scripts/train.

Usage: propose.py OUT STEPS FOLDER...    writes OUT/proposer.f32, as `diff::net::Proposer` reads it

It sees what `diff::proposal` shows it: how much each pixel of either date stands out from the ground around it. Squares are
varied as scripts/fit.py varies them, which takes longer than a step, so that each is kept and shown again, turned. The last
folder is only for a look at what would be reached. Needs numpy and torch.
"""

import sys
import time
from pathlib import Path

import fit
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

# As `diff::proposal::contrast`: side of a block, blocks around one, share of the brightness that is noise, the most.
BLOCK_PX, REACH, NOISE_SHARE, MOST = 16, 2, 0.003, 6
CELL_PX = 8
# A line this near to a square of CELL_PX runs through it; beyond the second it does not, and between them nobody asks.
THROUGH_PX, BESIDE_PX = 2, 12
FRESH, BATCH, STEPS_A_FRESH, KEPT, RATE = 12, 16, 4, 6000, 4e-3
# A square with a line weighs so much; nearness to other lines so little.
WORKS, OTHERS = 4.0, 0.25
RIM = fit.HALO // CELL_PX


class Net(nn.Module):
    """As `diff::net::Proposer` computes it."""

    def __init__(self, w=(16, 32, 24, 40, 40)):
        super().__init__()
        a, b, c, d, e = w
        self.layers = nn.ModuleList([
            fit.Conv(8, a),                             # half: each pixel holds 2 x 2 of the input's
            fit.Conv(a, b), fit.Conv(b, c),             # quarter
            fit.Conv(c, d), fit.Conv(d, e),             # eighth
            nn.Conv2d(e, 2, 1),
        ])

    def forward(self, x):
        l = self.layers
        x = F.max_pool2d(l[0](F.pixel_unshuffle(x, 2)), 2)
        x = F.max_pool2d(l[2](l[1](x)), 2)
        return l[5](l[4](l[3](x)))


def standing_out(light, ok):
    """(N, 1, H, W) of one date -> each pixel less the mean around it, in multiples of the spread there; 0 where invalid."""
    known = F.avg_pool2d(ok, BLOCK_PX)
    mean = F.avg_pool2d(light * ok, BLOCK_PX)
    square = F.avg_pool2d(light * light * ok, BLOCK_PX)
    some = known.clamp(min=1e-6)
    spread = (square / some - (mean / some) ** 2).clamp(min=0).sqrt() * known
    around = lambda v: F.avg_pool2d(v, 2 * REACH + 1, 1, REACH)
    n = around(known).clamp(min=1e-6)
    mean = around(mean) / n
    spread = around(spread) / n + NOISE_SHARE * mean.abs() + 1e-6
    fine = lambda v: F.interpolate(v, scale_factor=BLOCK_PX, mode="bilinear", align_corners=False)
    return ((light - fine(mean)) / fine(spread)).clamp(-MOST, MOST) * ok


def seen(x):
    ok = (x > 0).all(1, keepdim=True).float()
    dates = [standing_out(x[:, k:k + 3].mean(1, keepdim=True), ok) for k in (0, 3)]
    return torch.cat(dates, 1)


def known(x, y):
    """Of each square of CELL_PX whether a new earthwork, and whether another new line, runs through it: 1, 0, or -1 where
    nobody asks."""
    mean = lambda v: F.avg_pool2d(v[:, None], CELL_PX)[:, 0]
    ok = mean((x > 0).all(1).float()) > 0.5
    labelled = mean(torch.maximum(y[:, 5], (y[:, 3] < BESIDE_PX).float())) > 0.5
    out = []
    for far, where in ((y[:, 0], ok), (y[:, 3], ok & labelled)):
        nearest = -F.max_pool2d(-far[:, None], CELL_PX)[:, 0]
        told = torch.where(nearest <= THROUGH_PX, 1, torch.where(nearest > BESIDE_PX, 0, -1))
        out.append(torch.where(where, told, -1))
    return torch.stack(out, 1).to(torch.int8)


def loss_of(net, x, told):
    z, core = net(x), np.s_[:, :, RIM:-RIM, RIM:-RIM]
    where = (told >= 0).float()[core]
    loss = F.binary_cross_entropy_with_logits(
        z, (told > 0).float(), reduction="none", pos_weight=torch.tensor(WORKS, device=z.device))[core] * where
    mean = lambda k: loss[:, k].sum() / where[:, k].sum().clamp(min=1)
    return mean(0) + OTHERS * mean(1)


def turned(rng, *maps):
    back = [d for d in (2, 3) if rng.random() < 0.5]
    across = rng.random() < 0.5
    flipped = [m.flip(back) for m in maps]
    return [m.transpose(2, 3) if across else m for m in flipped]


class Kept:
    """Squares to be shown again, as they go in: 16 bits a pixel."""

    def __init__(self):
        side = fit.PATCH
        self.x = np.zeros((KEPT, 2, side, side), np.int16)
        self.told = np.zeros((KEPT, 2, side // CELL_PX, side // CELL_PX), np.int8)
        self.count = 0

    def add(self, x, y):
        at = (self.count + np.arange(len(x))) % KEPT
        self.x[at] = (seen(x) * 1024).round().to(torch.int16).cpu().numpy()
        self.told[at] = known(x, y).cpu().numpy()
        self.count += len(x)

    def batch(self, rng):
        at = rng.integers(min(self.count, KEPT), size=BATCH)
        x = torch.from_numpy(self.x[at]).to(fit.DEVICE).float() / 1024
        return turned(rng, x, torch.from_numpy(self.told[at]).to(fit.DEVICE).long())


def reached(net, scenes):
    """Share of the works' squares, and of all others, that are proposed at a chance of 0.1."""
    net.eval()
    counts = np.zeros(4)
    with torch.no_grad():
        for scene in scenes:
            pool = fit.Pool.of([scene])
            x, y = pool.cut([scene], np.array([[0, 0]]), 256 * (max(scene.rows, scene.cols) // 256))
            told, proposed = known(x, y)[:, 0], torch.sigmoid(net(seen(x)))[:, 0] > 0.1
            for k, value in enumerate((1, 0)):
                counts[2 * k] += float((proposed & (told == value)).sum())
                counts[2 * k + 1] += float((told == value).sum())
    net.train()
    return counts[0] / max(counts[1], 1), counts[2] / max(counts[3], 1)


def main():
    out, steps, folders = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    out.mkdir(parents=True, exist_ok=True)
    held = fit.load(folders.pop())
    scenes = [s for folder in folders for s in fit.load(folder)]
    pool, kept = fit.Pool.of(scenes), Kept()
    scenes = fit.chosen_from(scenes)
    torch.manual_seed(1)
    rng = np.random.default_rng(2)
    net = Net().to(fit.DEVICE, memory_format=torch.channels_last)
    opt = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    start, mean = time.time(), None
    for k in range(steps):
        if k % STEPS_A_FRESH == 0:
            kept.add(*fit.batch(pool, scenes, rng, FRESH))
        for group in opt.param_groups:
            group["lr"] = RATE * min(1, (k + 1) / 100) * 0.5 * (1 + np.cos(np.pi * k / steps)) + 1e-5
        loss = loss_of(net, *kept.batch(rng))
        opt.zero_grad()
        loss.backward()
        opt.step()
        mean = loss.item() if mean is None else 0.99 * mean + 0.01 * loss.item()
        if k % 200 == 199:
            print(f"step {k + 1} of {steps}: loss {mean:.4f}, {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    shown = [kept.batch(rng)[0] for _ in range(fit.SHOWN)]
    fit.save(net, out / "proposer.f32", shown)
    print("proposed: %.3f of the squares of works, %.3f of others" % reached(net, held), file=sys.stderr)


if __name__ == "__main__":
    main()
