"""The tenant's matrix: the version in force, earlier ones, and writing the next."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.registers.texts import checked_text
from muniment.server.risks.matrix import Matrix, default_matrix, stored_matrix
from muniment.server.risks.models import MatrixVersion, matrix_id
from muniment.server.risks.services.recording import noted, one_at_a_time


@dataclass(frozen=True, slots=True)
class Held:
    """A version of the tenant's matrix.

    Attributes:
        number: of the version; 0 for the one that holds where none was defined.
        matrix: what it says.
        row: as it is kept; None for number 0.
    """

    number: int
    matrix: Matrix
    row: MatrixVersion | None = None


def matrix_in_force() -> Held:
    """The matrix of the open tenant."""
    row = MatrixVersion.objects.order_by("-version").first()
    return Held(0, default_matrix()) if row is None else Held(row.version, stored_matrix(row.content), row)


def matrix_of(number: int) -> Held:
    """A version of the matrix of the open tenant.

    Raises:
        Refused: if there is none of that number.
    """
    if number == 0:
        return Held(0, default_matrix())
    row = MatrixVersion.objects.filter(version=number).first() if 0 < number < 2**31 else None
    if row is None:
        raise Refused("there is no such version of the matrix", "matrix")
    return Held(row.version, stored_matrix(row.content), row)


def matrix_versions() -> list[MatrixVersion]:
    """Every version that the open tenant defined, newest first."""
    return list(MatrixVersion.objects.order_by("-version"))


def save_matrix(standing: Standing, matrix: Matrix, *, reason: str, number: int | None = None) -> MatrixVersion:
    """Put another matrix in force. Needs `risk.manage`.

    Risks keep their scores. On a matrix of the same size they stand in the same cells, whose bands may be others now;
    on one of another size they stand nowhere until somebody places them anew.

    Args:
        standing: of who does it.
        matrix: what it says.
        reason: why.
        number: of the version that they have seen; None if that does not matter.

    Raises:
        Refused: if another version stands meanwhile, or it says what the one in force says.
        Malformed: without a reason.
    """
    reason = checked_text(reason, "reason", least=1)
    one_at_a_time(f"risks/matrix/{standing.tenant_id}")
    before = matrix_in_force()
    if number is not None and number != before.number:
        raise Refused(f"it was changed meanwhile: version {before.number} stands, not {number}", "number")
    if before.matrix == matrix:
        raise Refused("is what the matrix says already", "matrix")
    row = MatrixVersion(
        id=matrix_id(),
        tenant_id=standing.tenant_id,
        version=before.number + 1,
        content=matrix.text(),
        digest=matrix.digest,
        reason=reason,
        created_by=standing.subject,
    )
    row.seq, row.event = noted(
        "risk.matrix",
        by=standing.subject,
        resource=("risk-matrix", row.id),
        labels={"version": row.version, "digest": row.digest, "size": matrix.size},
        causes=[] if before.row is None else [before.row.event],
        body={"matrix": matrix.document(), "reason": reason},
    )
    row.save(force_insert=True)
    return row
