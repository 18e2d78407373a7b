"""Operations that misbehave, each in one way, as a parser might that was taken over."""

# ruff: noqa: ARG001 (an operation takes two arguments, also where it needs none)
from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from prsnl.core.errors import EncryptedError, UnavailableError
from prsnl.engines.contracts import ChildFiles, JsonObject

_REFUSALS = (
    errno.EACCES,
    errno.EPERM,
    errno.EXDEV,
    errno.EROFS,
    errno.ESRCH,
    errno.ENETUNREACH,
    errno.ENOENT,
)


def echo(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Behave."""
    yield {"echo": params, "user": os.getuid(), "process": os.getpid()}


def copy(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Behave, with files."""
    data = (files.inputs / params["name"]).read_bytes()
    (files.outputs / "copy").write_bytes(data)
    yield {"size_bytes": len(data)}


def count(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Behave, in many frames."""
    for number in range(params["to"]):
        yield {"number": number}


def attempt(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Try one thing that is forbidden; tell whether it was refused."""
    try:
        _ATTEMPTS[params["what"]](files, params)
    except OSError as error:
        yield {"refused": error.errno in _REFUSALS, "why": type(error).__name__}
    else:
        yield {"refused": False}


def _read(files: ChildFiles, params: JsonObject) -> None:
    with Path(params["path"]).open("rb") as file:
        file.read(1)


def _list(files: ChildFiles, params: JsonObject) -> None:
    next(Path(params["path"]).iterdir(), None)


def _write(files: ChildFiles, params: JsonObject) -> None:
    Path(params["path"]).write_bytes(b"x")


def _write_input(files: ChildFiles, params: JsonObject) -> None:
    (files.inputs / "planted").write_bytes(b"x")


def _link_out(files: ChildFiles, params: JsonObject) -> None:
    os.link(params["path"], files.outputs / "link")


def _change_mode(files: ChildFiles, params: JsonObject) -> None:
    Path(params["path"]).chmod(0o777)


def _change_mode_of_open(files: ChildFiles, params: JsonObject) -> None:
    """By a descriptor that opening for a name alone gives, which Landlock lets pass."""
    opened = os.open(params["path"], os.O_PATH)
    in_proc = f"/proc/self/fd/{opened}"
    Path(in_proc).chmod(0o777)


def _change_owner(files: ChildFiles, params: JsonObject) -> None:
    os.chown(params["path"], os.getuid(), os.getgid())


def _change_times(files: ChildFiles, params: JsonObject) -> None:
    os.utime(params["path"], (1, 1))


def _set_attribute(files: ChildFiles, params: JsonObject) -> None:
    os.setxattr(params["path"], "user.prsnl", b"x")


def _list_attributes(files: ChildFiles, params: JsonObject) -> None:
    os.listxattr(params["path"])


def _truncate(files: ChildFiles, params: JsonObject) -> None:
    os.truncate(params["path"], 0)


def _truncate_by_reading(files: ChildFiles, params: JsonObject) -> None:
    os.close(os.open(params["path"], os.O_RDONLY | os.O_TRUNC))


def _truncate_input_by_reading(files: ChildFiles, params: JsonObject) -> None:
    os.close(os.open(files.inputs / params["name"], os.O_RDONLY | os.O_TRUNC))


def _change_mode_of_input(files: ChildFiles, params: JsonObject) -> None:
    with (files.inputs / params["name"]).open("rb") as file:
        os.fchmod(file.fileno(), 0o777)


def _watch(files: ChildFiles, params: JsonObject) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(0)
    _checked(watcher)
    _checked(libc.inotify_add_watch(watcher, os.fsencode(params["path"]), 0xFFF))


def _rename(files: ChildFiles, params: JsonObject) -> None:
    Path(params["path"]).rename(files.outputs / "taken")


def _link_to(files: ChildFiles, params: JsonObject) -> None:
    (files.outputs / "link").symlink_to(params["path"])


def _remove(files: ChildFiles, params: JsonObject) -> None:
    Path(params["path"]).unlink()


def _take_lease(files: ChildFiles, params: JsonObject) -> None:
    with (files.inputs / params["name"]).open("rb") as file:
        fcntl.fcntl(file, 1024, fcntl.F_RDLCK)


def _send_to_socket_file(files: ChildFiles, params: JsonObject) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.sendto(b"x", params["path"])


def _connect(files: ChildFiles, params: JsonObject) -> None:
    with socket.create_connection(("127.0.0.1", params["port"]), timeout=2):
        pass


def _connect_unix(files: ChildFiles, params: JsonObject) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(params["path"])


def _signal(files: ChildFiles, params: JsonObject) -> None:
    os.kill(params["process"], signal.SIGTERM)


def _signal_own_parent(files: ChildFiles, params: JsonObject) -> None:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(0.2)
    if os.getppid() == params["nursery"]:
        raise PermissionError(errno.EPERM, "the nursery ignores it")


def _trace(files: ChildFiles, params: JsonObject) -> None:
    _ptrace(params["process"])


def _trace_nursery(files: ChildFiles, params: JsonObject) -> None:
    _ptrace(os.getppid())


def _run(files: ChildFiles, params: JsonObject) -> None:
    program = os.posix_spawn("/bin/true", ["true"], {})
    _, status = os.waitpid(program, 0)
    if status:
        raise PermissionError(errno.EACCES, "the program did not start")


def _unshare(files: ChildFiles, params: JsonObject) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).unshare(0x10000000))


def _raise_limit(files: ChildFiles, params: JsonObject) -> None:
    import resource  # noqa: PLC0415 (not on every system)

    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    except ValueError as error:
        raise PermissionError(errno.EPERM, "a hard limit") from error


