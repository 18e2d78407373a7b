"""BERT as an ONNX graph, put together in memory: the only module with protobuf.

J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL 2019. The weights are not in the graph: it names them, and the
runtime is given them beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

#: Of the operators: `Gelu` and `LayerNormalization` are in it.
_OPERATOR_SET: Final = 20
_FORMAT_VERSION: Final = 9
_FLOAT, _INT64 = 1, 7
_EXTERNAL: Final = 1
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7

#: The part of ONNX's published format that the graph needs: message -> fields as
#: (name, number, type); `*` repeats, `.` is another message of this table.
_MESSAGES: Final = {
    "Model": (
        ("ir_version", 1, "int64"),
        ("graph", 7, ".Graph"),
        ("opset_import", 8, "*.OperatorSet"),
    ),
    "OperatorSet": (("domain", 1, "string"), ("version", 2, "int64")),
    "Graph": (
        ("node", 1, "*.Node"),
        ("name", 2, "string"),
        ("initializer", 5, "*.Tensor"),
        ("input", 11, "*.ValueInfo"),
        ("output", 12, "*.ValueInfo"),
    ),
    "Node": (
        ("input", 1, "*string"),
        ("output", 2, "*string"),
        ("op_type", 4, "string"),
        ("attribute", 5, "*.Attribute"),
    ),
    "Attribute": (
        ("name", 1, "string"),
        ("f", 2, "float"),
        ("i", 3, "int64"),
        ("ints", 8, "*int64"),
        ("type", 20, "int32"),
    ),
    "Tensor": (
        ("dims", 1, "*int64"),
        ("data_type", 2, "int32"),
        ("float_data", 4, "*float"),
        ("int64_data", 7, "*int64"),
        ("name", 8, "string"),
        ("external_data", 13, "*.Entry"),
        ("data_location", 14, "int32"),
    ),
    "Entry": (("key", 1, "string"), ("value", 2, "string")),
    "ValueInfo": (("name", 1, "string"), ("type", 2, ".Type")),
    "Type": (("tensor_type", 1, ".TensorType"),),
    "TensorType": (("elem_type", 1, "int32"), ("shape", 2, ".Shape")),
    "Shape": (("dim", 1, "*.Dimension"),),
    "Dimension": (("dim_value", 1, "int64"), ("dim_param", 2, "string")),
}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes of a BERT model, as its `config.json` tells them."""

    layers: int
    heads: int
    hidden: int
    epsilon: float


