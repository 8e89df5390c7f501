"""Accuracy of an alignment on pairs whose true displacement is known, beside other programs on the same pairs.

    python3 benches/peers/align.py FOSSE OUT [--naip DIR] [--scenes DIR ...] [--cpu PROGRAM] [--peers] [--arosics PYTHON] [--only NAME ...]

FOSSE is the program; OUT keeps the pairs, what Fosse wrote and results.json. NAIP: GeoTIFFs of one place, named by date. SCENES:
folders of `cargo run --release -p simulate --example two_dates`. Needs numpy, scipy, rasterio; --peers scikit-image and opencv too;
--arosics a Python that has AROSICS. The peers look at Fosse's own windows, on one thread. --cpu is the example `align_cpu` of
`pipeline`: the CPU of Fosse's alignment alone, with both images in memory, as the peers of --peers have them too (AROSICS reads files).

shift     an image and itself, displaced by a fraction of a pixel in the Fourier domain
years     all pairs of dates. Their true displacement is measured by another method than Fosse's: mutual information of grey levels
          (all bands, windows of 128 px, whole-pixel shifts, a quadratic through the best nine), for every pair of dates and
          window; the ten dates of a window are then placed by robust least squares over its 45 pairs, and an affine is fitted to
          the windows of each date, again robustly
waves     pairs of years, the later one warped by waves of 2 px
seam      pairs of years, the later one with a step of 3 px across it: cells along it cannot be right and must not be called so
parallax  two seasons, simulated, the later warped by waves of 2 px besides its own displacement
relief    the same, displaced as relief does it: by 2 px along one direction
sun       the same as it is: other light, other crops
apart     different places: must be refused
"""

import argparse
import glob
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from multiprocessing import Pool

import numpy as np
import rasterio
from rasterio.transform import from_origin
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates

WINDOW, REACH, LEVELS = 128, 3, 32


def write(path, bands):
    bands = np.clip(np.round(bands), 1, 255).astype(np.uint8)
    with rasterio.open(
        path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands), dtype="uint8", crs="EPSG:32636",
        transform=from_origin(655000, 5727000, 0.5, 0.5), tiled=True, blockxsize=512, blockysize=512, nodata=0,
    ) as f:
        f.write(bands)


def fourier_shift(band, down, right):
    """Content moved by a fraction of a pixel."""
    pad = 32
    p = np.pad(band, pad, mode="reflect")
    ky, kx = np.fft.fftfreq(p.shape[0])[:, None], np.fft.fftfreq(p.shape[1])[None]
    return np.fft.ifft2(np.fft.fft2(p) * np.exp(-2j * np.pi * (ky * down + kx * right))).real[pad:-pad, pad:-pad]


def warped(bands, field):
    """Bands whose content at p lies at p + field(p)."""
    rows, cols = np.mgrid[0 : bands.shape[1], 0 : bands.shape[2]].astype(float)
    r, c = rows.copy(), cols.copy()
    for _ in range(5):
        dr, dc = field(r, c)
        r, c = rows - dr, cols - dc
    return np.stack([map_coordinates(b, [r, c], order=5, mode="nearest") for b in bands])


def waves(r, c):
    return 2 * np.sin(r / 170 + 0.3) * np.cos(c / 260), 2 * np.cos(r / 230) * np.sin(c / 180 + 1)


def relief(r, c):
    """As relief displaces what is seen obliquely: along one direction."""
    d = 2 * np.sin(r / 170 + 0.3) * np.cos(c / 260)
    return d * np.sin(0.6), d * np.cos(0.6)


def seam(r, c):
    return 3.0 * (c > 470 + 0.1 * r), np.zeros_like(r)


def displacement(path):
    """The field of a file of row, col, d_row, d_col on a lattice."""
    table = np.loadtxt(path, delimiter=",")
    rows, cols = np.unique(table[:, 0]), np.unique(table[:, 1])
    of = [RegularGridInterpolator((rows, cols), table[:, k].reshape(len(rows), len(cols))) for k in (2, 3)]
    at = lambda r, c: np.stack([np.clip(r, rows[0], rows[-1]), np.clip(c, cols[0], cols[-1])], -1)
    return lambda r, c: (of[0](at(r, c)), of[1](at(r, c)))


# Truth of the years.


def mutual_information(a, b):
    h = np.bincount((a * LEVELS + b).ravel(), minlength=LEVELS * LEVELS).reshape(LEVELS, LEVELS).astype(float)
    h = gaussian_filter(h, 1.0, mode="constant")
    h /= h.sum()
    expected = h.sum(1, keepdims=True) * h.sum(0, keepdims=True)
    there = h > 0
    return (h[there] * np.log(h[there] / expected[there])).sum()