def _ptrace(process: int) -> None:
    attach = 16
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.ptrace(attach, process, None, None))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_ATTEMPTS: dict[str, Callable[[ChildFiles, JsonObject], None]] = {
    "read": _read,
    "list": _list,
    "write": _write,
    "write an input": _write_input,
    "link": _link_out,
    "chmod": _change_mode,
    "chmod by a descriptor": _change_mode_of_open,
    "chmod an input": _change_mode_of_input,
    "chown": _change_owner,
    "utime": _change_times,
    "setxattr": _set_attribute,
    "listxattr": _list_attributes,
    "truncate": _truncate,
    "truncate by reading": _truncate_by_reading,
    "truncate an input by reading": _truncate_input_by_reading,
    "watch": _watch,
    "rename": _rename,
    "symlink": _link_to,
    "remove": _remove,
    "take a lease": _take_lease,
    "send to a socket file": _send_to_socket_file,
    "connect": _connect,
    "connect to a socket file": _connect_unix,
    "signal": _signal,
    "signal the nursery": _signal_own_parent,
    "trace": _trace,
    "trace the nursery": _trace_nursery,
    "run a program": _run,
    "unshare": _unshare,
    "raise a limit": _raise_limit,
}


def allocate(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Ask for memory, as Python does."""
    yield {"size_bytes": len(bytearray(params["size_bytes"]))}


def allocate_and_abort(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Run out of memory as a C++ library does."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def fill_disk(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Write one file without end."""
    with (files.outputs / "big").open("wb") as file:
        while True:
            file.write(bytes(2**20))


def fill_disk_with_files(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Write files without end."""
    number = 0
    while True:
        number += 1
        (files.outputs / f"{number}").write_bytes(bytes(params["size_bytes"]))


def leave_holes(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Leave files that look large and take no room."""
    for number in range(params["files"]):
        with (files.outputs / f"{number}").open("wb") as file:
            file.truncate(params["size_bytes"])
    yield {}


def nest_folders(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Leave folders nested deeper than any path can say."""
    os.chdir(files.outputs)
    for _ in range(params["depth"]):
        Path("d").mkdir()
        os.chdir("d")
    Path("file").write_text("x", encoding="ascii")
    yield {}


def spin(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Never come to an end, busily."""
    while True:
        pass


def sleep(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Never come to an end, idly."""
    _stay()


def abort(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Abort, as an assertion in C does."""
    os.abort()


def crash(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Read what is not there."""
    ctypes.string_at(0)
    yield {}


def leave(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Exit without a word."""
    os._exit(params["status"])


def hang_up(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Close the channel, and stay."""
    _channel().close()
    _stay()


def announce(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Announce a frame larger than any."""
    _channel().sendall(struct.pack(">I", 2**32 - 1) + b"{")
    _stay()


def babble(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Send a frame that is none."""
    body = params["body"].encode("latin-1")
    _channel().sendall(struct.pack(">I", len(body)) + body)
    _stay()


def trickle(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Send a frame byte by byte, so that something always comes."""
    channel = _channel()
    channel.sendall(struct.pack(">I", 1000))
    while True:
        channel.sendall(b" ")
        time.sleep(0.1)


def flood(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Answer without end."""
    while True:
        yield {"text": "x" * 2**16}


def answer(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Behave, with a large answer."""
    yield {"text": "x" * params["size_bytes"]}


def measure(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Behave, with a large question."""
    yield {"characters": sum(len(page["text"]) for page in params["pages"])}


def print_without_end(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Print as a library does that warns at every byte."""
    line = b"warning: the object stream is not what it was\n" * 1000
    for _ in range(params["times"]):
        os.write(2, line)
    yield {}


def raise_foreign(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Raise something that nobody translated, with the document in its message."""
    raise ZeroDivisionError(params["text"])


def raise_encrypted(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Tell of the input what is so."""
    raise EncryptedError(f"{files.inputs / 'a.pdf'} needs a password. Give it one.")


def raise_unavailable(files: ChildFiles, params: JsonObject) -> NoReturn:
    """Pretend that the world is at fault, to be tried for ever."""
    raise UnavailableError("Try me again.", retry_after_s=1.0)


def escape(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Leave a process behind that nobody knows: double fork, new session, no leash."""
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
            _name_itself(params["name"])
            os.write(tell, b"x")
            _channel().close()
            _stay()
        os._exit(0)
    os.read(told, 1)
    yield {"escaped": True}


def cling(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Cut the leash, name itself, and outstay the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    _name_itself(params["name"])
    yield {"ready": True}
    _channel().close()
    _stay()


def _name_itself(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(15, name.encode("ascii"), 0, 0, 0)


def link_output(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Leave a link where a file is expected."""
    try:
        (files.outputs / "picture.jpg").symlink_to(params["path"])
    except OSError:
        yield {"linked": False}
    else:
        yield {"linked": True}


def folder_output(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Leave a folder where a file is expected."""
    (files.outputs / "picture.jpg").mkdir()
    yield {}


def look_around(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Tell what of the parent can be seen."""
    yield {
        "environment": dict(os.environ),
        "descriptors": _descriptors(),
        "arguments": sys.argv,
    }


def identify(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Work with onnxruntime: load a model and use it."""
    from magika import Magika  # noqa: PLC0415 (an engine, in its child alone)

    found: Any = Magika().identify_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\n")
    yield {"label": str(found.output.label)}


def _stay() -> NoReturn:
    while True:
        time.sleep(3600)


def _descriptors() -> list[str]:
    kinds = []
    for number in range(3, 64):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        kinds.append("socket" if stat.S_ISSOCK(mode) else "other")
    return kinds


def _channel() -> socket.socket:
    """The child's own end of the channel, found as an intruder would find it."""
    for number in range(3, 64):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode):
            return socket.socket(fileno=number)
    raise LookupError("there is no channel")
