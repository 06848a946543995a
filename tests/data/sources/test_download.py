"""Downloads from a mirror on loopback, correct or broken in many ways."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from data.sources import download, idx
from data.sources.download import DownloadError, Downloads, File, fetch
from tests.loopback import serving

CONTENT = {f"{name}.gz": (name * 9000).encode() for name in idx.FILES}  # more than one chunk each
SMALL = tuple(File(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items())
SIZE = sum(file.size for file in SMALL)
Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def whole(handler: BaseHTTPRequestHandler, content: bytes, announced: int | None = None, code: int = 200) -> None:
    handler.send_response(code)
    handler.send_header("Content-Length", str(len(content) if announced is None else announced))
    handler.end_headers()
    handler.wfile.write(content)


def endless(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(10_000):
            handler.wfile.write(content)
    except OSError:
        handler.close_connection = True


@contextmanager
def mirror(answer: Answer = whole) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the requested paths."""
    asked: list[str] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        answer(handler, CONTENT[handler.path.rsplit("/", 1)[1]])

    with serving(reply) as address:
        yield address, asked


@pytest.fixture(autouse=True)
def here_only(monkeypatch, cache_folder):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "FILES", {"mnist": SMALL, "fashion_mnist": SMALL})


@pytest.fixture
def use(monkeypatch) -> Callable[..., None]:
    return lambda *addresses: monkeypatch.setenv("BACKPROP_MIRRORS", " ".join(addresses))


def nothing(_: int) -> None:
    pass


def test_all_files_arrive_and_progress_only_grows(use, tmp_path):
    seen: list[int] = []
    with mirror() as (address, asked):
        use(address)
        fetch("mnist", tmp_path / "mnist", seen.append)
        assert asked == [f"/mnist/{file.name}" for file in SMALL]
        fetch("mnist", tmp_path / "mnist", nothing)  # existing files are not requested again
        assert len(asked) == 4
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == SIZE
    assert len(seen) > 4


def test_a_damaged_file_is_downloaded_again(use, tmp_path):
    with mirror() as (address, asked):
        use(address)
        fetch("mnist", tmp_path, nothing)
        (tmp_path / SMALL[1].name).write_bytes(b"damaged")
        fetch("mnist", tmp_path, nothing)
        assert asked[4:] == [f"/mnist/{SMALL[1].name}"]
    assert (tmp_path / SMALL[1].name).read_bytes() == CONTENT[SMALL[1].name]