def mi_shift(args):
    a, b, at = args
    surface = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    r, c = at[0] - WINDOW // 2, at[1] - WINDOW // 2
    for x, y in zip(a, b):
        x = x[r : r + WINDOW, c : c + WINDOW]
        for i, j in itertools.product(range(-REACH, REACH + 1), repeat=2):
            surface[i + REACH, j + REACH] += mutual_information(x, y[r + i : r + i + WINDOW, c + j : c + j + WINDOW])
    i, j = np.unravel_index(surface.argmax(), surface.shape)
    if min(i, j) == 0 or max(i, j) == 2 * REACH:
        return np.nan, np.nan
    y, x = (v.ravel() for v in np.mgrid[-1:2, -1:2])
    k = np.linalg.lstsq(np.c_[np.ones(9), y, x, y * y, x * x, x * y], surface[i - 1 : i + 2, j - 1 : j + 2].ravel(), rcond=None)[0]
    step = -np.linalg.solve([[2 * k[3], k[5]], [k[5], 2 * k[4]]], k[1:3])
    return (i - REACH + step[0], j - REACH + step[1]) if np.abs(step).max() <= 1 else (np.nan, np.nan)


def robust(a, values, scale, ok=None):
    w = np.ones(len(a)) if ok is None else ok.astype(float)
    ok = w > 0
    for _ in range(20):
        x = np.linalg.lstsq(a * w[:, None], np.nan_to_num(values) * w[:, None], rcond=None)[0]
        w = ok / (1 + (np.hypot(*(np.nan_to_num(values) - a @ x).T) / scale) ** 2)
    return x


def mi_pair(args):
    a, b, at = args
    return [mi_shift((a, b, p)) for p in at]


def true_affines(dates, cache):
    """For each date the affine (3, 2) of its displacement, over (1, row, col)."""
    if os.path.exists(cache):
        return np.load(cache)
    levels = []
    for bands in dates:
        low, high = np.percentile(bands, 1, axis=(1, 2)), np.percentile(bands, 99, axis=(1, 2))
        q = (bands - low[:, None, None]) / (high - low)[:, None, None] * (LEVELS - 1) + 0.5
        levels.append(np.clip(q, 0, LEVELS - 1).astype(np.int32))
    rows, cols = dates[0].shape[1:]
    at = [(r, c) for r in range(80, rows - 70, 80) for c in range(80, cols - 70, 96)]
    pairs = list(itertools.combinations(range(len(dates)), 2))
    with Pool(2) as pool:
        shifts = np.array(pool.map(mi_pair, [(levels[i], levels[j], at) for i, j in pairs], chunksize=1))
    a = np.zeros((len(pairs) + 1, len(dates)))
    for k, (i, j) in enumerate(pairs):
        a[k, i], a[k, j] = -1, 1
    a[-1] = 1
    placed = []
    for n in range(len(at)):
        values = np.vstack([shifts[:, n], [[0, 0]]])
        placed.append(robust(a, values, 0.2, ~np.isnan(values[:, 0])))
    x = np.array([(1, r, c) for r, c in at], float)
    out = np.array([robust(x, np.array(placed)[:, d], 0.15) for d in range(len(dates))])
    np.save(cache, out)
    return out


# Programs.


