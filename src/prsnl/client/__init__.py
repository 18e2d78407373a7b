"""The Python client: what a program asks of a PRSNL server, typed, one call each."""

from prsnl.client.access import AccessCalls
from prsnl.client.ai import AiCalls
from prsnl.client.connection import is_local, local_key
from prsnl.client.embeddings import EmbeddingCalls
from prsnl.client.engines import EngineCalls
from prsnl.client.files import FileCalls
from prsnl.client.library import LibraryCalls
from prsnl.client.media import MediaCalls
from prsnl.client.search import SearchCalls
from prsnl.client.tasks import TaskCalls
from prsnl.client.usage import UsageCalls
from prsnl.client.webhooks import WebhookCalls

__all__ = ["Client", "is_local", "local_key"]


class Client(
    AccessCalls,
    AiCalls,
    EmbeddingCalls,
    EngineCalls,
    FileCalls,
    LibraryCalls,
    SearchCalls,
    TaskCalls,
    UsageCalls,
    MediaCalls,
    WebhookCalls,
):
    """Talks to one server. Safe to use from several threads; close it at the end.

    Every method raises a subclass of `PrsnlError` with the server's own sentence,
    `UnavailableError` when no server answers.
    """
