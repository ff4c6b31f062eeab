"""How kernels are compiled, and where their machine code is kept.

Three kinds: `kernel` for those that make arrays, `bare` for those that only fill what they are given, `fused` for arithmetic.
A kernel that is given a workspace of twenty arrays counts twenty references up and down, atomically, at every call; with some
fifty calls per event (decoder), or a dozen of 100 ns per track (fit), that takes half the time. `bare` and `fused` make
no arrays and keep none, so that there is nothing to count: who calls them holds the arrays. A kernel that makes an array must
not be compiled so (numba refuses it).

Machine code is kept on disk, in a folder per module whose name is a hash of everything that the code is made from: the source
of the module and of every module of ours that it imports, in turn, and the versions and switches of the compiler. numba itself
looks at the file of the outermost function alone, and takes old code for new when a kernel changes that is called from another
file, or a constant does. The folder is that of ``NUMBA_CACHE_DIR``, or else the user's cache; where none can be written, code
is compiled in every process anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.extending import lower_builtin, type_callable

from emiss.configs import compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEPT, UNUSED = 8, 30 * 86400.0
"""So many folders of a module are kept, and none that was not used for so long, in seconds."""

KERNELS: list[Any] = []
"""All kernels of the modules that have been imported."""

_IMPORT = re.compile(r"^(?:from +([\w.]+) +import +(\([^)]*\)|[^\n#]*)|import +([^\n#]*))", re.MULTILINE)


def kernel(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Compile a function: `numba.njit` without the interpreter's lock, with machine code kept on disk.

    Parameters
    ----------
    function : callable, optional
        Without it a decorator is returned.
    **options
        Of `numba.njit`.
    """
    if function is None:
        return partial(kernel, **options)
    options.setdefault("forceinline", False)  # or numba takes it over from the first caller that is compiled
    compiled = numba.njit(function, nogil=True, **options)
    if not numba.config.DISABLE_JIT:
        with contextlib.suppress(OSError, RuntimeError):  # no folder, or no file behind the function: not kept
            compiled._cache = _Kept(function)  # noqa: SLF001
        KERNELS.append(compiled)
    return compiled


bare = partial(kernel, _nrt=False)
"""Decorator: for kernels that only read and fill arrays given to them."""

fused = partial(bare, error_model="numpy", fastmath={"contract"})
"""The same for arithmetic: with fused multiply-adds, and NumPy's division by zero."""


def apart() -> None:
    """Say, within a kernel, that it is not to be copied into those that call it.

    LLVM takes a function of a hundred arguments, as a few tuples of arrays are, for one that costs much to call, and copies it
    into all its callers, their callers in turn: minutes of compilation, half a megabyte of code. For kernels that are called
    some times per event.
    """


@type_callable(apart)
def _type_of_apart(_context: Any) -> Callable[[], Any]:
    return lambda: numba.types.none


