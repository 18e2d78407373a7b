"""A layer that is absent is told, with what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prsnl.engines.sandbox.layers import Layers

ALL = Layers(
    resource_limits=True,
    user_namespace=True,
    network_namespace=True,
    process_namespace=True,
    landlock=7,
    system_call_filter=True,
    identity="own",
)


def test_nothing_is_missing_where_every_layer_stands() -> None:
    assert ALL.missing() == ()


@pytest.mark.parametrize(
    ("weaker", "word"),
    [
        (replace(ALL, resource_limits=False), "resource limit"),
        (replace(ALL, landlock=0), "Landlock"),
        (replace(ALL, landlock=0, private_root=True), "file system of their own"),
        (replace(ALL, network_namespace=False), "No network namespace"),
        (replace(ALL, system_call_filter=False), "seccomp"),
        (replace(ALL, process_namespace=False), "process namespace"),
        (replace(ALL, identity="root"), "root"),
    ],
)
def test_a_missing_layer_is_one_sentence(weaker: Layers, word: str) -> None:
    (sentence,) = weaker.missing()

    assert word in sentence
    assert sentence.endswith(".")


def test_a_child_cannot_tell_of_layers_in_another_shape() -> None:
    told = {**ALL.to_wire(), "landlock": "7", "network_namespace": 1, "more": True}

    assert Layers.from_wire(told) == replace(ALL, landlock=0, network_namespace=False)
    assert Layers.from_wire(ALL.to_wire()) == ALL
