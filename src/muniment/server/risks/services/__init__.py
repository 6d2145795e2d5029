"""Use cases of the risk register: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.registers.keeping import NoSuch
from muniment.server.risks.services.acceptances import (
    acceptance_for,
    acceptances_of,
    decide,
    decision_on,
    propose,
    revoke,
    withdraw,
)
from muniment.server.risks.services.keeping import definition_now
from muniment.server.risks.services.lapsing import expire_due, outdate_links
from muniment.server.risks.services.matrices import (
    Held,
    matrix_in_force,
    matrix_of,
    matrix_versions,
    save_matrix,
)
from muniment.server.risks.services.mirror import mirror
from muniment.server.risks.services.reading import (
    MOST,
    PAGE,
    Heat,
    Page,
    accepted_among,
    heat,
    level_of,
    risk_for,
    risk_of_chain,
    risks,
    risks_of,
    selected,
    versions_of,
)
from muniment.server.risks.services.risks import change_risk, close_risk, holds, open_risk, reopen_risk
from muniment.server.risks.services.snapshots import said_by, snapshots, take_daily, take_snapshot

__all__ = [
    "MOST",
    "PAGE",
    "Heat",
    "Held",
    "NoSuch",
    "Page",
    "acceptance_for",
    "acceptances_of",
    "accepted_among",
    "change_risk",
    "close_risk",
    "decide",
    "decision_on",
    "definition_now",
    "expire_due",
    "heat",
    "holds",
    "level_of",
    "matrix_in_force",
    "matrix_of",
    "matrix_versions",
    "mirror",
    "open_risk",
    "outdate_links",
    "propose",
    "reopen_risk",
    "revoke",
    "risk_for",
    "risk_of_chain",
    "risks",
    "risks_of",
    "said_by",
    "save_matrix",
    "selected",
    "snapshots",
    "take_daily",
    "take_snapshot",
    "versions_of",
    "withdraw",
]
