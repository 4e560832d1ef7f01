"""Print what a test run skipped, and fail if the emulators' tests did not all run."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def main(report: Path) -> int:
    """Read a JUnit report; properties `emulator` come from the conftest at the root."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  # our own file
    skipped = [case for case in cases if case.find("skipped") is not None]
    on_emulators = [
        case for case in cases if case.find(".//property[@name='emulator']") is not None
    ]
    missed = [case for case in on_emulators if case in skipped]

    for case in skipped:
        reason = case.find("skipped")
        message = "" if reason is None else reason.get("message", "")
        print(f"skipped: {case.get('classname')}::{case.get('name')}: {message}")
    print(
        f"{len(cases)} tests, {len(skipped)} skipped; "
        f"{len(on_emulators)} on emulators, {len(missed)} of them skipped"
    )
    if not on_emulators or missed:
        print("every test on an emulator must run here")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
