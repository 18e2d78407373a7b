"""Which layers of the sandbox stand on this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

#: Names for `SandboxPool(without=...)`: what a machine may lack.
LAYER_NAMES: Final = frozenset(
    {"namespaces", "process_namespace", "landlock", "system_call_filter", "identity"}
)


@dataclass(frozen=True, kw_only=True)
class Layers:
    """What one child has around it, as the child found it."""

    #: Address space, CPU time, file size and open files are bounded by the kernel.
    resource_limits: bool = False
    #: Rights inside its own user namespace alone.
    user_namespace: bool = False
    #: No network device but a loopback of its own, which is down.
    network_namespace: bool = False
    #: All its descendants end with it.
    process_namespace: bool = False
    #: A file system that holds only what a child may read: made where Landlock is
    #: missing, and where it lets a child of root be another user.
    private_root: bool = False
    #: The Landlock ABI that binds it; 0 where there is none.
    landlock: int = 0
    #: No sockets, no new programs or processes, no signals to others, no change of a
    #: file's mode, owner, times or attributes (seccomp).
    system_call_filter: bool = False
    #: "own": the worker's unprivileged user; "separate": a user id of its own, where
    #: the worker is root; "root": root without capabilities.
    identity: str = "own"

    def to_wire(self) -> dict[str, Any]:
        """The layers as JSON."""
        return asdict(self)

    @classmethod
    def from_wire(cls, told: dict[str, Any]) -> Self:
        """What `to_wire` described; anything unknown or of a wrong type is absent."""
        blank = cls()
        return cls(
            **{
                name: told[name]
                for name, default in asdict(blank).items()
                if type(told.get(name)) is type(default)
            }
        )

    def missing(self) -> tuple[str, ...]:
        """One sentence for each layer that does not stand, with what follows."""
        found = []
        if not self.resource_limits:
            found.append(
                "Not every resource limit stands: a file may use up this machine's "
                "memory or processors."
            )
        if not self.landlock:
            found.append(
                "No Landlock (Linux 5.13 or newer offers it)"
                + (
                    ": a file system of their own alone keeps children off the files."
                    if self.private_root
                    else ": a parser that is taken over could read this user's files."
                )
            )
        if not self.network_namespace and not self.system_call_filter:
            found.append(
                "No network namespace and no system call filter: a parser that is "
                "taken over could open connections."
            )
        elif not self.network_namespace:
            found.append(
                "No network namespace (this machine forbids user namespaces); the "
                "system call filter alone keeps children off the network."
            )
        elif not self.system_call_filter:
            found.append(
                "No system call filter (seccomp): a parser that is taken over could "
                "reach local services by their socket files, and change modes and "
                "times of this user's files."
            )
        if not self.process_namespace:
            found.append(
                "No process namespace: children are ended one by one, not by the "
                "kernel at once."
            )
        if self.identity == "root":
            found.append(
                "Children run as root without capabilities, because the Python "
                "installation cannot be read by another user."
            )
        return tuple(found)
