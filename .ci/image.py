"""What each image installs, and how large that is.

`python .ci/image.py install IMAGE FOLDER` is run by the Dockerfile and by `make image-sizes`, so
that what is measured and tested is what is shipped; `sizes PREFIX` prints; `bills FOLDER` writes
which packages each image has, with their sha256, as CycloneDX.
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
    left_out = [part for package in image.without for part in ("--no-install-package", package)]
    _uv(
        *("sync", "--no-editable", "--reinstall-package", "mlsys", "--link-mode", "copy"),
        *("--compile-bytecode", *_extras(image), *left_out, *options),
        environment=folder,
    )
    if image.lightened:
        for what, size in lighten(packages(folder)).items():
            print(f"{size / MIB:7.1f} MiB  left out: {what}")


def write_bill(image: Image, file: Path) -> None:
    """Write which packages an image has."""
    left_out = [part for package in image.without for part in ("--no-emit-package", package)]
    _uv("export", "--format", "cyclonedx1.5", *_extras(image), *left_out, "-o", str(file))


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
        case "bills", folder:
            for name, image in IMAGES.items():
                write_bill(image, Path(folder) / f"{name}.cdx.json")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def _extras(image: Image) -> list[str]:
    return [part for extra in image.extras for part in ("--extra", extra)]


def _uv(command: str, *options: str, environment: Path | None = None) -> None:
    place = {"UV_PROJECT_ENVIRONMENT": str(environment.absolute())} if environment else {}
    subprocess.run(  # noqa: S603  # names from the table above
        ["uv", command, "--quiet", "--locked", "--no-dev", *options],  # noqa: S607  # uv of the PATH
        env={**os.environ, **place},
        check=True,
    )


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