BAD: dict[str, tuple[Answer, str]] = {
    "cuts off": (
        lambda h, c: whole(h, c[: len(c) // 2], len(c)),
        "closed the connection in the middle of train-images",
    ),
    "says too much": (lambda h, c: whole(h, c, len(c) + 10), "closed the connection in the middle of train-images"),
    "says too little": (lambda h, c: whole(h, c, len(c) - 10), "is not the published file"),
    "sends other bytes": (lambda h, c: whole(h, c[::-1]), "is not the published file"),
    "sends nothing": (lambda h, c: whole(h, b""), "is not the published file"),
    "never ends": (endless, "sends more than the 207,000 bytes of train-images-idx3-ubyte.gz"),
    "does not have it": (lambda h, c: whole(h, b"", code=404), r"does not have train-images\S+ \(it answers 404\)"),
    "is broken": (lambda h, c: whole(h, b"", code=500), "it answers 500"),
    "hangs up": (lambda h, c: None, "cannot be reached"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_failing_mirror_leaves_an_error_and_no_file(kind, use, tmp_path):
    answer, sentence = BAD[kind]
    with mirror(answer) as (address, _):
        use(address)
        with pytest.raises(DownloadError, match=rf"^[\w ]*127\.0\.0\.1.*{sentence}.*[.?]$"):
            fetch("mnist", tmp_path, nothing)
        assert list(tmp_path.iterdir()) == []


def test_a_silent_mirror_gives_a_sentence(use, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.05)
    free = threading.Event()
    with mirror(lambda h, c: free.wait(30) and None) as (address, _):
        use(address)
        with pytest.raises(DownloadError, match=r"has sent nothing for 0\.05 seconds\."):
            fetch("mnist", tmp_path, nothing)
        free.set()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://127.0.0.1:1", r"127\.0\.0\.1:1 cannot be reached. Check the network connection\."),
        ("file:///etc", "is not a valid address"),
        ("nonsense", "is not a valid address"),
    ],
)
def test_an_unreachable_mirror_gives_a_sentence(address, sentence, use, tmp_path):
    use(address)
    with pytest.raises(DownloadError, match=sentence):
        fetch("mnist", tmp_path, nothing)


def test_mirrors_without_a_connection_share_a_sentence(use, tmp_path):
    use("http://127.0.0.1:1", "http://127.0.0.1:2", "file:///etc")
    with pytest.raises(DownloadError) as problem:
        fetch("mnist", tmp_path, nothing)
    unreached = "127.0.0.1:1 and 127.0.0.1:2 cannot be reached. Check the network connection."
    assert str(problem.value).startswith("file:///etc")
    assert str(problem.value).endswith(f"is not a valid address. {unreached}")


def test_the_next_mirror_is_tried_for_missing_files(use, tmp_path):
    with mirror(BAD["cuts off"][0]) as (bad, first), mirror() as (good, second):
        use(bad, f"{good}/")
        fetch("mnist", tmp_path, nothing)
        assert (len(first), len(second)) == (4, 4)
    assert {path.name for path in tmp_path.iterdir()} == set(CONTENT)


def test_a_read_only_folder_gives_a_sentence(use, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with mirror() as (address, _):
        use(address)
        with pytest.raises(DownloadError, match="The cache folder is not writable"):
            fetch("mnist", tmp_path / "file" / "mnist", nothing)


def test_default_mirrors_and_official_checksums_are_listed():
    assert all(address.startswith("http") and address.endswith("/") for name in download.DEFAULT_MIRRORS for address in
               download.DEFAULT_MIRRORS[name])  # fmt: skip
    assert download.mirrors("mnist") == download.DEFAULT_MIRRORS["mnist"]


# In the background ---------------------------------------------------------------------------------------------------


def ended(downloads: Downloads) -> download.Progress:
    """The progress after the thread has ended."""
    for thread in threading.enumerate():
        if thread.name == "download mnist":
            thread.join(30)
    progress = downloads.of("mnist")
    assert progress is not None
    return progress


def test_a_second_press_starts_no_second_download(use):
    with mirror() as (address, asked):
        use(address)
        downloads = Downloads()
        assert downloads.of("mnist") is None
        downloads.start("mnist")
        downloads.start("mnist")
        assert (ended(downloads).status, ended(downloads).done) == ("done", SIZE)
        assert len(asked) == 4
    assert {path.name for path in (idx.cache_folder() / "mnist").iterdir()} == set(CONTENT)


def test_a_stopped_download_continues_with_the_missing_files(use):
    asked_for_second, go_on = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        if "labels" in handler.path:
            asked_for_second.set()
            go_on.wait(30)
        whole(handler, content)

    with mirror(slow) as (address, asked):
        use(address)
        downloads = Downloads()
        downloads.start("mnist")
        assert asked_for_second.wait(30)
        downloads.stop("mnist")
        go_on.set()
        assert ended(downloads).status == "stopped"
        assert [path.name for path in (idx.cache_folder() / "mnist").iterdir()] == [SMALL[0].name]
        downloads.start("mnist")
        assert ended(downloads).status == "done"
        assert asked.count(f"/mnist/{SMALL[0].name}") == 1


def test_a_failed_download_keeps_its_sentence_and_can_be_retried(use):
    use("http://127.0.0.1:1")
    downloads = Downloads()
    downloads.start("mnist")
    progress = ended(downloads)
    assert (progress.status, "cannot be reached" in progress.sentence) == ("failed", True)
    with mirror() as (address, _):
        use(address)
        downloads.start("mnist")
        assert ended(downloads).status == "done"
