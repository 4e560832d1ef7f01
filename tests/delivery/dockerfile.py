"""Reads a Dockerfile, and finds what an image of ours may not be."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

BUILD_TOOLS = re.compile(
    r"\b(gcc|g\+\+|build-essential|binutils|make|git|curl|python3-dev|uv|pip)\b"
)
REMOVED = re.compile(r"\brm -rf [^&]*")
ROOT_USER = {"root", "0"}


class Instruction(NamedTuple):
    """One, with its continued lines."""

    word: str
    rest: str


@dataclass
class Stage:
    """What stands between two `FROM`."""

    base: str
    instructions: list[Instruction] = field(default_factory=list)


def stages(text: str) -> dict[str, Stage]:
    """Return the stages by name, in their order."""
    found: dict[str, Stage] = {}
    last: Stage | None = None
    for line in re.sub(r"\\\n|^\s*#.*\n", "", text, flags=re.MULTILINE).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            last = found[name] = Stage(base)
        elif word and last:
            last.instructions.append(Instruction(word, " ".join(rest.split())))
    return found


def faults(text: str, targets: set[str]) -> list[str]:
    """Say what is wrong with the images of these targets."""
    found = stages(text)
    told = [f"there is no target {name}" for name in sorted(targets - set(found))]
    for name in sorted(targets & set(found)):
        stands_on = lineage(found, name)
        said = [one for stage in stands_on for one in stage.instructions]
        users = [one.rest for one in found[name].instructions if one.word == "USER"]
        if not users or users[-1].partition(":")[0] in ROOT_USER:
            told.append(f"{name} runs as root")
        if stands_on[0].base != "${BASE_IMAGE}":
            told.append(f"{name} does not stand on BASE_IMAGE")
        told += [
            f"{name} has {tools[0]}, which only builds"
            for one in said
            if one.word == "RUN" and (tools := BUILD_TOOLS.findall(REMOVED.sub("", one.rest)))
        ]
        told += [
            f"{name} lacks {folder}"
            for folder in ("/opt/mlsys", "/app")
            if not any(one.word == "COPY" and one.rest.endswith(f" {folder}") for one in said)
        ]
        removed = " ".join(REMOVED.findall(" ".join(one.rest for one in said)))
        told += [
            f"{name} keeps {tool} of its base"
            for tool in ("/bin/pip*", "/ensurepip", "/site-packages/*")
            if tool not in removed
        ]
        if Instruction("ENV", "MLSYS_COMMIT=${COMMIT}") not in said:
            told.append(f"{name} does not know its commit")
    return told


def lineage(found: dict[str, Stage], name: str) -> list[Stage]:
    """Return a stage after those that it stands on."""
    stage = found[name]
    return [*(lineage(found, stage.base) if stage.base in found else []), stage]
