"""Sketches and compiles in the background."""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from engine.c.compiler import NoCompiler, compiler
from engine.lowering.sketch import Unsketchable


class Build:
    """What a thread makes for its owner, unless the owner does not want it any more when its turn comes.

    The owner has the attribute `build`: what it wants.
    """

    turn = threading.Lock()  # one at a time

    def __init__(self, owner: Any, make: Callable[[Any], Any]) -> None:
        """make: owner -> the result. Must not refer to the owner itself."""
        self._make = make
        self._result: tuple[Any, str] = None, ""
        self._thread = threading.Thread(target=self._work, args=[weakref.ref(owner)], name="compile", daemon=True)
        self.start = self._thread.start

    def _work(self, wanted_by: Callable[[], Any]) -> None:
        with Build.turn:
            owner = wanted_by()
            if owner is None or owner.build is not self:
                return
            try:
                compiler()  # before anything is sketched in vain
                self._result = self._make(owner), ""
            except (NoCompiler, Unsketchable, AttributeError) as problem:
                self._result = None, str(problem)
            except Exception as problem:
                traceback.print_exc()
                self._result = None, f"compiling failed ({type(problem).__name__})"

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> tuple[Any, str]:
        """Waits. The result, or None and why there is none."""
        self._thread.join()
        return self._result
