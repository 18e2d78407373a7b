"""From the pool's `Popen` to a nursery without rights: user, namespaces, fork."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from prsnl.engines.sandbox import kernel, landlock, private_root
from prsnl.engines.sandbox.child import readable_paths
from prsnl.engines.sandbox.layers import Layers
from prsnl.engines.sandbox.nursery import Nursery
from prsnl.engines.sandbox.orders import NurseryOrder
from prsnl.engines.sandbox.sockets import receive_frame


def launch(control: socket.socket) -> NoReturn:
    """Become the nursery that the first frame on `control` orders.

    With a process namespace this process stays behind as the one that the pool
    waits for: its end is the nursery's signal to end, and the nursery's end its own.
    """
    order = NurseryOrder.from_wire(receive_frame(control))
    layers = _take_identity(order, _leave_namespaces(order, Layers()))
    kernel.drop_capabilities()
    if layers.process_namespace:
        nursery = os.fork()
        if nursery:
            control.close()
            _, status = os.waitpid(nursery, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0x7F)
        kernel.die_with_parent(signal.SIGKILL)
    Nursery(control=control, order=order, layers=layers).run()
    sys.exit(0)


def _leave_namespaces(order: NurseryOrder, layers: Layers) -> Layers:
    """Network, System V objects and processes, each as far as this machine goes.

    Root leaves them as root, so that it may still change its user afterwards; anyone
    else first becomes the owner of a user namespace.
    """
    if "namespaces" in order.without:
        return layers
    left = _leave(kernel.CLONE_NEWNET)
    if not left:
        layers = replace(layers, user_namespace=_own_user_namespace())
        left = layers.user_namespace and _leave(kernel.CLONE_NEWNET)
    _leave(kernel.CLONE_NEWIPC)
    processes = "process_namespace" not in order.without and _leave(kernel.CLONE_NEWPID)
    return replace(layers, network_namespace=left, process_namespace=processes)


def _leave(flag: int) -> bool:
    try:
        kernel.unshare(flag)
    except OSError:
        return False
    return True


def _own_user_namespace() -> bool:
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError:
        return False
    return True


def _take_identity(order: NurseryOrder, layers: Layers) -> Layers:
    """As root: a user id that owns nothing, if it can read what a child must read.

    Else root in a user namespace, where no capability reaches anything outside.
    """
    if "landlock" in order.without or not landlock.offered_abi():
        layers = replace(layers, private_root=_enter_private_root(order))
    if os.geteuid() != 0:
        return replace(layers, identity="own")
    if order.user_id is not None and "identity" not in order.without:
        if _can_become(order.user_id, order):
            return replace(layers, identity="separate")
        if not layers.private_root and _enter_private_root(order):
            layers = replace(layers, private_root=True)
            if _can_become(order.user_id, order):
                return replace(layers, identity="separate")
    if not layers.user_namespace and "namespaces" not in order.without:
        layers = replace(layers, user_namespace=_own_user_namespace())
    return replace(layers, identity="root")


def _enter_private_root(order: NurseryOrder) -> bool:
    return "namespaces" not in order.without and private_root.enter(
        readable=readable_paths(order), writable=Path(order.scratch_root)
    )


def _can_become(user: int, order: NurseryOrder) -> bool:
    """Become `user` if everything that a child reads can be read by it."""
    try:
        os.setgroups([])
        os.setegid(user)
        os.seteuid(user)
        for path in map(Path, order.readable):
            if path.is_dir():
                next(path.iterdir(), None)
        Path(order.scratch_root, ".").stat()
    except OSError:
        os.seteuid(0)
        os.setegid(0)
        return False
    os.seteuid(0)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    return True
