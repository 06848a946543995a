"""MNIST and Fashion-MNIST from the internet, when a person asks for them, and only then.

pooch fetches each file beside its place and moves it there once its checksum is right, so a file that is there is whole
and a second attempt goes on with those that are missing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from data.sources import idx

MIRRORS = "BACKPROP_MIRRORS"  # addresses in which the folders mnist and fashion_mnist lie, instead of the usual ones
PATIENCE = 20.0  # seconds without a byte
PIECE = 2**16  # bytes


class File(NamedTuple):
    """A file as its makers published it."""

    name: str
    size: int
    sha256: str


def _files(*facts: tuple[int, str]) -> tuple[File, ...]:
    return tuple(File(f"{name}.gz", *fact) for name, fact in zip(idx.FILES, facts, strict=True))


FILES = {
    "mnist": _files(
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    "fashion_mnist": _files(
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
}
USUAL = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion_mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
}


class DownloadError(RuntimeError):
    """Says in a sentence why a file did not arrive."""


class Stopped(Exception):
    """Somebody pressed Stop."""


def mirrors(name: str) -> tuple[str, ...]:
    """Addresses that end with a slash, best first: those of BACKPROP_MIRRORS or the usual ones."""
    chosen = os.environ.get(MIRRORS, "").replace(",", " ").split()
    return tuple(f"{address.rstrip('/')}/{name}/" for address in chosen) or USUAL[name]


def size(name: str) -> int:
    """Bytes of all files of a set."""
    return sum(file.size for file in FILES[name])


def fetch(name: str, folder: Path, arrived: Callable[[int], None], files: tuple[File, ...] | None = None) -> None:
    """Get the files of a set that are not in the folder yet. `arrived` is told the bytes of the set that are here now,
    again and again, and may raise Stopped.

    Raises DownloadError, in a sentence, when no mirror gives what it should.
    """
    done = 0
    for file in files or FILES[name]:
        failures: list[str] = []
        for mirror in mirrors(name):
            try:
                _fetch(mirror + file.name, folder, file, lambda count, done=done: arrived(done + count))
            except DownloadError as problem:
                failures.append(str(problem))
            else:
                break
        else:
            raise DownloadError(" ".join(dict.fromkeys(failures)))
        done += file.size
        arrived(done)


class _Watch:
    """What pooch takes for its progress bar: counts the bytes, and ends a file that grows too large."""

    total = 0  # what the server says; not believed

    def __init__(self, file: File, host: str, arrived: Callable[[int], None]) -> None:
        self.file, self.host, self.arrived, self.count = file, host, arrived, 0

    def update(self, count: int) -> None:
        if self.count < 0:  # the end, at which pooch fills up its bar
            return
        self.count += count
        if self.count >= self.file.size + PIECE:
            raise DownloadError(f"{self.host} sends more than the {self.file.size:,} bytes of {self.file.name}.")
        self.arrived(min(self.count, self.file.size))

    def reset(self) -> None:
        self.count = -1

    def close(self) -> None:
        pass


def _fetch(address: str, folder: Path, file: File, arrived: Callable[[int], None]) -> None:
    import pooch  # with requests a fifth of a second that few who start have use for
    import requests

    host = urlsplit(address).netloc or "The mirror"
    logging.getLogger("pooch").setLevel(logging.WARNING)  # what it does is on the page
    watch = _Watch(file, host, arrived)
    # Any object like a progress bar is allowed, and any downloader; pooch's annotations say less.
    downloader: Any = pooch.HTTPDownloader(progressbar=cast(Any, watch), chunk_size=PIECE, timeout=PATIENCE)
    try:
        pooch.retrieve(address, f"sha256:{file.sha256}", file.name, folder, downloader=downloader)
    except requests.exceptions.HTTPError as problem:
        code = problem.response.status_code if problem.response is not None else "no code"
        raise DownloadError(f"{host} does not have {file.name} (it answers {code}).") from None
    except requests.exceptions.Timeout:
        raise DownloadError(f"{host} has been silent for {PATIENCE:g} seconds. Try again later.") from None
    except requests.exceptions.ChunkedEncodingError:
        raise DownloadError(f"{host} broke off in the middle of {file.name}. Try again.") from None
    except requests.exceptions.ConnectionError as problem:
        if "timed out" in str(problem):
            raise DownloadError(f"{host} has been silent for {PATIENCE:g} seconds. Try again later.") from None
        raise DownloadError(f"{host} cannot be reached. Is there a network?") from None
    except requests.exceptions.RequestException:
        raise DownloadError(f"{address} is no address that can be asked.") from None
    except ValueError:
        raise DownloadError(
            f"What {host} sends as {file.name} is not the published file: its checksum is another. Nothing was kept."
        ) from None
    except OSError as problem:
        raise DownloadError(f"The cache folder cannot be written ({problem.strerror}).") from None


@dataclass
class Progress:
    """How a download stands."""

    total: int
    done: int = 0
    status: str = "running"  # running, stopping (until the next bytes arrive), done, failed or stopped
    sentence: str = ""  # why it failed

    @property
    def active(self) -> bool:
        return self.status in ("running", "stopping")


class Downloads:
    """At most one download of a set at a time, whoever asked for it; each in a thread of its own."""

    def __init__(self, get: Callable[..., None] = fetch) -> None:
        self._get, self._known = get, dict[str, Progress]()
        self._busy = threading.Lock()

    def of(self, name: str) -> Progress | None:
        """None where nobody has asked."""
        return self._known.get(name)

    def start(self, name: str) -> None:
        """Unless it runs already."""
        with self._busy:
            now = self._known.get(name)
            if now and now.active:
                return
            progress = self._known[name] = Progress(size(name))
            threading.Thread(target=self._run, args=(name, progress), name=f"download {name}", daemon=True).start()

    def stop(self, name: str) -> None:
        """The files that are whole stay, the one that is under way does not."""
        progress = self._known.get(name)
        if progress and progress.status == "running":
            progress.status = "stopping"

    def _run(self, name: str, progress: Progress) -> None:
        def arrived(count: int) -> None:
            progress.done = count
            if progress.status == "stopping":
                raise Stopped

        try:
            self._get(name, idx.cache_folder() / name, arrived)
        except Stopped:
            progress.status = "stopped"
        except Exception as problem:
            known = isinstance(problem, DownloadError)
            progress.sentence = str(problem) if known else f"The download failed ({type(problem).__name__})."
            progress.status = "stopped" if progress.status == "stopping" else "failed"
        else:
            progress.status = "done"
