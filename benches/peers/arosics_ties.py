"""Ties of AROSICS (Scheffler et al. 2017) between two images, for align.py, which runs this with the Python that has AROSICS.

    PYTHON arosics_ties.py EARLIER LATER STEP_PX WINDOW_PX REACH_PX

Prints JSON: cpu, seconds of COREG_LOCAL alone; ties, (row, col, d_row, d_col) in pixels of those that it does not itself call
outliers. `pip install arosics` wants GDAL 3.8; with an older one of the system install it with --no-deps and its other needs by hand.
"""

import contextlib
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from osgeo import gdal  # noqa: E402

if not hasattr(gdal.Dataset, "__enter__"):  # before GDAL 3.8
    gdal.Dataset.__enter__ = lambda of: of
    gdal.Dataset.__exit__ = lambda of, *_: None
if not hasattr(gdal, "config_options"):

    @contextlib.contextmanager
    def config_options(options, *_, **__):
        before = {name: gdal.GetConfigOption(name) for name in options}
        for name, value in options.items():
            gdal.SetConfigOption(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                gdal.SetConfigOption(name, value)

    gdal.config_options = config_options

from arosics import COREG_LOCAL  # noqa: E402

earlier, later = sys.argv[1:3]
step, window, reach = (int(v) for v in sys.argv[3:6])
begin = time.process_time()
with contextlib.redirect_stdout(sys.stderr):
    found = COREG_LOCAL(
        earlier, later, grid_res=step, window_size=(window, window), max_shift=reach, nodata=(0, 0), CPUs=1, q=True, progress=False
    ).CoRegPoints_table
cpu = time.process_time() - begin
kept = found[(found.OUTLIER == False) & (found.X_SHIFT_PX > -9999)]  # noqa: E712
print(json.dumps({"cpu": cpu, "tried": len(found), "ties": [[p.Y_IM, p.X_IM, -p.Y_SHIFT_PX, -p.X_SHIFT_PX] for p in kept.itertuples()]}, default=float))
