"""``emiss calib snapshot`` and ``convert``: tags that are frozen, and tables of another format as tables of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands.plain import Json, put
from emiss.terminal import say, warn


def snapshot(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="A tag: a folder, a file or a name that ships.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new folder.  [default: TAG-HASH, beside the tag]")
    ] = None,
    json_: Json = False,
) -> None:
    """Freeze a tag: copies of its files in a new folder, with the hash of each, which never change.

    A job, and every command here, refuses a snapshot whose files are not as they were. Its hash, of which eight digits are
    enough, stands for it in 'emiss calib' and in '--calib'.

    For example:

      emiss calib snapshot my_tag --out calib/2018-v1

      emiss calib show sadc.gain --run 6111 --calib calib/2018-v1
    """
    from emiss.calib import tag as tags
    from emiss.calib.conditions import Conditions
    from emiss.configs.errors import Location, UserError

    conditions = Conditions.load(tag)  # nothing that is wrong is frozen
    path = tags.find(tag)
    files = conditions.files
    if files is None or any(Path(name).is_absolute() or ".." in Path(name).parts for name in files.contents):
        hint = "'emiss calib convert' makes tables of one folder of them"
        raise UserError(
            "the map names files of other folders: they cannot be frozen", at=Location(str(path)), hint=hint
        )
    name = path.stem if path.is_file() else path.resolve().name
    made = tags.take(files, out or path.parent / f"{name}-{files.sha256[: tags.SHORT]}")
    if json_:
        put({"snapshot": made.path, "sha256": made.sha256, "files": made.files})
        return
    say(f"{made.path}: snapshot {made.sha256[: tags.SHORT]} of {len(made.files)} files")


def convert(
    tables: Annotated[
        str,
        typer.Argument(metavar="MAP|TAG", help="A map of tables in another format, or a folder with one; or a tag."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new folder, a file for each type.")],
    json_: Json = False,
) -> None:
    """Write tables of another format, or a tag with overrides, as a plain tag: what holds in each range of runs.

    Maps are explained in docs/calibration.md. They can be used as they are, too: '--calib MAP.yaml'.

    For example:

      emiss calib convert calib_map.yaml --out my_tag
    """
    from emiss.calib.conditions import Conditions
    from emiss.calib.flatten import flattened
    from emiss.configs.errors import Location, UserError
    from emiss.events.files.atomic import write_text

    conditions = Conditions.load(tables)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError("is there already: tables are written to a new folder", at=Location(str(out)))
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in flattened(conditions):
        write_text(out / name, text)
        made.append(out / name)
    again = Conditions.load(out)
    if json_:
        put({"tables": len(again.tables), "written": made, "remarks": conditions.remarks})
        return
    for remark in conditions.remarks:
        warn(remark)
    say(f"{out}: {len(again.tables)} tables of {len(made)} types from {len(conditions.tables)} blocks")
