"""Start one deployable as its cloud would, and print what that took; see test_weight.py."""

import asyncio
import json
import resource
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
NOWHERE = "/there-is-nothing-here"


def start(name: str) -> None:
    """Start a function up to its first answer, or a job up to its arguments."""
    if (ROOT / "jobs" / name).is_dir():
        sys.argv = [name, "--help"]
        try:
            runpy.run_path(str(ROOT / "jobs" / name), run_name="__main__")
        except SystemExit as end:
            if end.code != 0:
                raise
        return

    from functions_framework import create_app

    source = ROOT / "functions" / name / "main.py"
    event = "CloudEvent" in source.read_text()
    app = create_app(name, str(source), "cloudevent" if event else "http")
    if event:
        about = {"id": "1", "source": "//probe", "type": "none", "specversion": "1.0"}
        headers = {f"ce-{name}": value for name, value in about.items()}
        status = app.test_client().post("/", headers=headers, json={}).status_code
    elif hasattr(app, "test_client"):
        status = app.test_client().get(NOWHERE).status_code
    else:
        status = asyncio.run(_ask(app, NOWHERE))
    wanted = 204 if event else 404
    if status not in {wanted, 200}:
        sys.exit(f"{name} answered {status}")


def third_party() -> list[str]:
    """Name the packages that were imported and do not belong to Python; Google's in full."""
    names = [name for name, module in sys.modules.items() if _foreign(module)]
    return sorted(
        {".".join(name.split(".")[: 3 if name.startswith("google.") else 1]) for name in names}
    )


async def _ask(app: Any, path: str) -> int:
    """Send a GET to an ASGI app."""
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])


def _foreign(module: ModuleType) -> bool:
    return "site-packages" in (getattr(module, "__file__", None) or "")


if __name__ == "__main__":
    start(sys.argv[1])
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {"packages": third_party(), "modules": len(sys.modules), "peak_mib": peak_kib / 1024}
        )
    )
