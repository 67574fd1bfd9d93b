"""Downloads from a server on this machine: cut off, refused, not what was published."""

import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from adr_jax.__main__ import main
from adr_jax.data.files import download
from adr_jax.data.moving_mnist import source as moving_mnist
from adr_jax.errors import InputError

CONTENT = bytes(range(256)) * 400


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT everywhere, and remembers from where it was asked for."""

    daemon_threads = True
    content, status = CONTENT, 200
    # Bytes after which each answer breaks off; whether a part can be asked for.
    cut_after, ranges = len(CONTENT), True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[int] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data"


class Answer(http.server.BaseHTTPRequestHandler):
    """To one request."""

    server: Server

    def do_GET(self):
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.server.asked.append(start)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        if self.server.ranges and start >= len(self.server.content):
            self.send_error(416)
            return
        start = start if self.server.ranges else 0
        rest = self.server.content[start:]
        self.send_response(206 if self.server.ranges else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.cut_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def file(server):
    md5 = hashlib.md5(CONTENT).hexdigest()
    return download.PublicFile(server.address, md5, "folder/data.bin", "102 kB")


@pytest.fixture
def partial(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / ".data.bin.partial"


def files(root):
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_file_comes_whole_and_once(file, server, tmp_path):
    for _ in range(2):
        path = download.fetch(file, tmp_path)
        assert path == tmp_path / "folder" / "data.bin"
        assert path.read_bytes() == CONTENT
    assert server.asked == [0]
    assert files(tmp_path) == ["data.bin"]


@pytest.mark.parametrize("had", [1, 50_000, len(CONTENT)])
def test_it_goes_on_from_what_is_there(file, server, tmp_path, partial, had):
    partial.write_bytes(CONTENT[:had])
    assert download.fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == [had]
    assert files(tmp_path) == ["data.bin"]


def test_a_connection_that_breaks_off_is_taken_up_again(file, server, tmp_path):
    server.cut_after = 30_000
    assert download.fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == [0, 30_000, 60_000, 90_000]


def test_a_server_that_sends_everything_anew_is_let(file, server, tmp_path, partial):
    partial.write_bytes(b"x" * 500)
    server.ranges = False
    assert download.fetch(file, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_it_ends_when_nothing_more_comes(file, server, tmp_path, partial, ranges):
    partial.write_bytes(CONTENT[:500])
    server.ranges, server.cut_after = ranges, 0
    with pytest.raises(InputError, match="could not be fetched .* resumes") as error:
        download.fetch(file, tmp_path)
    assert "\n" not in str(error.value)
    assert server.asked == [500]
    assert files(tmp_path) == [".data.bin.partial"]
    if ranges:
        assert partial.read_bytes() == CONTENT[:500]


def test_other_content_than_the_published_is_never_kept(file, server, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(InputError, match=f"instead of the published {file.md5}"):
        download.fetch(file, tmp_path)
    assert files(tmp_path) == []
    server.content = CONTENT
    assert download.fetch(file, tmp_path).read_bytes() == CONTENT


def test_another_file_of_that_name_is_left_alone(file, server, tmp_path, partial):
    (tmp_path / "folder" / "data.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match="data.bin is another file: move it away"):
        download.fetch(file, tmp_path)
    assert (tmp_path / "folder" / "data.bin").read_bytes() == b"mine"
    assert server.asked == []


def test_what_cannot_be_reached_or_written_is_one_line(file, server, tmp_path):
    server.status = 404
    with pytest.raises(InputError, match="404"):
        download.fetch(file, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # nobody listens there once it is closed
    nowhere = file._replace(address=f"http://127.0.0.1:{port}/data")
    with pytest.raises(InputError, match="refused"):
        download.fetch(nowhere, tmp_path)
    assert files(tmp_path) == []
    server.status = 200
    (tmp_path / "a file").write_text("")
    with pytest.raises(InputError, match="could not be fetched"):
        download.fetch(file._replace(path="a file/data.bin"), tmp_path)


def test_the_command_fetches_all_of_a_set(file, server, tmp_path, monkeypatch, capsys):
    both = (file, file._replace(path="second.bin"))
    monkeypatch.setitem(download.FILES, "mnist", both)
    main(["data", "download", "mnist", f"--root={tmp_path}"])
    assert files(tmp_path) == ["data.bin", "second.bin"]
    assert f"{server.address}, 102 kB" in capsys.readouterr().out
    server.content = b"other"
    (tmp_path / "second.bin").unlink()
    with pytest.raises(SystemExit, match="error: .*published"):
        main(["data", "download", "mnist", f"--root={tmp_path}"])
    with pytest.raises(SystemExit):
        main(["data", "download", "kitti"])


def test_files_go_where_they_are_looked_for():
    paths = {file.path for files in download.FILES.values() for file in files}
    assert moving_mnist.TEST_FILE in paths
