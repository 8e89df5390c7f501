"""What torch says of the window in `tests/network.rs` for the network that proposes, with weights that both make up by the same rule.

Run from the root of the repository: python3 crates/diff/tests/proposer.py   (needs numpy and torch)
"""

import sys

sys.path.insert(0, "scripts")

import fit
import numpy as np
import propose
import torch

ROWS, COLS = 96, 112
r, c = np.mgrid[:ROWS, :COLS]
date = lambda k: (400 + (r * (3 + k) + c * 5 + (r * c) % 17) % 97).astype(np.float32)
x = torch.from_numpy(np.stack([date(0)] * 3 + [date(4)] * 3)[None])
x[:, :, 40:52, 60:80] = 0  # invalid

net = propose.Net().eval()
k = 0


def made_up(shape, products):
    """So small that a map is about as large as the one that it is made of (He et al. 2015)."""
    global k
    n = int(np.prod(shape))
    v = ((np.arange(k, k + n) * 7919 + 13) % 1000 / 500 - 1) * (6 / products) ** 0.5
    k += n
    return torch.from_numpy(v.astype(np.float32).reshape(shape))


with torch.no_grad():
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
    told = net(propose.seen(x))[0]
    for row, col in ((0, 0), (3, 5), (5, 8), (6, 7), (11, 13), (9, 2)):
        print(f"    (({row}, {col}), [{told[0, row, col]:.4f}, {told[1, row, col]:.4f}]),")
