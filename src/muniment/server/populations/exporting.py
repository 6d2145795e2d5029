"""A sample as one bundle that anybody can verify."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from django.http import StreamingHttpResponse

from muniment.ledger.export import BundleRequest, bundle_chunks
from muniment.server.access.standing import Standing
from muniment.server.api.bundles import CONTENT_TYPE
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.populations.models import Mark, Population, Sample


def places_of_review(population: Population, sample: Sample) -> list[int]:
    """The places of the sampled entries and of everything that was recorded about them here; ascending."""
    marks = Mark.objects.filter(tenant_id=sample.tenant_id, sample_id=sample.id).values_list("seq", flat=True)
    return sorted({*sample.places, population.seq, sample.seq, *marks})


def sample_request(
    standing: Standing, population: Population, places: list[int], *, marks: bool, bodies: bool | None
) -> BundleRequest:
    """What the bundle is to hold.

    Without marks it ends at the population's checkpoint; with them at the newest, and has a boundary at the
    population's size, so that the two can be compared.
    """
    return BundleRequest(
        standing.log_id,
        standing.origin,
        seqs=places,
        bodies=standing.sees_bodies if bodies is None else bodies,
        since=population.size if marks else None,
        size=None if marks else population.size,
    )


def chunks_of(standing: Standing, request: BundleRequest, place: StreamPlace) -> Generator[bytes, None, None]:
    """The bundle in pieces; gives the place back at the end."""
    try:
        with standing.transaction() as connection:
            yield from bundle_chunks(connection, request)
    finally:
        place.release()


async def streamed(standing: Standing, request: BundleRequest, name: str) -> StreamingHttpResponse:
    """The bundle as an answer; what can be refused is refused before the first byte.

    Raises:
        ProblemError: unavailable.
        NotSealed: if no checkpoint covers all of it yet.
    """
    place = StreamPlace()
    chunks = chunks_of(standing, request, place)
    try:
        first = await asyncio.to_thread(next, chunks)
    except BaseException:
        await asyncio.to_thread(chunks.close)
        place.release()
        raise
    return response_of(chunks, first, name)


def response_of(chunks: Generator[bytes, None, None], first: bytes, name: str) -> StreamingHttpResponse:
    """The HTTP answer of a bundle that has begun."""
    return StreamingHttpResponse(
        in_threads(chunks, first),
        content_type=CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.bundle"'},
    )
