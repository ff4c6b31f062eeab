"""`Session`: what the page of `emiss look` asks, answered: the set-up, lists of events, an event, signals, pictures."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from emiss.browser.asked import read
from emiss.configs.errors import Location, UserError
from emiss.display import event, signals
from emiss.display.asked import EventAsked, ListAsked, PictureAsked, SignalsAsked
from emiss.display.geometry import Geometry
from emiss.look.judge import Wanted
from emiss.look.search import Search, listed
from emiss.look.sources import NUMBERS
from emiss.selection.display import view

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.look.judge import Judge, Judged
    from emiss.look.opening import Opened
    from emiss.look.search import Row
    from emiss.look.sources import Events, One

PATIENCE = 0.4
"""Seconds that the page waits for one answer of a search; it asks again."""

SEARCHES = 8
"""Searches that are kept: going back to one begins where it was left."""

KINDS = {"svg": "image/svg+xml", "pdf": "application/pdf"}


class Session:
    """Files that are looked at.

    Parameters
    ----------
    opened : Opened
    judge : Judge
    out : Path, optional
        Folder that pictures are written to, too.
    wanted : Wanted
        What the list begins with.
    """

    def __init__(self, opened: Opened, judge: Judge, out: Path | None = None, wanted: Wanted = Wanted()) -> None:  # noqa: B008 - frozen
        self.opened, self.judge, self.out, self.wanted = opened, judge, out, wanted
        self.files = opened.files
        self.geometry = Geometry(opened.detector)
        self._searches: OrderedDict[Wanted, Search] = OrderedDict()
        self._one: tuple[int, int, One] | None = None
        self._hidden = [judge.hides(file) for file in self.files]

    def describe(self, _: Any = None) -> dict[str, Any]:
        """Return what the page is made of."""
        analysis = self.judge.analysis
        regions = {} if analysis is None else {name: self.judge.cuts(name) for name in analysis.regions}
        return {
            "setup": self.geometry.describe(),
            "energy": self.opened.detector.beam.energy,
            "files": [
                {
                    "name": file.path.name,
                    "path": str(file.path),
                    "sample": file.sample,
                    "role": file.role,
                    "hidden": hidden,
                    "events": None if hidden else len(file.rows),
                }
                for file, hidden in zip(self.files, self._hidden, strict=True)
            ],
            "analysis": None if analysis is None else analysis.name,
            "regions": {
                name: [{"name": cut.name, "require": view.clean(cut.require.text)} for cut in cuts]
                for name, cuts in regions.items()
            },
            "out": None if self.out is None else str(self.out),
            "filter": {
                "region": self.wanted.region,
                "passing": self.wanted.passing,
                "failing": self.wanted.failing,
                "expression": self.wanted.expression,
                "events": " ".join("/".join(map(str, one)) for one in sorted(self.wanted.events)),
            },
        }

    def listing(self, data: Any) -> dict[str, Any]:
        """Return a page of the list, as far as it is found by now; the page asks again where there is to be more.

        Raises
        ------
        UserError
            For a cut that there is not, a wrong expression, a list of events that is none.
        """
        asked = read(ListAsked, data)
        wanted = asked.filter.wanted()
        if wanted.all and not any(self._hidden):
            rows = listed(self.files, self.judge, wanted, asked.start, asked.count)
            total = sum(len(file.rows) for file in self.files)
            return {"rows": [self._row(row) for row in rows], "found": total, "done": True, "share": 1.0}
        search = self._search(wanted)
        need = asked.start + asked.count
        try:
            search.advance(need + 1, PATIENCE)  # one more tells whether there is a next page
        except UserError:
            del self._searches[wanted]  # a search that has broken off is not one that is done
            raise
        return {
            "rows": [self._row(row) for row in search.found[asked.start : need]],
            "found": len(search.found),
            "done": search.done,
            "share": search.looked / max(search.total, 1),
            "enough": search.done or len(search.found) > need,
        }

    def _search(self, wanted: Wanted) -> Search:
        if wanted not in self._searches:
            self._searches[wanted] = Search(self.files, self.judge, wanted)
            if len(self._searches) > SEARCHES:
                self._searches.popitem(last=False)
        self._searches.move_to_end(wanted)
        return self._searches[wanted]

    @staticmethod
    def _row(row: Row) -> dict[str, Any]:
        return {"file": row.file, "row": row.row, "name": row.name, "failed": row.failed}

    def event(self, data: Any) -> dict[str, Any]:
        """Return one event.

        Raises
        ------
        UserError
            If there is none, or it is inside the box of a blinded sample.
        """
        asked = read(EventAsked, data)
        file, one, judged = self._open(asked)
        run, spill, number = (int(one.table.flat[name][0]) for name in NUMBERS)
        return {
            "file": asked.file,
            "row": asked.row,
            "name": f"{run}/{spill}/{number}",
            "numbers": {"run": run, "spill": spill, "number": number},
            "cuts": self._verdicts(judged),
            "failed": int(judged.failed[0]),
            **event.told(event.Drawn(one, self.opened.detector)),
            "sample": file.sample,
        }

    @staticmethod
    def _verdicts(judged: Judged) -> list[str]:
        return [
            "passes" if true else "undefined" if undefined else "fails"
            for true, undefined in zip(judged.true[:, 0].tolist(), judged.undefined[:, 0].tolist(), strict=True)
        ]

    def _open(self, asked: EventAsked) -> tuple[Events, One, Judged]:
        """Return an event that may be seen, with its file and what the cuts say."""
        if asked.file >= len(self.files):
            raise UserError(f"there is no file {asked.file}")
        file = self.files[asked.file]
        wanted = Wanted(asked.region)
        self.judge.check(file, wanted)
        if self._one is None or self._one[:2] != (asked.file, asked.row):
            self._one = asked.file, asked.row, file.one(asked.row)
        one = self._one[2]
        judged = self.judge(file, one.table, wanted)
        if not judged.seen[0]:
            raise UserError("this event is inside the box of a blinded sample", hint="--unblind opens the box")
        return file, one, judged

    def signals(self, data: Any) -> dict[str, Any]:
        """Return waveforms, strips and clusters of a part in an event."""
        asked = read(SignalsAsked, data)
        _, one, _ = self._open(asked)
        return {"part": asked.part, **signals.signals(one, self.opened.detector, asked.part)}

    def picture(self, data: Any) -> dict[str, Any]:
        """Return a picture of an event; with a folder, write it there as well, never over another file.

        Raises
        ------
        UserError
            If the folder cannot be written to, or nothing stands in the range of z.
        """
        from emiss.display.picture import picture

        asked = read(PictureAsked, data)
        file, one, _ = self._open(asked)
        run, spill, number = (int(one.table.flat[name][0]) for name in NUMBERS)
        drawn = event.Drawn(one, self.opened.detector)
        within = None if asked.within is None else (min(asked.within), max(asked.within))
        title = f"{file.sample}: run {run}, spill {spill}, event {number}"
        content = picture(self.geometry, drawn, title.replace("$", r"\$"), asked.kind, within)
        name = f"event-{run}-{spill}-{number}.{asked.kind}"
        path = None if self.out is None else _write(self.out, name, content)
        return {
            "name": name,
            "type": KINDS[asked.kind],
            "content": base64.b64encode(content).decode(),
            "path": None if path is None else str(path),
        }


def _write(folder: Path, name: str, content: bytes) -> Path:
    """Write a new file; where the name is taken, a number is put behind it."""
    stem, _, suffix = name.rpartition(".")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for again in range(10_000):
            path = folder / (f"{stem}-{again + 1}.{suffix}" if again else name)
            try:
                with path.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(error.filename or folder))) from None
    raise UserError("holds too many pictures of this event", at=Location(str(folder)))
