"""What torch says of the windows in `tests/network.rs`, with weights that both make up by the same rule.

Run from the root of the repository: python3 crates/diff/tests/network.py   (needs numpy and torch)
"""

import sys

sys.path.insert(0, "scripts")

import numpy as np
import torch

import fit
import propose

ROWS, COLS = 64, 80
r, c = np.mgrid[:ROWS, :COLS]
rgb = lambda k: np.stack([40 + (r * (3 + k) + c * 5 + b * 11 + (r * c) % 17) % 97 for b in range(3)]).astype(np.float32)
x = torch.from_numpy(np.concatenate([rgb(0), rgb(4)])[None])
x[:, :, 20:24, 30:40] = 0  # invalid

k = 0


def made_up(shape, products):
    """So small that a map is about as large as the one that it is made of (He et al. 2015)."""
    global k
    n = int(np.prod(shape))
    v = ((np.arange(k, k + n) * 7919 + 13) % 1000 / 500 - 1) * (6 / products) ** 0.5
    k += n
    return torch.from_numpy(v.astype(np.float32).reshape(shape))


def filled(net):
    global k
    k = 0
    for layer in net.layers:
        if isinstance(layer, fit.Conv):
            n = layer.conv.weight[0].numel()
            layer.conv.weight.copy_(made_up(layer.conv.weight.shape, n))
            layer.norm.bias.copy_(made_up(layer.norm.bias.shape, n))
            layer.norm.weight.fill_((1 + layer.norm.eps) ** 0.5)  # so that folding changes nothing
        else:
            n = layer.weight[0].numel()
            layer.weight.copy_(made_up(layer.weight.shape, n))
            layer.bias.copy_(made_up(layer.bias.shape, n))
    return net.eval()


def most(net, seen):
    """The largest value of each layer."""
    found = fit.most(net, [seen])
    net.eval()
    print([round(float(v.max()), 3) for v in found])


with torch.no_grad():
    net = filled(fit.Net())
    near, coarse = net(fit.seen(x))
most(net, fit.seen(x))
near = torch.sigmoid(near)[0]
for r, c in [(0, 0), (13, 57), (22, 29), (40, 8), (63, 79)]:
    told = [near[0, r, c], near[1, r, c], *coarse[0, [0, 1, 2, 9], r // 2, c // 2]]
    print((r, c), [round(float(v), 6) for v in told])

ROWS, COLS = 96, 112
r, c = np.mgrid[:ROWS, :COLS]
date = lambda k: (400 + (r * (3 + k) + c * 5 + (r * c) % 17) % 97).astype(np.float32)
x = torch.from_numpy(np.stack([date(0)] * 3 + [date(4)] * 3)[None])
x[:, :, 40:52, 60:80] = 0  # invalid
with torch.no_grad():
    net = filled(propose.Net())
    told = net(propose.seen(x))[0]
most(net, propose.seen(x))
for r, c in [(0, 0), (3, 5), (5, 8), (6, 7), (11, 13), (9, 2)]:
    print((r, c), [round(float(v), 4) for v in told[:, r, c]])
