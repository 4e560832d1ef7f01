"""What each image installs, and how large that is.

`python .ci/image.py install IMAGE FOLDER` is run by the Dockerfile and by `make image-sizes`, so
that what is measured and tested is what is shipped; `python .ci/image.py sizes` prints.
"""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lighten import MIB, lighten

SHOWN = 6


@dataclass(frozen=True)
class Image:
    """Extras of mlsys, without the locked packages that nothing in this image imports."""

    extras: tuple[str, ...]
    without: tuple[str, ...] = ()
    lightened: bool = True


# SciPy is asked for by learners, and not imported where nothing is fitted. What fits models keeps
# its libraries as they were published: nobody waits for it to start.
IMAGES = {
    "serve": Image(("gcp", "serve"), without=("scipy",)),
    "explain": Image(("gcp", "ingest", "plots", "serve"), without=("scipy",)),
    "ingest": Image(("gcp", "ingest")),
    "train": Image(("gcp", "train"), lightened=False),
}


def install(image: Image, folder: Path, *options: str) -> None:
    """Make an environment of what uv.lock says; uv compares each file with its sha256 there."""
    chosen = [part for extra in image.extras for part in ("--extra", extra)]
    left_out = [part for package in image.without for part in ("--no-install-package", package)]
    subprocess.run(  # noqa: S603  # names from the table above
        [
            *("uv", "sync", "--quiet", "--locked", "--no-dev", "--no-editable"),
            *("--reinstall-package", "mlsys", "--link-mode", "copy", "--compile-bytecode"),
            *(*chosen, *left_out, *options),
        ],
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder.absolute())},
        check=True,
    )
    if image.lightened:
        for what, size in lighten(packages(folder)).items():
            print(f"{size / MIB:7.1f} MiB  left out: {what}")


def packages(folder: Path) -> Path:
    """Find an environment's site-packages."""
    [found] = folder.glob("lib/python3*/site-packages")
    return found


def sizes(folder: Path) -> Counter[str]:
    """Say how many bytes each package has; libraries that came with one belong to it."""
    counted: Counter[str] = Counter()
    for file in packages(folder).rglob("*"):
        if file.is_file() and not file.is_symlink():
            top = file.relative_to(packages(folder)).parts[0]
            counted[top.removesuffix(".libs").partition("-")[0]] += file.stat().st_size
    return counted


def main(action: str, *arguments: str) -> int:
    """Do what the first argument says."""
    match action, *arguments:
        case "install", name, folder, *options:
            install(IMAGES[name], Path(folder), *options)
        case "sizes", prefix:
            _print_sizes(prefix)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def _print_sizes(prefix: str) -> None:
    totals = {}
    for name in IMAGES:
        counted = sizes(Path(prefix + name))
        totals[name] = sum(counted.values())
        largest = (f"{one} {size / MIB:.0f}" for one, size in counted.most_common(SHOWN))
        print(f"{name:8} {totals[name] / MIB:5.0f} MiB   {', '.join(largest)}")
    print(f"serve is {totals['serve'] / totals['train']:.2f} of train")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
