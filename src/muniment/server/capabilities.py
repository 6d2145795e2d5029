"""What a person or a key may be allowed to do. Roles are sets of these; whatever is guarded names one of them."""

from enum import StrEnum
from typing import Final


class Capability(StrEnum):
    """One thing that can be allowed. The value is stored in roles and shown with `MEANINGS`."""

    LEDGER_READ = "ledger.read"
    LEDGER_APPEND = "ledger.append"
    LEDGER_VERIFY = "ledger.verify"
    BODY_READ = "body.read"
    EXPORT_CREATE = "export.create"
    SAMPLE_DRAW = "sample.draw"
    SAMPLE_MARK = "sample.mark"
    CONTROL_MANAGE = "control.manage"
    CATALOG_MANAGE = "catalog.manage"
    ENTRY_SIGN = "entry.sign"
    ATTACHMENT_MANAGE = "attachment.manage"
    PACKET_REQUEST = "packet.request"
    PACKET_APPROVE = "packet.approve"
    PACKET_DELIVER = "packet.deliver"
    EXCEPTION_READ = "exception.read"
    EXCEPTION_REQUEST = "exception.request"
    EXCEPTION_APPROVE = "exception.approve"
    WORKFLOW_MANAGE = "workflow.manage"
    RISK_MANAGE = "risk.manage"
    RISK_ACCEPT = "risk.accept"
    REGISTER_MANAGE = "register.manage"
    DLP_MANAGE = "dlp.manage"
    ALERT_MANAGE = "alert.manage"
    SOURCE_READ = "source.read"
    KEY_MANAGE = "key.manage"
    MEMBER_READ = "member.read"
    MEMBER_MANAGE = "member.manage"
    ROLE_MANAGE = "role.manage"
    SSO_MANAGE = "sso.manage"
    TENANT_MANAGE = "tenant.manage"
    TRAIL_READ = "trail.read"


MEANINGS: Final[dict[Capability, str]] = {
    Capability.LEDGER_READ: "See entries, proofs, checkpoints and the overview",
    Capability.LEDGER_APPEND: "Record events (API keys only)",
    Capability.LEDGER_VERIFY: "Order a walk that checks the whole log",
    Capability.BODY_READ: "See the payloads behind entries: arguments, results, reasons",
    Capability.EXPORT_CREATE: "Take entries out as bundles and exports",
    Capability.SAMPLE_DRAW: "Save populations and draw samples from them",
    Capability.SAMPLE_MARK: "Mark sampled entries and conclude on samples",
    Capability.CATALOG_MANAGE: "Bring in catalogs, change which controls actions evidence",
    Capability.CONTROL_MANAGE: "Define, change and retire the tenant's own controls",
    Capability.ENTRY_SIGN: "Sign entries electronically under their own name (people only)",
    Capability.ATTACHMENT_MANAGE: "Attach files to controls, replace and withdraw them",
    Capability.PACKET_REQUEST: "Define what packets hold, ask for packets and sign for them",
    Capability.PACKET_APPROVE: "Approve and refuse packets that others asked for",
    Capability.PACKET_DELIVER: "Build approved packets, take them out and hand them over",
    Capability.EXCEPTION_READ: "See exceptions, risks, tasks, findings, incidents, assets, policies and alerts",
    Capability.EXCEPTION_REQUEST: "Draft exceptions, submit, renew and withdraw their own, comment",
    Capability.EXCEPTION_APPROVE: "Approve, return, reject and revoke exceptions that others asked for",
    Capability.WORKFLOW_MANAGE: "Change how exceptions are approved, for how long they may last, and who is reminded",
    Capability.RISK_MANAGE: "Keep the risk register: assess risks, name owners, plan treatment, change the matrix",
    Capability.RISK_ACCEPT: "Accept risks, for a limited time",
    Capability.REGISTER_MANAGE: "Keep policies, assets, tasks, findings and incidents",
    Capability.DLP_MANAGE: "Change what attachments are searched for, release what is in quarantine",
    Capability.ALERT_MANAGE: "Acknowledge alerts of the anomaly detection and set what it watches",
    Capability.SOURCE_READ: "See sources and API keys (never their secrets)",
    Capability.KEY_MANAGE: "Make and revoke API keys and service accounts",
    Capability.MEMBER_READ: "See members, roles and groups",
    Capability.MEMBER_MANAGE: "Invite and remove members, give them roles and groups",
    Capability.ROLE_MANAGE: "Define what roles allow",
    Capability.SSO_MANAGE: "Change how people sign in: single sign-on, verified domains",
    Capability.TENANT_MANAGE: "Change the tenant's settings, hosts and workspaces",
    Capability.TRAIL_READ: "See what people did in this tenant",
}

# Those whose holder can change who may do what, or let data out: asked again for a second factor.
STEP_UP: Final = frozenset(
    {
        Capability.CATALOG_MANAGE,
        Capability.ENTRY_SIGN,
        Capability.EXPORT_CREATE,
        Capability.PACKET_APPROVE,
        Capability.PACKET_DELIVER,
        Capability.EXCEPTION_APPROVE,
        Capability.WORKFLOW_MANAGE,
        Capability.RISK_ACCEPT,
        Capability.DLP_MANAGE,
        Capability.KEY_MANAGE,
        Capability.MEMBER_MANAGE,
        Capability.ROLE_MANAGE,
        Capability.SSO_MANAGE,
        Capability.TENANT_MANAGE,
    }
)
# What an API key may do when no service account says otherwise.
OF_SCOPE: Final[dict[str, frozenset[Capability]]] = {
    "append": frozenset({Capability.LEDGER_APPEND}),
    "read": frozenset(
        {
            Capability.LEDGER_READ,
            Capability.LEDGER_VERIFY,
            Capability.BODY_READ,
            Capability.EXPORT_CREATE,
            Capability.SAMPLE_DRAW,
            Capability.EXCEPTION_READ,
            Capability.SOURCE_READ,
        }
    ),
}
# What a reviewer of evidence does beside looking; each of it is recorded under their name.
REVIEW: Final = frozenset({Capability.SAMPLE_DRAW, Capability.SAMPLE_MARK, Capability.ENTRY_SIGN})
# What somebody may do who only looks.
READ_ONLY: Final = frozenset(
    {
        Capability.LEDGER_READ,
        Capability.BODY_READ,
        Capability.EXPORT_CREATE,
        Capability.EXCEPTION_READ,
        Capability.SOURCE_READ,
        Capability.MEMBER_READ,
        Capability.TRAIL_READ,
    }
)
