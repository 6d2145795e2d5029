"""A recorder's side of an exchange, kept from harming what passes."""

import logging
from typing import Final

from muniment.agent.proxy.exchange import Changed, Ending, Exchange, Recorder, Reply, RequestHead, Unseen
from muniment.agent.proxy.headers import Headers

_LOG: Final = logging.getLogger("muniment.agent")
NOT_RECORDED: Final = Reply.error(503, "unrecorded", "not forwarded, because it could not be recorded")


class Shielded:
    """One exchange. What fails in it is counted and logged; it stops a request only where the recorder fails closed.

    Args:
        recorder: whose exchange it is.
        exchange: the recorder's own.
    """

    def __init__(self, recorder: Recorder, exchange: Exchange) -> None:
        self._recorder = recorder
        self._exchange = exchange
        self._over = False

    @classmethod
    def begin(cls, recorder: Recorder, head: RequestHead) -> "Shielded | Reply":
        """A new exchange, or what to answer instead."""
        try:
            begun = recorder.begin(head)
        except Exception as error:
            _failed(recorder, error)
            if recorder.fails_closed:
                return NOT_RECORDED
            begun = Unseen()
        return begun if isinstance(begun, Reply) else cls(recorder, begun)

    async def asked(self, body: bytes, whole: bool) -> Reply | Changed | None:
        """As `Exchange.asked`."""
        try:
            return await self._exchange.asked(body, whole)
        except Exception as error:
            _failed(self._recorder, error)
            return NOT_RECORDED if self._recorder.fails_closed else None

    def asked_more(self, chunk: bytes) -> None:
        """As `Exchange.asked_more`."""
        try:
            self._exchange.asked_more(chunk)
        except Exception as error:
            _failed(self._recorder, error)

    async def answering(self, status: int, headers: Headers) -> None:
        """As `Exchange.answering`."""
        try:
            await self._exchange.answering(status, headers)
        except Exception as error:
            _failed(self._recorder, error)

    async def passing(self, chunk: bytes) -> None:
        """As `Exchange.passing`."""
        try:
            await self._exchange.passing(chunk)
        except Exception as error:
            _failed(self._recorder, error)

    async def ended(self, ending: Ending) -> None:
        """As `Exchange.ended`; only the first call counts."""
        if self._over:
            return
        self._over = True
        try:
            await self._exchange.ended(ending)
        except Exception as error:
            _failed(self._recorder, error)


def _failed(recorder: Recorder, error: Exception) -> None:
    recorder.unrecorded += 1
    _LOG.error("something that passed was not recorded: %s: %s", type(error).__name__, error)
