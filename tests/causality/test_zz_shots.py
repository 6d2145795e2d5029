"""Screenshots."""
import json, secrets
from pathlib import Path
from tests.causality.conftest import *
from tests.causality.conftest import agent, delegation, told
from tests.server.events import complete, ulid

def test_shots(visitor, reader, installation):
    d = json.load(open("/tmp/T/demo.json"))
    ids = {}
    trace = secrets.token_hex(16)
    for n in sorted(d["nodes"], key=lambda n: n["seq"]):
        ids[n["event"]] = f"evt_{ulid()}"
    for n in sorted(d["nodes"], key=lambda n: n["seq"]):
        sub = complete(reader.source)
        sub["event"] |= dict(id=ids[n["event"]], action=n["action"], actor={"id": n["actor"], "type": n["actor_type"]}, outcome=n["outcome"], occurred_at=n["occurred_at"],
            trace={"id": trace}, causes=sorted(f"{reader.source}/{ids[c]}" for c in n.get("causes", [])))
        for k in ("tool", "causes"): 
            if k == "tool" or not sub["event"][k]: sub["event"].pop(k, None)
        if n.get("target"): sub["event"]["tool"] = n["target"]
        with reader.tenant.client() as client:
            answer = client.post("/api/events", json=sub)
            assert answer.status_code == 201, answer.text
    installation.seal()
    small = secrets.token_hex(16)
    made = delegation(reader, small)
    own = f"evt_{ulid()}"
    reader.record(id=own, causes=sorted([f"{reader.source}/{own}", made["failed"][1], f"src_{ulid()}/evt_{ulid()}"]), actor=agent("مساعد-with-a-very-long-name-that-goes-on-and-on"), trace={"id": small})
    reader.person.sign_in_context(visitor.context)
    page = visitor.page
    out = Path("/tmp/T/out"); out.mkdir(exist_ok=True)
    for name, t in (("full", trace + "?full=1"),):
        for scheme in ("light", "dark"):
            for w, h in ((1440, 900), (390, 844)):
                if name == "full" and (scheme, w) != ("light", 1440): continue
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": w, "height": h})
                page.goto(reader.address(f"/trace/{t}"))
                print(name, scheme, w, page.evaluate("document.documentElement.scrollWidth"))
                page.screenshot(path=str(out / f"{name}-{scheme}-{w}.png"), full_page=True)