@lower_builtin(apart)
def _mark_apart(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
    builder.function.attributes.add("noinline")
    return context.get_dummy_value()


class _Place:
    """Where the machine code of one function is kept; what numba calls a locator."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._line = function.__code__.co_firstlineno
        self._py_file = inspect.getfile(function)  # numba's warnings name it
        self._folder = folder_of(function)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> _Place:
        return cls(function)

    def ensure_cache_path(self) -> None:
        _ready(self._folder)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Place,)


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """Index and data files of one function, the data files named by what they hold.

    numba numbers them: two processes that compile two signatures at the same time both take the number 1, and the index then
    leads from one signature to the code of the other.
    """

    def save(self, key: Any, data: Any) -> None:
        name = f"{Path(self._index_name).stem}.{hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()}.nbc"
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})


class _Kept(FunctionCache):  # type: ignore[misc]
    """Machine code on disk that is never in the way: what cannot be read is made again, what cannot be written is not kept."""

    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - a damaged pickle raises anything
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super()._load_overload(sig, target_context)
        if found is None:
            compiling.begins()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # a full disk, a quota, a folder that went
            super().save_overload(sig, data)


def folder_of(function: Callable[..., Any]) -> Path:
    """Return the folder for the machine code of a function, named after its module and everything that it is made from.

    Raises
    ------
    OSError
        If there is no folder that can be written, or no file behind the function.
    """
    path = Path(inspect.getfile(function)).absolute()
    return _folder(function.__module__, path)


@cache
def _folder(module: str, path: Path) -> Path:
    digest = hashlib.blake2b(compiler().encode(), digest_size=12)
    for name, text in sorted((source.name, source.read_bytes()) for source in sources(module, path)):
        digest.update(name.encode() + b"\0" + text + b"\0")
    folder = root() / f"{path.parent.name}.{path.stem}-{digest.hexdigest()}"
    if not folder.is_dir():
        _ready(folder)
        _prune(folder)
    elif time.time() - folder.stat().st_mtime > UNUSED / 30:
        with contextlib.suppress(OSError):  # a cache that is only read
            os.utime(folder)
    return folder


def sources(module: str, path: Path) -> set[Path]:
    """Return the files that the code of a module may depend on: its own, and those of our modules that it imports, in turn."""
    found: set[Path] = set()
    waiting = [path]
    own = {"emiss", module.split(".", 1)[0]}  # all others stand still between two versions
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        for name in _imported(current.read_text(encoding="utf-8")):
            if name.split(".", 1)[0] in own:
                file = getattr(
                    sys.modules.get(name), "__file__", None
                )  # what is imported at top level is loaded by now
                waiting += [Path(file).absolute()] if file else []
    return found


def _imported(text: str) -> Iterator[str]:
    """Yield the names of modules that a source imports at top level, and those that may be modules."""
    for package, names, plain in _IMPORT.findall(text):
        if package:
            yield package
        for item in (names or plain).strip("()").split(","):
            if words := item.split():
                yield f"{package}.{words[0]}" if package else words[0]


@cache
def compiler() -> str:
    """Return all that the code depends on beside its source."""
    switches = {name: getattr(numba.config, name, None) for name in ("BOUNDSCHECK", "OPT", "CPU_NAME", "CPU_FEATURES")}
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.version)
    return repr((versions, switches, binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()))


@cache
def root() -> Path:
    """Return the folder of all machine code, made for this user alone.

    Raises
    ------
    OSError
        If none can be written.
    """
    for folder in _roots():
        with contextlib.suppress(OSError):
            return _ready(folder)
    msg = "there is no folder for compiled code that can be written"
    raise OSError(msg)


def _roots() -> Iterator[Path]:
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR).absolute() / "emiss"
    if home := os.environ.get("XDG_CACHE_HOME"):
        yield Path(home).absolute() / "emiss" / "numba"
    with contextlib.suppress(RuntimeError):  # no home
        caches = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser()
        yield caches / "emiss" / "numba"
    yield Path(tempfile.gettempdir()) / f"emiss-numba-{os.getuid()}"


def _ready(folder: Path) -> Path:
    """Make a folder that this user can write and nobody else: what lies in it is executed.

    Raises
    ------
    OSError
        If it cannot be made or written, or is another's.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = folder.stat()
    if state.st_uid != os.getuid() or state.st_mode & stat.S_IWOTH:
        msg = f"{folder} can be written by others"
        raise PermissionError(msg)
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def _prune(folder: Path) -> None:
    """Remove the folders of the same module that were made from sources of old."""
    oldest = time.time() - UNUSED
    with contextlib.suppress(OSError):
        others = [path for path in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*") if path != folder]
        used = sorted(((path.stat().st_mtime, path) for path in others), reverse=True)
        for number, (when, path) in enumerate(used, 1):
            if number >= KEPT or when < oldest:
                shutil.rmtree(path, ignore_errors=True)
