"""What a fake model says: sentences of the text that it was given, in the shape asked.

Nothing here is canned: with another text the answer is another.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
import struct
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

Json = dict[str, Any]

#: A prompt's data stands between such lines: `<document 1f3a>` and `</document 1f3a>`.
_FENCED: Final = re.compile(
    r"<(document|passages|text|notes)([^<>\n]*)>\n(.*?)\n</\1\2>", re.DOTALL
)
_MARK: Final = re.compile(r"^\[(\d+)\](?: ?\([^)\n]*\))?[ \n]", re.MULTILINE)
_SENTENCE: Final = re.compile(r"\S[^\n]*?(?:[.!?](?=\s|$)|$)", re.MULTILINE)
_WORD: Final = re.compile(r"[\w'-]+")
_NAME: Final = re.compile(r"\b[A-Z][\w-]+(?: [A-Z][\w-]+)*")
_EXACTLY: Final = re.compile(
    r"answer exactly:\s*(.+?)\s*(?:end of answer|\Z)", re.IGNORECASE | re.DOTALL
)
_EVERYWHERE: Final = re.compile(r"fill every field with:\s*(.+)", re.IGNORECASE)
_ALLOWED: Final = re.compile(r"out of these alone: (.+?)(?:\.|, each with)", re.DOTALL)
_CALLS: Final = re.compile(r"call the tool (\w+) with (\{.*?\})", re.IGNORECASE)
_LONG: Final = 200
_USUAL_DIMENSIONS: Final = 256


def tokens(text: str) -> int:
    """About as many as a real tokenizer counts."""
    return max(1, len(text) // 4)


def given(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text that the model is asked about: what stands between fences, else all."""
    asked = "\n".join(str(one["content"]) for one in messages if one["role"] == "user")
    fenced = "\n".join(match[3] for match in _FENCED.finditer(asked))
    return fenced or asked