def _message_class() -> Any:
    """The class of `Model`, made from the table."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="prsnl/onnx.proto", package="prsnl.onnx", syntax="proto2"
    )
    for message_name, rows in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, number, told in rows:
            kind = told.removeprefix("*")
            row = message.field.add(name=name, number=number)
            row.label = (
                kinds.LABEL_REPEATED if told.startswith("*") else kinds.LABEL_OPTIONAL
            )
            if kind.startswith("."):
                row.type = kinds.TYPE_MESSAGE
                row.type_name = f".prsnl.onnx{kind}"
            else:
                row.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("prsnl.onnx.Model")
    return message_factory.GetMessageClass(found)


@dataclass
class _Builder:
    """Adds operators one after another; each gives the name of its result."""

    model: Any
    count: int = 0
    constants: set[str] = field(default_factory=set)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        self.count += 1
        result = f"{operator}_{self.count}"
        node = self.model.graph.node.add(
            op_type=operator, input=inputs, output=[result]
        )
        for name, value in attributes.items():
            row = node.attribute.add(name=name)
            if isinstance(value, float):
                row.type, row.f = _ATTRIBUTE_FLOAT, value
            elif isinstance(value, int):
                row.type, row.i = _ATTRIBUTE_INT, value
            else:
                row.type = _ATTRIBUTE_INTS
                row.ints.extend(value)
        return result

    def number(self, value: float) -> str:
        """The name of a constant."""
        name = f"constant_{value}"
        if name not in self.constants:
            self.constants.add(name)
            self.model.graph.initializer.add(
                name=name, data_type=_FLOAT, float_data=[value]
            )
        return name

    def integers(self, name: str, values: Iterable[int]) -> str:
        numbers = list(values)
        self.model.graph.initializer.add(
            name=name, data_type=_INT64, int64_data=numbers, dims=[len(numbers)]
        )
        return name

    def linear(self, value: str, name: str) -> str:
        """A dense layer; its weights lie as they are in the file, outputs first."""
        return self.add("Gemm", value, f"{name}.weight", f"{name}.bias", transB=1)

    def normal(self, value: str, name: str, epsilon: float) -> str:
        return self.add(
            "LayerNormalization",
            value,
            f"{name}.weight",
            f"{name}.bias",
            axis=-1,
            epsilon=epsilon,
        )


def bert_graph(weights: Mapping[str, Sequence[int]], shape: Shape) -> bytes:
    """The encoder as a serialized ONNX model.

    Inputs, of a batch of rows that are equally long: `ids` and `positions`, int64, of
    all rows one after another; `mask`, float32 [rows, 1, 1, length], 0 for a word and
    a large negative number for padding; `split`, int64 [rows, length, heads, size of
    a head]. Output `states`, float32 [rows x length, hidden].

    Args:
        weights: Name -> shape of every weight; each is an initializer whose values
            the session is given.
        shape: The sizes of the model.
    """
    model = _message_class()(ir_version=_FORMAT_VERSION)
    model.opset_import.add(domain="", version=_OPERATOR_SET)
    model.graph.name = "bert"
    for name, dimensions in weights.items():
        tensor = model.graph.initializer.add(
            name=name, data_type=_FLOAT, dims=dimensions, data_location=_EXTERNAL
        )
        tensor.external_data.add(key="location", value="beside")
    inputs = model.graph.input
    _declare(inputs, "ids", _INT64, ["words"])
    _declare(inputs, "positions", _INT64, ["words"])
    _declare(inputs, "mask", _FLOAT, ["rows", 1, 1, "length"])
    _declare(inputs, "split", _INT64, [4])
    _declare(model.graph.output, "states", _FLOAT, ["words", shape.hidden])
    states = _encoder(_Builder(model), shape)
    model.graph.node.add(op_type="Identity", input=[states], output=["states"])
    serialized: bytes = model.SerializeToString()
    return serialized


def _declare(rows: Any, name: str, kind: int, dimensions: Sequence[int | str]) -> None:
    row = rows.add(name=name)
    row.type.tensor_type.elem_type = kind
    for size in dimensions:
        dimension = row.type.tensor_type.shape.dim.add()
        if isinstance(size, int):
            dimension.dim_value = size
        else:
            dimension.dim_param = size


def _encoder(to: _Builder, shape: Shape) -> str:
    words = to.add("Gather", "embeddings.word_embeddings.weight", "ids")
    places = to.add("Gather", "embeddings.position_embeddings.weight", "positions")
    first = to.integers("first", [0])
    kinds = to.add("Gather", "embeddings.token_type_embeddings.weight", first)
    told = to.add("Add", to.add("Add", words, places), kinds)
    states = to.normal(told, "embeddings.LayerNorm", shape.epsilon)
    merged = to.integers("merged", [-1, shape.hidden])
    for number in range(shape.layers):
        states = _layer(to, states, f"encoder.layer.{number}", shape, merged)
    return states


def _layer(to: _Builder, states: str, name: str, shape: Shape, merged: str) -> str:
    attended = _attention(to, states, f"{name}.attention", shape, merged)
    inner = to.add("Gelu", to.linear(attended, f"{name}.intermediate.dense"))
    outer = to.linear(inner, f"{name}.output.dense")
    added = to.add("Add", outer, attended)
    return to.normal(added, f"{name}.output.LayerNorm", shape.epsilon)


def _attention(to: _Builder, states: str, name: str, shape: Shape, merged: str) -> str:
    def heads(part: str, order: Sequence[int]) -> str:
        split = to.add("Reshape", to.linear(states, f"{name}.self.{part}"), "split")
        return to.add("Transpose", split, perm=order)

    query, value = heads("query", [0, 2, 1, 3]), heads("value", [0, 2, 1, 3])
    alike = to.add("MatMul", query, heads("key", [0, 2, 3, 1]))
    size = shape.hidden // shape.heads
    masked = to.add("Add", to.add("Mul", alike, to.number(size**-0.5)), "mask")
    mixed = to.add("MatMul", to.add("Softmax", masked, axis=-1), value)
    together = to.add("Transpose", mixed, perm=[0, 2, 1, 3])
    joined = to.add("Reshape", together, merged)
    added = to.add("Add", to.linear(joined, f"{name}.output.dense"), states)
    return to.normal(added, f"{name}.output.LayerNorm", shape.epsilon)
