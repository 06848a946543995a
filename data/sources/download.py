"""Downloads MNIST and Fashion-MNIST, only on request.

pooch downloads each file to a temporary name and renames it once its checksum is right. So an existing file is
complete, and a second attempt continues with the missing ones.
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

MIRRORS_VARIABLE = "BACKPROP_MIRRORS"  # environment variable: addresses with the folders mnist and fashion_mnist
TIMEOUT_S = 20.0  # without a byte
CHUNK_BYTES = 2**16


class File(NamedTuple):
    """A published file."""

    name: str
    size: int
    sha256: str


def _files(*published: tuple[int, str]) -> tuple[File, ...]:
    return tuple(File(f"{name}.gz", *entry) for name, entry in zip(idx.FILES, published, strict=True))


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
DEFAULT_MIRRORS = {
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
    """Says in a sentence why a download failed."""


class Unreached(DownloadError):
    """There is no connection to some hosts."""

    def __init__(self, hosts: list[str]) -> None:
        super().__init__(f"{' and '.join(dict.fromkeys(hosts))} cannot be reached. Check the network connection.")
        self.hosts = hosts


class Stopped(Exception):
    """The user pressed Stop."""


def mirrors(name: str) -> tuple[str, ...]:
    """Addresses that end with a slash, in order of preference: those of BACKPROP_MIRRORS or the default ones."""
    chosen = os.environ.get(MIRRORS_VARIABLE, "").replace(",", " ").split()
    return tuple(f"{address.rstrip('/')}/{name}/" for address in chosen) or DEFAULT_MIRRORS[name]


def size(name: str) -> int:
    """Bytes of all files of a set."""
    return sum(file.size for file in FILES[name])


def fetch(name: str, folder: Path, arrived: Callable[[int], None], files: tuple[File, ...] | None = None) -> None:
    """Download the files of a set that are not in the folder yet.

    arrived: called repeatedly with the number of bytes of the set that have arrived; may raise Stopped.

    Raises DownloadError, in a sentence, when no mirror delivers a correct file.
    """
    done = 0
    for file in files or FILES[name]:
        failures: list[str] = []
        unreached: list[str] = []
        for mirror in mirrors(name):
            try:
                _fetch(mirror + file.name, folder, file, lambda count, done=done: arrived(done + count))
            except Unreached as problem:
                unreached += problem.hosts
            except DownloadError as problem:
                failures.append(str(problem))
            else:
                break
        else:
            failures += [str(Unreached(unreached))] if unreached else []
            raise DownloadError(" ".join(dict.fromkeys(failures)))
        done += file.size
        arrived(done)


class _Watch:
    """Given to pooch as its progress bar: counts the bytes and stops a file that grows too large."""

    total = 0  # set by pooch from the server's answer; not used

    def __init__(self, file: File, host: str, arrived: Callable[[int], None]) -> None:
        self.file, self.host, self.arrived, self.count = file, host, arrived, 0

    def update(self, count: int) -> None:
        if self.count < 0:  # the end, where pooch completes its bar
            return
        self.count += count
        if self.count >= self.file.size + CHUNK_BYTES:
            raise DownloadError(f"{self.host} sends more than the {self.file.size:,} bytes of {self.file.name}.")
        self.arrived(min(self.count, self.file.size))

    def reset(self) -> None:
        self.count = -1

    def close(self) -> None:
        pass


def _fetch(address: str, folder: Path, file: File, arrived: Callable[[int], None]) -> None:
    import pooch  # takes a fifth of a second to import, with requests
    import requests

    host = urlsplit(address).netloc or "The mirror"
    logging.getLogger("pooch").setLevel(logging.WARNING)  # the page shows the progress
    watch = _Watch(file, host, arrived)
    # pooch accepts any progress bar and downloader; its annotations are narrower.
    downloader: Any = pooch.HTTPDownloader(progressbar=cast(Any, watch), chunk_size=CHUNK_BYTES, timeout=TIMEOUT_S)
    try:
        pooch.retrieve(address, f"sha256:{file.sha256}", file.name, folder, downloader=downloader)
    except requests.exceptions.HTTPError as problem:
        code = problem.response.status_code if problem.response is not None else "no code"
        raise DownloadError(f"{host} does not have {file.name} (it answers {code}).") from None
    except requests.exceptions.Timeout:
        raise DownloadError(f"{host} has sent nothing for {TIMEOUT_S:g} seconds. Try again later.") from None
    except requests.exceptions.ChunkedEncodingError:
        raise DownloadError(f"{host} closed the connection in the middle of {file.name}. Try again.") from None
    except requests.exceptions.ConnectionError as problem:
        if "timed out" in str(problem):
            raise DownloadError(f"{host} has sent nothing for {TIMEOUT_S:g} seconds. Try again later.") from None
        raise Unreached([host]) from None
    except requests.exceptions.RequestException:
        raise DownloadError(f"{address} is not a valid address.") from None
    except ValueError:
        raise DownloadError(
            f"{host} sent a {file.name} that is not the published file: its checksum differs. Nothing was saved."
        ) from None
    except OSError as problem:
        raise DownloadError(f"The cache folder is not writable ({problem.strerror}).") from None


@dataclass
class Progress:
    """Progress of a download, in bytes."""

    total: int
    done: int = 0
    status: str = "running"  # running, stopping (until the next bytes arrive), done, failed or stopped
    sentence: str = ""  # why it failed

    @property
    def active(self) -> bool:
        return self.status in ("running", "stopping")


class Downloads:
    """At most one download per set at a time, shared by all visitors; each runs in its own thread."""

    def __init__(self, get: Callable[..., None] = fetch) -> None:
        self._get, self._known = get, dict[str, Progress]()
        self._lock = threading.Lock()

    def of(self, name: str) -> Progress | None:
        """The progress of a set's download; None if it was never started."""
        return self._known.get(name)

    def start(self, name: str) -> None:
        """Start the download of a set unless it is running already."""
        with self._lock:
            now = self._known.get(name)
            if now and now.active:
                return
            progress = self._known[name] = Progress(size(name))
            threading.Thread(target=self._run, args=(name, progress), name=f"download {name}", daemon=True).start()

    def stop(self, name: str) -> None:
        """Stop the download of a set; complete files are kept."""
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
