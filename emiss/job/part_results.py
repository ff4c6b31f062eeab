"""The results of the tasks of a part, in one file that is written and read task by task: no part is ever held whole.

The file is text. Its first line is the plan that the part followed; then there is a line for each task, with its number, its
key and its results as compressed JSON; the last line says how many there are, and who made them. It appears when it is
complete.
"""

from __future__ import annotations

import base64
import json
import platform
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - part of a dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, settle
from emiss.events.provenance import command_line, now
from emiss.job.part_counts import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from emiss.job.worker import Done

SCHEMA = "emiss.part/2"
SUFFIX = ".results"
AGAIN = "run the part again: it keeps the tables that are right"


@dataclass(frozen=True)
class Results:
    """What one part has done.

    Attributes
    ----------
    path : Path
    part : str
    plan : mapping
        The identity of its plan.
    made : mapping
        When, where and by which command.
    tasks : mapping of task number to (key, place in the file)
    """

    path: Path
    part: str
    plan: Mapping[str, Any]
    made: Mapping[str, str]
    tasks: Mapping[int, tuple[str, int]]

    def read(self, number: int) -> dict[str, Any]:
        """Return the plain data of a task.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.tasks[number][1])
                said, _, packed = file.readline().split()
            if int(said) != number:
                raise _damaged(self.path, f"task {number} is not where it should be")
            return dict(json.loads(zlib.decompress(base64.b64decode(packed, validate=True))))
        except (OSError, ValueError, zlib.error) as error:
            raise _damaged(self.path, str(error)) from None


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"cannot be read: {why}", at=Location(str(path)), hint=AGAIN)


@contextmanager
def writing(path: Path, part: str, plan: Mapping[str, Any], started: str) -> Iterator[Callable[[Done], None]]:
    """Give a function that writes the results of a task; the file appears when the block ends, or not at all.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    trial, tasks = part_of(path), 0

    def add(done: Done) -> None:
        nonlocal tasks
        packed = base64.b64encode(zlib.compress(json.dumps(to_json(done), allow_nan=False).encode()))
        _write(file, path, f"{done.task.number} {done.task.key} ".encode() + packed)
        tasks += 1

    try:
        try:
            file = trial.open("wb")
        except OSError as error:
            raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
        with file:
            _write(file, path, json.dumps({"schema": SCHEMA, "part": part, "plan": plan}).encode())
            yield add
            made = {"part": part, "host": platform.node(), "started": started, "finished": now()}
            end = {"tasks": tasks, "made": {**made, "command": command_line()}}
            _write(file, path, json.dumps(end).encode(), last=True)
        settle(trial, path)
    finally:
        trial.unlink(missing_ok=True)


def _write(file: BinaryIO, path: Path, line: bytes, *, last: bool = False) -> None:
    try:
        file.write(line + b"\n")
        if last:
            file.close()
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None


def load(path: Path) -> Results:
    """Return what a part has done, without the results themselves.

    Raises
    ------
    UserError
        If it cannot be read, or is of another version of emiss.
    """
    tasks: dict[int, tuple[str, int]] = {}
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            if head.get("schema") != SCHEMA:
                said = f"schema is {head.get('schema')!r}, this version of emiss reads '{SCHEMA}'"
                raise UserError(said, at=Location(str(path)), hint=AGAIN)
            place, line = file.tell(), file.readline()
            while line[:1].isdigit():
                number, key, _ = line.split(b" ", 2)
                tasks[int(number)] = key.decode(), place
                place, line = file.tell(), file.readline()
            end = json.loads(line)
        if len(tasks) != end["tasks"]:
            raise _damaged(path, f"holds {len(tasks)} tasks, and {end['tasks']} were written")
        made = {name: str(said) for name, said in end["made"].items()}
        return Results(path, str(head["part"]), dict(head["plan"]), {"started": "", **made}, tasks)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error) or "is not complete") from None
