"""The attack list: each try ends as its named outcome, and the pool goes on.

It is run as whoever runs the tests, and by `test_as_another_user.py` once more as an
ordinary user.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from prsnl.core.errors import (
    Category,
    ChildCrashedError,
    ChildKilledError,
    DiskFullError,
    EncryptedError,
    OutOfMemoryError,
    PrsnlError,
    TimeLimitError,
    TooLargeError,
)
from prsnl.engines.sandbox import landlock
from prsnl.engines.sandbox.pool import SandboxPool
from tests.integration.sandbox.pools import MIB, TIMEOUT_S, ask, pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPool]:
    folder = tmp_path_factory.mktemp("sandbox")
    folder.chmod(0o755)
    with pool(folder) as made:
        yield made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that the user of the tests can read, as the data folder's are."""
    path = tmp_path / "secret"
    path.write_text("secret", encoding="ascii")
    path.chmod(0o644)
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on loopback, as the broker is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def socket_file(tmp_path: Path) -> Iterator[Path]:
    """A server behind a socket file, as the database or an agent is."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o777)
        server.listen()
        yield path


def assert_serves(children: SandboxPool) -> None:
    """The pool is none the worse for what a child did."""
    assert ask(children, "echo", a=1)["echo"] == {"a": 1}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/hostname",
        "/proc/1/status",
        "/proc/self/environ",
        "/dev/tty",
        "/dev/kmsg",
        os.path.expanduser("~/.profile"),  # noqa: PTH111 (as text, for the child)
        str(Path(__file__).parents[3] / "pyproject.toml"),
    ],
)
def test_a_file_of_the_machine_cannot_be_read(children: SandboxPool, path: str) -> None:
    assert ask(children, "attempt", what="read", path=path)["refused"]


@pytest.mark.parametrize("path", ["/", "/etc", "/home", "/root", "/tmp", "/proc"])  # noqa: S108
def test_a_folder_of_the_machine_cannot_be_listed(
    children: SandboxPool, path: str
) -> None:
    assert ask(children, "attempt", what="list", path=path)["refused"]


@pytest.mark.parametrize("what", ["read", "write", "link"])
def test_a_file_of_the_same_user_is_out_of_reach(
    children: SandboxPool, secret: Path, what: str
) -> None:
    assert ask(children, "attempt", what=what, path=str(secret))["refused"]
    assert secret.read_text(encoding="ascii") == "secret"


def test_a_neighbours_upload_is_out_of_reach(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pool(tmp_path, spare=2) as two, two.child("document") as neighbour:
        upload = neighbour.put("upload")
        upload.write_text("private", encoding="ascii")
        neighbour.call("copy", {"name": "upload"}, timeout_s=TIMEOUT_S)

        for folder in (upload.parent.parent, upload.parent):
            assert ask(two, "attempt", what="list", path=str(folder))["refused"]
        for path in (upload, neighbour.scratch.outputs / "copy"):
            assert ask(two, "attempt", what="read", path=str(path))["refused"]


#: What Landlock does not bind, or not on every kernel: the filter must refuse it.
CHANGES = (
    "chmod",
    "chmod by a descriptor",
    "chown",
    "utime",
    "setxattr",
    "listxattr",
    "truncate",
    "truncate by reading",
    "watch",
    "rename",
    "symlink",
)


def state_of(path: Path) -> tuple[int, ...]:
    """What of a file or a folder a change would show in."""
    told = path.stat()
    return (told.st_mode, told.st_uid, told.st_gid, told.st_mtime_ns, told.st_size)


@pytest.mark.parametrize("what", [*CHANGES, "link", "remove"])
def test_the_data_folder_cannot_be_changed(
    children: SandboxPool, secret: Path, what: str
) -> None:
    for path in (secret, secret.parent):
        before = state_of(path)

        assert ask(children, "attempt", what=what, path=str(path))["refused"]
        assert state_of(path) == before


def test_a_neighbours_files_cannot_be_changed(tmp_path: Path) -> None:
    """Both children may have the same user, to whom the kernel would allow it all."""
    tmp_path.chmod(0o755)
    with (
        pool(tmp_path, spare=2) as two,
        two.child("document") as neighbour,
        two.child("document") as intruder,
    ):
        upload = neighbour.put("upload")
        upload.write_text("private", encoding="ascii")
        neighbour.call("copy", {"name": "upload"}, timeout_s=TIMEOUT_S)
        folder = neighbour.scratch.folder
        for path in (folder, upload.parent, upload, neighbour.scratch.outputs):
            for what in CHANGES:
                before = state_of(path)
                asked = {"what": what, "path": str(path)}
                told = intruder.call("attempt", asked, timeout_s=TIMEOUT_S)
                assert told["refused"], (what, path)
                assert state_of(path) == before


@pytest.mark.parametrize(
    "what", ["chmod an input", "truncate an input by reading", "take a lease"]
)
def test_an_own_input_can_only_be_read(children: SandboxPool, what: str) -> None:
    """It may be one file with what the storage keeps."""
    with children.child("document") as child:
        upload = child.put("upload")
        upload.write_text("private", encoding="ascii")
        asked = {"what": what, "name": "upload"}

        told = child.call("attempt", asked, timeout_s=TIMEOUT_S)

        assert told["refused"]
        assert upload.read_text(encoding="ascii") == "private"


@pytest.mark.parametrize("path", ["/tmp/prsnl-planted", "/dev/shm/prsnl-planted"])  # noqa: S108
def test_nothing_can_be_written_outside(children: SandboxPool, path: str) -> None:
    assert ask(children, "attempt", what="write", path=path)["refused"]
    assert not Path(path).exists()


def test_an_input_cannot_be_changed(children: SandboxPool) -> None:
    assert ask(children, "attempt", what="write an input")["refused"]


def test_the_network_is_out_of_reach(
    children: SandboxPool, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]

    assert ask(children, "attempt", what="connect", port=port)["refused"]


def test_a_socket_file_is_out_of_reach(
    children: SandboxPool, socket_file: Path
) -> None:
    """Landlock alone lets a child connect to one: it is the filter that refuses."""
    told = ask(
        children, "attempt", what="connect to a socket file", path=str(socket_file)
    )

    assert told["refused"]


def test_a_datagram_to_a_socket_file_is_refused(
    children: SandboxPool, tmp_path: Path
) -> None:
    path = tmp_path / "d"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        path.chmod(0o777)
        told = ask(children, "attempt", what="send to a socket file", path=str(path))

    assert told["refused"]


def test_the_parents_environment_and_memory_are_out_of_reach(
    children: SandboxPool,
) -> None:
    for name in ("environ", "mem", "maps", "fd"):
        path = f"/proc/{os.getpid()}/{name}"
        assert ask(children, "attempt", what="read", path=path)["refused"]


def test_nothing_of_the_parents_environment_is_handed_on(
    children: SandboxPool,
) -> None:
    seen = ask(children, "look_around")

    assert not [name for name in seen["environment"] if name.startswith("PRSNL_")]
    assert not {"HOSTNAME", "USER", "PATH", "PWD"} & set(seen["environment"])
    assert seen["descriptors"] == ["socket"]


@pytest.mark.parametrize("what", ["signal", "trace"])
def test_the_parent_cannot_be_signalled_or_traced(
    children: SandboxPool, what: str
) -> None:
    assert ask(children, "attempt", what=what, process=os.getpid())["refused"]


@pytest.mark.parametrize("what", ["signal the nursery", "trace the nursery"])
def test_the_nursery_cannot_be_signalled_or_traced(
    children: SandboxPool, what: str
) -> None:
    assert ask(children, "attempt", what=what, nursery=1)["refused"]
    assert_serves(children)


@pytest.mark.parametrize("what", ["run a program", "unshare", "raise a limit"])
def test_no_rights_are_left_to_use(children: SandboxPool, what: str) -> None:
    assert ask(children, "attempt", what=what)["refused"]


def test_two_gibibytes_are_out_of_memory(children: SandboxPool) -> None:
    with pytest.raises(OutOfMemoryError, match="1536 MiB"):
        ask(children, "allocate", size_bytes=2**31)
    assert_serves(children)


def test_a_library_that_aborts_for_want_of_memory_is_out_of_memory(
    children: SandboxPool,
) -> None:
    with pytest.raises(OutOfMemoryError):
        ask(children, "allocate_and_abort")
    assert_serves(children)


@pytest.mark.parametrize(
    ("operation", "size_bytes"),
    [
        ("fill_disk", 0),
        ("fill_disk_with_files", 64 * 1024),
        ("fill_disk_with_files", 0),
    ],
)
def test_a_full_disk_has_its_name(
    children: SandboxPool, operation: str, size_bytes: int
) -> None:
    with pytest.raises(DiskFullError, match="8 MiB"):
        ask(children, operation, size_bytes=size_bytes)
    assert_serves(children)


def test_files_full_of_holes_fill_the_disk_too(children: SandboxPool) -> None:
    """Who reads them would get what their size says."""
    with pytest.raises(DiskFullError, match="8 MiB"):
        ask(children, "leave_holes", files=2, size_bytes=5 * MIB)
    assert_serves(children)


def test_an_output_larger_than_asked_for_is_refused(children: SandboxPool) -> None:
    with children.child("document") as child:
        asked = {"files": 1, "size_bytes": 5 * MIB}
        child.call("leave_holes", asked, timeout_s=TIMEOUT_S)
        with pytest.raises(DiskFullError, match="more than 1048576 bytes"):
            child.output("0", max_bytes=MIB)


@pytest.mark.parametrize("operation", ["spin", "sleep", "trickle"])
def test_no_answer_in_time_is_the_time_limit(
    children: SandboxPool, operation: str
) -> None:
    with (
        children.child("document") as child,
        pytest.raises(TimeLimitError, match=f"^{operation} "),
    ):
        child.call(operation, {}, timeout_s=0.5)
    assert_serves(children)


def test_processor_time_runs_out_however_long_a_call_may_take(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pool(tmp_path, cpu_s=1) as short:
        with pytest.raises(TimeLimitError, match="processor"):
            ask(short, "spin")
        assert_serves(short)


@pytest.mark.parametrize(
    ("operation", "how"), [("abort", "SIGABRT"), ("crash", "SIGSEGV")]
)
def test_a_crash_is_told_with_its_signal(
    children: SandboxPool, operation: str, how: str
) -> None:
    with pytest.raises(ChildCrashedError, match=how):
        ask(children, operation)
    assert_serves(children)


@pytest.mark.parametrize("status", [0, 3])
def test_an_exit_without_an_answer_is_a_crash(
    children: SandboxPool, status: int
) -> None:
    with pytest.raises(ChildCrashedError, match=f"status {status}"):
        ask(children, "leave", status=status)
    assert_serves(children)


def test_a_child_that_hangs_up_and_stays_is_a_crash(children: SandboxPool) -> None:
    with pytest.raises(ChildCrashedError):
        ask(children, "hang_up")
    assert_serves(children)


def test_a_frame_larger_than_any_is_a_crash(children: SandboxPool) -> None:
    with pytest.raises(ChildCrashedError, match="damaged"):
        ask(children, "announce")
    assert_serves(children)


@pytest.mark.parametrize(
    "body", ["", "no json", "[1]", '{"kind": "frame", "value": 3}', "{}", "[" * 9999]
)
def test_garbage_is_a_crash(children: SandboxPool, body: str) -> None:
    with pytest.raises(ChildCrashedError, match="damaged"):
        ask(children, "babble", body=body)
    assert_serves(children)


def test_an_answer_without_end_names_the_limit_and_its_setting(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        pool(tmp_path, answer_bytes=4 * MIB) as short,
        short.child("document") as child,
        pytest.raises(TooLargeError, match=r"4 MiB.*PRSNL_CHILD_ANSWER_BYTES"),
    ):
        for _ in child.stream("flood", {}, unit_timeout_s=TIMEOUT_S):
            pass


def test_one_frame_more_than_asked_for_is_an_error_of_ours(
    children: SandboxPool,
) -> None:
    with pytest.raises(PrsnlError, match="exactly one answer"):
        ask(children, "flood")
    assert_serves(children)


def test_what_a_library_prints_stops_nobody(children: SandboxPool) -> None:
    ask(children, "print_without_end", times=20)


def test_an_error_of_the_input_comes_back_without_a_path(
    children: SandboxPool,
) -> None:
    with pytest.raises(EncryptedError, match=r"^a\.pdf needs a password"):
        ask(children, "raise_encrypted")


def test_a_foreign_error_comes_back_by_its_type_alone(children: SandboxPool) -> None:
    with pytest.raises(PrsnlError, match="ZeroDivisionError") as caught:
        ask(children, "raise_foreign", text="the document")

    assert caught.value.category is Category.BUG
    assert "the document" not in str(caught.value)
    assert_serves(children)


def test_a_child_cannot_ask_to_be_tried_for_ever(children: SandboxPool) -> None:
    with pytest.raises(PrsnlError) as caught:
        ask(children, "raise_unavailable")

    assert caught.value.category is Category.BUG
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("operation", ["link_output", "folder_output"])
@pytest.mark.parametrize(
    "without", [frozenset(), frozenset({"landlock", "system_call_filter"})]
)
def test_an_output_that_is_no_plain_file_is_refused(
    tmp_path: Path, secret: Path, operation: str, without: frozenset[str]
) -> None:
    tmp_path.chmod(0o755)
    with (
        pool(tmp_path / "scratch", without=without) as weak,
        weak.child("document") as child,
    ):
        child.call(operation, {"path": str(secret)}, timeout_s=TIMEOUT_S)
        with pytest.raises(ChildCrashedError):
            child.output("picture.jpg")


def test_folders_nested_beyond_any_path_are_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pool(tmp_path, disk_bytes=64 * MIB) as deep:
        with contextlib.suppress(DiskFullError):  # what cannot be counted is too much
            ask(deep, "nest_folders", depth=3000)
        assert_serves(deep)
        (own,) = tmp_path.glob("pool-*")
        assert {path.name for path in own.iterdir()} <= {"lock", ".root"}


@pytest.mark.parametrize(
    "without",
    [
        frozenset({"system_call_filter"}),
        frozenset({"system_call_filter", "process_namespace"}),
        frozenset({"system_call_filter", "namespaces", "landlock"}),
    ],
    ids=["the kernel ends all", "the nursery ends all", "as does an old kernel's"],
)
def test_a_process_that_detaches_itself_ends_with_its_child(
    tmp_path: Path, without: frozenset[str]
) -> None:
    tmp_path.chmod(0o755)
    name = f"esc{os.getpid() % 10**6}{abs(hash(without)) % 10**5}"
    with pool(tmp_path, without=without) as weak:
        with weak.child("document") as child:
            child.call("escape", {"name": name}, timeout_s=TIMEOUT_S)
            assert named(name)
        assert not named(name)
        assert_serves(weak)


def test_no_process_can_be_started_at_all(children: SandboxPool) -> None:
    with pytest.raises(PrsnlError, match="PermissionError"):
        ask(children, "escape", name="never")


@pytest.mark.parametrize(
    "without",
    [
        {"landlock", "system_call_filter"},
        {"namespaces", "system_call_filter"},
        {"namespaces", "landlock"},
    ],
    ids=["namespace", "landlock", "filter"],
)
def test_each_of_three_layers_alone_keeps_children_off_the_network(
    tmp_path: Path, listener: socket.socket, without: set[str]
) -> None:
    tmp_path.chmod(0o755)
    port = listener.getsockname()[1]
    with pool(tmp_path, without=frozenset(without)) as weak:
        if weak.probe_layers().missing() and "landlock" not in without:
            abi_with_tcp = 4
            if weak.probe_layers().landlock < abi_with_tcp:
                pytest.skip("this kernel's Landlock does not know TCP")
        assert ask(weak, "attempt", what="connect", port=port)["refused"]


def test_the_attacks_can_succeed_where_no_layer_stands(
    tmp_path: Path, secret: Path, listener: socket.socket
) -> None:
    """Else the tests above would prove nothing."""
    tmp_path.chmod(0o755)
    bare = frozenset({"namespaces", "landlock", "system_call_filter", "identity"})
    with pool(tmp_path / "scratch", without=bare) as weak:
        port = listener.getsockname()[1]
        tries = [
            {"what": "read", "path": str(secret)},
            {"what": "list", "path": "/etc"},
            {"what": "chmod", "path": str(secret)},
            {"what": "utime", "path": str(secret)},
            {"what": "watch", "path": str(secret)},
            {"what": "connect", "port": port},
            {"what": "run a program"},
        ]
        assert [ask(weak, "attempt", **each)["refused"] for each in tries] == (
            [False] * len(tries)
        )
        layers = weak.probe_layers()
        assert layers.landlock == 0
        assert not layers.network_namespace
        assert not layers.system_call_filter
        assert len(layers.missing()) >= 3


def test_onnxruntime_works_inside(children: SandboxPool) -> None:
    assert ask(children, "identify")["label"]


def test_every_layer_that_this_kernel_offers_stands(children: SandboxPool) -> None:
    found = children.probe_layers()

    assert found.resource_limits
    assert found.landlock == landlock.offered_abi()


def test_kill_ends_a_call_from_another_thread(children: SandboxPool) -> None:
    with children.child("document") as child:
        timer = threading.Timer(0.2, child.kill)
        timer.start()
        with pytest.raises(ChildKilledError):
            child.call("sleep", {}, timeout_s=TIMEOUT_S)
        with pytest.raises(ChildKilledError):
            child.call("echo", {}, timeout_s=TIMEOUT_S)
        timer.join()
    assert_serves(children)


def test_a_late_kill_does_not_reach_the_next_child(children: SandboxPool) -> None:
    with children.child("document") as child:
        child.call("echo", {}, timeout_s=TIMEOUT_S)
    with children.child("document") as following:
        child.kill()
        following.call("echo", {}, timeout_s=TIMEOUT_S)


def named(name: str) -> list[psutil.Process]:
    """The processes that gave themselves this name."""
    every = psutil.process_iter(["name"])
    return [each for each in every if each.info["name"] == name[:15]]
