"""What the sample company's agents do all day: research, support, billing."""

from typing import Any

from muniment.server.sample.happening import Happening, Thread


def research(
    thread: Thread, company: dict[str, Any], question: dict[str, str], asked_by: Happening | None
) -> Happening:
    """An agent answers a question: it plans, searches, reads (sometimes in vain, and again), and answers."""
    me = "research-01"
    start = thread.tell(
        me,
        "agent.start",
        causes=(asked_by,) if asked_by else (),
        workspace="wks-office",
        payload={"task": question["ask"]},
    )
    plan = thread.think(me, company["model"], question["ask"], "Search, then read the best source.", start)
    found = thread.call(
        me,
        "web_search",
        {"query": question["search"]},
        {"hits": [{"title": question["ask"][:40], "url": question["document"]}]},
        causes=(plan,),
    )
    read = None
    if thread.dice.random() < 0.3:
        read = thread.call(
            me,
            "http_request",
            {"method": "GET", "url": question["document"]},
            {"error": "time-out after 10 s"},
            causes=(found,),
            outcome="failure",
            resource=("url", question["document"]),
            took=(10, 10.1),
        )
        thread.wait(1, 2)
    read = thread.call(
        me,
        "http_request",
        {"method": "GET", "url": question["document"]},
        {"status": 200, "bytes": thread.dice.randint(8_000, 90_000)},
        causes=(read or found,),
        resource=("url", question["document"]),
    )
    answer = thread.think(
        me, company["model"], f"Answer from what was read: {question['ask']}", question["answer"], read
    )
    return thread.tell(
        me, "agent.finish", causes=(answer,), workspace="wks-office", payload={"answer": question["answer"]}
    )


def support(
    thread: Thread, company: dict[str, Any], ticket: dict[str, Any], question: dict[str, str], approver: str
) -> None:
    """A support agent works a ticket, asks research, and asks billing for a refund, which may need a person."""
    me, place = "support-03", "wks-prod"
    resource = ("ticket", ticket["number"])
    start = thread.tell(
        me,
        "agent.start",
        resource=resource,
        workspace=place,
        labels={"channel": thread.dice.choice(["mail", "phone", "web"])},
        payload={"ticket": ticket["number"], "subject": ticket["subject"]},
    )
    read = thread.call(
        me,
        "desk.read_ticket",
        {"number": ticket["number"]},
        {"customer": ticket["customer"], "subject": ticket["subject"]},
        causes=(start,),
        resource=resource,
    )
    plan = thread.think(me, company["model"], f"How do we help {ticket['customer']}?", "Look it up; then reply.", read)
    if thread.dice.random() < 0.5:
        asked = thread.tell(
            me,
            "agent.delegate",
            causes=(plan,),
            resource=("agent", "agent:research-01"),
            workspace=place,
            payload={"task": question["ask"]},
        )
        plan = research(thread, company, question, asked)
    last = plan
    if ticket["refund"]:
        asked = thread.tell(
            me,
            "agent.delegate",
            causes=(plan,),
            resource=("agent", "agent:billing-02"),
            workspace=place,
            payload={"task": "refund", "ticket": ticket["number"], "euros": ticket["refund"]},
        )
        last = refund(thread, ticket, approver, asked)
    reply = thread.think(me, company["model"], "Write the reply.", f"Dear {ticket['customer']}, …", last)
    sent = thread.call(
        me,
        "desk.reply",
        {"number": ticket["number"], "close": True},
        {"sent": True},
        causes=(reply,),
        resource=resource,
    )
    thread.tell(me, "agent.finish", causes=(sent,), resource=resource, workspace=place)


def refund(thread: Thread, ticket: dict[str, Any], approver: str, asked_by: Happening) -> Happening:
    """Billing refunds small amounts by itself; a larger one is refused by policy until a person has approved it."""
    me, euros = "billing-02", int(ticket["refund"])
    start = thread.tell(me, "agent.start", causes=(asked_by,), workspace="wks-prod", payload={"task": "refund"})
    resource = ("payment", f"refund-{ticket['number']}")
    cause = start
    if euros > 100:
        refused = thread.tell(
            me,
            "tool.refuse",
            outcome="denied",
            tool="payments.refund",
            causes=(start,),
            resource=resource,
            labels={"policy": "refund-limit-100"},
            payload={"euros": euros, "reason": "above 100 euros a person has to approve"},
        )
        thread.wait(60, 900)
        cause = thread.tell(
            me,
            "x.refund.approve",
            actor=("user", approver),
            causes=(refused,),
            resource=resource,
            payload={"euros": euros, "comment": "Photographs show the damage."},
        )
    key = thread.tell(
        me, "secret.access", causes=(cause,), resource=("secret", "payments/api-key"), workspace="wks-prod"
    )
    paid = thread.call(
        me, "payments.refund", {"euros": euros}, {"state": "paid"}, causes=(cause, key), resource=resource
    )
    return thread.tell(me, "agent.finish", causes=(paid,), workspace="wks-prod")


def invoices(thread: Thread, company: dict[str, Any]) -> None:
    """Billing's run over the open invoices: one of them fails, one may not be sent."""
    me, place = "billing-02", "wks-prod"
    start = thread.tell(
        me, "agent.start", workspace=place, labels={"schedule": "hourly"}, payload={"task": "open invoices"}
    )
    listed = thread.call(
        me,
        "invoices.list",
        {"state": "open"},
        {"numbers": [invoice["number"] for invoice in company["invoices"]]},
        causes=(start,),
    )
    ends = []
    for invoice in company["invoices"]:
        resource = ("invoice", invoice["number"])
        checked = thread.call(
            me,
            "sql.query",
            {"statement": "SELECT cents FROM invoices WHERE number = $1", "parameters": [invoice["number"]]},
            {"rows": [[invoice["cents"]]]},
            causes=(listed,),
            resource=resource,
            took=(0.01, 0.2),
        )
        if invoice["cents"] > 1_000_000:
            if thread.dice.random() < 0.2:
                # An old client names an action that no registry knows: the ledger refuses it, and the gap has a name.
                thread.tell(me, "invoice.skip", resource=resource, payload={"number": invoice["number"]})
            ends.append(
                thread.tell(
                    me,
                    "tool.refuse",
                    outcome="denied",
                    tool="mail.send",
                    causes=(checked,),
                    resource=resource,
                    labels={"policy": "four-eyes-above-10000"},
                    payload={"reason": "an invoice above 10,000 euros is sent by a person"},
                )
            )
            continue
        fails = thread.dice.random() < 0.15
        ends.append(
            thread.call(
                me,
                "mail.send",
                {"to": invoice["customer"], "template": "invoice", "number": invoice["number"]},
                {"error": "mailbox full"} if fails else {"queued": True},
                causes=(checked,),
                outcome="failure" if fails else "success",
                resource=resource,
            )
        )
    thread.tell(me, "agent.finish", causes=tuple(ends), workspace=place)