def fosse(program, a, b, out):
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run([program, "align", a, b, "--out", out, "--overwrite", "--no-image", "--json", "-q", "--threads", "1"],
                         capture_output=True, text=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    if run.returncode:
        return None, None, run.stderr.strip(), cpu
    read = lambda name: [f["properties"] for f in json.load(open(os.path.join(out, name)))["features"]]
    return read("cells.geojson"), read("ties.geojson"), json.loads(run.stdout), cpu


SIZE, STEP, FARTHEST = 256, 144, 12


def windows(shape):
    """Corners of Fosse's windows: `Layout::windows` of grids of 512 to 2560 px."""
    def starts(n):
        room = n - SIZE
        count = -(-room // STEP)
        return [i * room // max(count, 1) // 2 * 2 for i in range(count + 1)]
    return [(r, c) for r in starts(shape[0]) for c in starts(shape[1])]


def ours_alone(program, a, b):
    return float(subprocess.run([program, a, b], capture_output=True, text=True, check=True).stdout)


def by_arosics(python, a, b):
    """Ties, CPU seconds, windows that were tried."""
    run = [python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "arosics_ties.py"), a, b, *map(str, (STEP, SIZE, FARTHEST))]
    done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said = json.loads(done.stdout)
    return np.array(said["ties"]).reshape(-1, 4), said["cpu"], said["tried"]


def by_skimage(a, b):
    from skimage.registration import phase_cross_correlation
    out = []
    for r, c in windows(a.shape):
        x, y = a[r : r + SIZE, c : c + SIZE], b[r : r + SIZE, c : c + SIZE]
        out.append((r + SIZE // 2, c + SIZE // 2, *-phase_cross_correlation(x, y, upsample_factor=50)[0]))
    return np.array(out)


def by_opencv(a, b):
    import cv2
    hann = cv2.createHanningWindow((SIZE, SIZE), cv2.CV_32F)
    out = []
    for r, c in windows(a.shape):
        (dx, dy), _ = cv2.phaseCorrelate(np.ascontiguousarray(a[r : r + SIZE, c : c + SIZE]), np.ascontiguousarray(b[r : r + SIZE, c : c + SIZE]), hann)
        out.append((r + SIZE // 2, c + SIZE // 2, dy, dx))
    return np.array(out)


def grey(path):
    with rasterio.open(path) as f:
        return f.read()[:3].astype(np.float32).mean(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("fosse")
    parser.add_argument("out")
    parser.add_argument("--naip")
    parser.add_argument("--scenes", nargs="*", default=[])
    parser.add_argument("--cpu")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--arosics")
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    wanted = lambda name: not args.only or name in args.only
    cases = []  # name, earlier, later, truth(row, col) or None

    def case(kind, name, a, b, truth):
        paths = [os.path.join(args.out, f"{kind}-{name}-{k}.tif") for k in "ab"]
        for path, bands in zip(paths, (a, b)):
            if not os.path.exists(path):
                write(path, bands() if callable(bands) else bands)
        cases.append((kind, *paths, truth))

    if args.naip:
        dates = []
        for path in sorted(glob.glob(os.path.join(args.naip, "*.tif"))):
            with rasterio.open(path) as f:
                dates.append(f.read()[:, :720, :928].astype(np.float32))
        affines = true_affines(dates, os.path.join(args.out, "affines.npy"))
        rng = np.random.default_rng(7)
        between = lambda i, j: lambda r, c: np.moveaxis(np.stack([np.ones_like(r), r, c], -1) @ (affines[j] - affines[i]), -1, 0)
        for k in (0, 3, 6, 9):
            for n in range(3):
                d = rng.uniform(-2, 2, 2)
                if wanted("shift"):
                    case("shift", f"{k}{n}", dates[k], lambda k=k, d=d: np.stack([fourier_shift(b, *d) for b in dates[k]]),
                         lambda r, c, d=d: (d[0] + 0 * r, d[1] + 0 * r))
        for i, j in itertools.combinations(range(len(dates)), 2):
            if wanted("years"):
                case("years", f"{i}{j}", dates[i], dates[j], between(i, j))
        def with_warp(i, j, warp):
            def truth(r, c):
                dr, dc = between(i, j)(r, c)
                wr, wc = warp(r + dr, c + dc)
                return dr + wr, dc + wc
            return truth
        for kind, warp in (("waves", waves), ("seam", seam)):
            for i, j in ((0, 4), (2, 5), (3, 8), (4, 9), (5, 6), (7, 9)):
                if wanted(kind):
                    case(kind, f"{i}{j}", dates[i], lambda j=j, warp=warp: warped(dates[j], warp), with_warp(i, j, warp))
        if wanted("apart"):
            flips = {"mirrored": lambda x: x[:, :, ::-1], "turned": lambda x: np.rot90(x, 1, (1, 2))[:, :720, :720], "upside": lambda x: x[:, ::-1],
                     "right-left": lambda x: x[:, :, 464:], }
            for i, j in ((0, 4), (3, 8), (5, 6), (7, 9)):
                for name, flip in flips.items():
                    case("apart", f"{name}{i}{j}", dates[i][:, :, :464] if name == "right-left" else dates[i][:, :, :720], np.ascontiguousarray(flip(dates[j])), None)
    for folder in args.scenes:
        a, b = (rasterio.open(os.path.join(folder, f"{k}.ppm")).read().astype(np.float32) for k in (0, 1))
        name, own = os.path.basename(os.path.normpath(folder)), displacement(os.path.join(folder, "truth.csv"))

        def warped_by(warp, own=own):
            def truth(r, c):
                dr, dc = own(r, c)
                wr, wc = warp(r + dr, c + dc)
                return dr + wr, dc + wc
            return truth

        for kind, warp in (("parallax", waves), ("relief", relief)):
            if wanted(kind):
                case(kind, name, a, lambda b=b, warp=warp: warped(b, warp), warped_by(warp))
        if wanted("sun"):
            case("sun", name, a, b, own)

    rows, kinds = {}, []
    peers = {"skimage": by_skimage, "opencv": by_opencv} if args.peers else {}
    for kind, a, b, truth in cases:
        if kind not in kinds:
            kinds.append(kind)
        cells, ties, said, cpu = fosse(args.fosse, a, b, os.path.join(args.out, "fosse", os.path.basename(a)[:-6]))
        row = {"pair": os.path.basename(a), "cpu": cpu}
        if cells is None:
            row["refused"] = said
        elif truth is None:
            row["accepted"] = said["alignment"]
        else:
            get = lambda of, k: np.array([np.nan if f[k] is None else f[k] for f in of], float)
            off = lambda r, c, dr, dc: np.hypot(*(np.array([dr, dc]) - np.array(truth(r, c))))
            r, c = get(cells, "row_px"), get(cells, "col_px")
            row["error"] = off(r, c, get(cells, "d_row_px"), get(cells, "d_col_px")).tolist()
            row["verdict"] = [f["verdict"] for f in cells]
            row["residual"] = get(cells, "residual_px").tolist()
            row["tie_error"] = off(get(ties, "row_px"), get(ties, "col_px"), get(ties, "d_row_px"), get(ties, "d_col_px")).tolist()
            row["tie_sigma"] = get(ties, "sigma_px").tolist()
            row["tie_role"] = [f["role"] for f in ties]
            row["said"] = said["alignment"]
            for peer, run in peers.items():
                images = grey(a), grey(b)
                begin = time.process_time()
                found = run(*images)
                row[peer] = {"cpu": time.process_time() - begin, "error": off(*found.T).tolist(), "tried": len(found)}
            if args.cpu:
                row["alone"] = ours_alone(args.cpu, a, b)
            if args.arosics:
                found, spent, tried = by_arosics(args.arosics, a, b)
                row["arosics"] = {"cpu": spent, "error": off(*found.T).tolist(), "tried": tried}
        rows.setdefault(kind, []).append(row)
    json.dump(rows, open(os.path.join(args.out, "results.json"), "w"))
    quantiles = lambda e: "median %.3f, 90 %% %.3f, rms %.3f" % (*np.nanquantile(e, (0.5, 0.9)), np.sqrt(np.nanmean(np.square(e)))) if len(e) else "-"
    for kind in kinds:
        of = rows[kind]
        refused = [x for x in of if "refused" in x]
        print(f"{kind}: {len(of)} pairs, {len(refused)} refused")
        for x in of:
            if "accepted" in x:
                print("   accepted", x["pair"], x["accepted"])
        done = [x for x in of if "error" in x]
        if refused and done:
            print("   refused:", [x["pair"] + ": " + x["refused"][-160:] for x in refused][:3])
        if not done:
            continue
        e, v = np.concatenate([x["error"] for x in done]), np.concatenate([x["verdict"] for x in done])
        t = np.concatenate([x["tie_error"] for x in done])
        aligned, good = v == "aligned", e <= 0.5
        print(f"   field  {quantiles(e)}; held-out says median {np.median([x['said']['residual_px'] for x in done]):.3f}")
        print(f"   ties   {quantiles(t)}; {sum(x['said']['matched'] for x in done)} of {sum(x['said']['windows'] for x in done)} windows")
        print(f"   cells  {len(e)}: of those within 0.5 px {100 * (aligned & good).sum() / max(good.sum(), 1):.1f} % called aligned; called aligned and off by > 1 px: {(aligned & (e > 1)).sum()}"
              f"; > 0.5 px: {(aligned & ~good).sum()}; off by > 1 px in all: {(e > 1).sum()}")
        alone = [x["alone"] for x in done if "alone" in x]
        print(f"   CPU    {np.mean([x['cpu'] for x in done]):.2f} s a pair, reading, start and pictures included" + (f"; alignment alone {np.mean(alone):.3f} s" if alone else ""))
        for peer in [*peers, *["arosics"] * bool(args.arosics)]:
            each = [x[peer] for x in done]
            e = np.concatenate([x["error"] for x in each])
            print(f"   {peer:7s}{quantiles(e)}; CPU {np.mean([x['cpu'] for x in each]):.3f} s; {len(e)} ties of {sum(x['tried'] for x in each)} windows")


if __name__ == "__main__":
    sys.exit(main())