def allowed(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The categories that the model is told to choose from; empty: its own."""
    told = "\n".join(str(one["content"]) for one in messages if one["role"] == "system")
    found = _ALLOWED.search(told)
    return [name.strip() for name in found[1].split(";")] if found else []


def schema_of(body: Mapping[str, Any]) -> Json | None:
    """The JSON schema that an answer has to fit, from `response_format` or the prompt.

    A prompt for a server without structured output carries it after `JSON schema:`.
    """
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        found: Json = form["json_schema"]["schema"]
        return found
    for message in body["messages"]:
        _, _, told = str(message["content"]).partition("JSON schema:")
        start = told.find("{")
        if start >= 0:
            read: Json
            read, _ = json.JSONDecoder().raw_decode(told[start:])
            return read
    return None


@dataclass(frozen=True)
class Model:
    """Answers about one text; an obedient one does what the text says."""

    text: str
    obeys: bool = False
    #: Categories to choose from, where it was told some.
    categories: Sequence[str] = ()

    def answer(self, schema: Json | None) -> str:
        """The content of its message: JSON where a schema is given, else sentences."""
        if self.obeys and (demanded := _EXACTLY.search(self.text)):
            return demanded[1]
        if schema is None:
            return " ".join(sentence for _, sentence in self._sentences()[:3])
        return json.dumps(_Filler(self, schema).fill(), ensure_ascii=False)

    def calls(self) -> list[Json]:
        """Tools that an obedient model wants called."""
        wanted = _CALLS.findall(self.text) if self.obeys else []
        return [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for number, (name, arguments) in enumerate(wanted)
        ]

    def demanded(self) -> str | None:
        """What the text wants to see in every field; None for a model of sense."""
        found = _EVERYWHERE.search(self.text) if self.obeys else None
        return found[1].strip() if found else None

    def _sentences(self) -> list[tuple[int, str]]:
        """Each with the number of the passage that it stands in, from 1."""
        marks = [*_MARK.finditer(self.text)]
        starts = [mark.start() for mark in marks[1:]]
        parts = [
            (int(mark[1]), self.text[mark.end() : end])
            for mark, end in zip(marks, [*starts, None], strict=False)
        ] or [(1, self.text)]
        found = [
            (number, sentence[0].strip())
            for number, part in parts
            for sentence in _SENTENCE.finditer(part)
        ]
        long = [one for one in found if len(_WORD.findall(one[1])) > 2]
        return long or [one for one in found if one[1]] or [(1, "nothing")]


class _Filler:
    """Fills a schema: strings with sentences, numbers of passages with theirs."""

    def __init__(self, model: Model, schema: Json) -> None:
        self.schema = schema
        self.sentences = model._sentences()
        self.names = list(dict.fromkeys(_NAME.findall(model.text))) or ["Nobody"]
        words = [word.casefold() for word in _WORD.findall(model.text)]
        self.words = [word for word in dict.fromkeys(words) if len(word) > 4] or words
        self.everywhere = model.demanded()
        self.categories = model.categories
        self.is_in_categories = False
        self.turn = count()

    def fill(self) -> Any:
        return self._value(self.schema, "answer", 0)

    def _value(self, schema: Json, name: str, turn: int) -> Any:
        if "$ref" in schema:
            return self._value(
                self.schema["$defs"][schema["$ref"].rsplit("/", 1)[1]], name, turn
            )
        if "anyOf" in schema:
            real = [one for one in schema["anyOf"] if one.get("type") != "null"]
            return self._value(real[0], name, turn)
        if "enum" in schema:
            return self._choice(schema["enum"], turn)
        if "const" in schema:
            return schema["const"]
        return self._typed(schema, name, turn)

    def _typed(self, schema: Json, name: str, turn: int) -> Any:
        match schema.get("type"):
            case "object":
                turn = next(self.turn)
                return {
                    key: self._value(one, key, turn)
                    for key, one in schema.get("properties", {}).items()
                }
            case "array":
                self.is_in_categories = name == "categories"
                told = [
                    self._value(schema["items"], name, place)
                    for place in range(min(3, schema.get("maxItems", 3)))
                ]
                self.is_in_categories = False
                return told
            case "integer":
                return self.sentences[turn % len(self.sentences)][0]
            case "number":
                return 0.75
            case "boolean":
                return True
            case _:
                return self._string(name, turn)

    def _choice(self, values: Sequence[Any], turn: int) -> Any:
        said = {str(value): value for value in values}
        for word in self.words:
            if word in said:
                return said[word]
        return values[turn % len(values)]

    def _string(self, name: str, turn: int) -> str:
        if self.everywhere is not None:
            return self.everywhere
        if self.categories and (name == "categories" or self.is_in_categories):
            return self.categories[turn % len(self.categories)]
        if name in {"name", "entity", "entities"}:
            return self.names[turn % len(self.names)]
        if name in {"tag", "tags", "category", "categories", "keyword", "title"}:
            return self.words[turn % len(self.words)] if self.words else "nothing"
        return self.sentences[turn % len(self.sentences)][1][:_LONG]


def embedding(text: str, dimensions: int | None) -> list[float]:
    """A bag of words as a vector of length 1: texts that share words are near."""
    size = dimensions or _USUAL_DIMENSIONS
    vector = [0.0] * size
    for word in _WORD.findall(text.casefold()) or [text]:
        place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector[place % size] += 1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def encoded(vector: Sequence[float], how: str | None) -> Any:
    """A vector as the request wants it: numbers, or base64 of little-endian floats."""
    if how == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return list(vector)


@dataclass(frozen=True)
class Said:
    """What is heard between two moments of a recording."""

    start_s: float
    end_s: float
    text: str

    def words(self) -> Iterator[Json]:
        """Its words, spread evenly."""
        words = self.text.split()
        step = (self.end_s - self.start_s) / max(1, len(words))
        for place, word in enumerate(words):
            start = self.start_s + place * step
            yield {"word": word, "start": start, "end": start + step}


def duration_s(audio: bytes) -> float:
    """How long a WAV is; of other formats a second for 16 kB."""
    try:
        with wave.open(io.BytesIO(audio)) as read:
            return read.getnframes() / read.getframerate()
    except (wave.Error, EOFError):
        return len(audio) / 16_000


def heard(audio: bytes) -> list[Said]:
    """What a model without ears can truly say of a recording: how long it is."""
    length = duration_s(audio)
    return [Said(0.0, length, f"A recording of {length:.1f} seconds.")]


def transcription(
    said: Sequence[Said], length_s: float, fields: Mapping[str, Any]
) -> Json:
    """A transcript as `verbose_json`, with those granularities that were asked for."""
    asked = fields.get("timestamp_granularities[]", ["segment"])
    told: Json = {
        "task": "transcribe",
        "language": fields.get("language", ["english"])[0],
        "duration": length_s,
        "text": " ".join(one.text for one in said),
    }
    if "segment" in asked:
        told["segments"] = [
            {
                "id": number,
                "seek": 0,
                "start": one.start_s,
                "end": one.end_s,
                "text": " " + one.text,
                "tokens": [],
                "temperature": 0.0,
                "avg_logprob": -0.2,
                "compression_ratio": 1.2,
                "no_speech_prob": 0.01,
            }
            for number, one in enumerate(said)
        ]
    if "word" in asked:
        told["words"] = [word for one in said for word in one.words()]
    return told
