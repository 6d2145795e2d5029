"""The tamper matrix: what is done to a log, by whom, and which layers catch it by which check.

`tests/attack/test_matrix.py` performs every attack of it and holds both directions: what is said to be caught is caught
by that check, and what is said not to be caught is not. `docs/threat-model.md` shows the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LAYERS: Final[Mapping[str, str]] = {
    "database": "a grant, a constraint, a trigger or a function of the ledger refuses",
    "sealer": "refuses to sign on, because of the last signed head that it keeps outside the database",
    "walk": "the audit walk in the database, with the root key pinned and the sealer's last head at hand",
    "first-look": "`muniment verify` by somebody who pinned origin, genesis and root key, and never saw a checkpoint",
    "bundle": "`muniment verify` by an auditor who holds an older checkpoint as well",
    "standalone": "the single-file verifier with the auditor's pins",
    "known-logs": "a client without pins that has verified the log up to its newest checkpoint before",
    "shipper": "the agent's shipper does not free the spool of what it sent since its last proof",
}
READERS: Final = ("first-look", "bundle", "standalone", "known-logs")
EVERYBODY: Final = ("walk", *READERS, "shipper", "sealer")

NETWORK = "network client"
APPEND_KEY = "stolen append key"
READ_KEY = "stolen read key"
INGEST = "ingest role"
APP = "app role"
AUDITOR = "auditor role"
OWNER = "table owner"
SUPERUSER = "superuser"
LOG_KEY = "operator with the log key"
BOTH_KEYS = "operator with log and region key"
HEAD_TOO = "the same, and the sealer's file"
BACKUP = "whoever holds a backup"
HANDS_OVER = "whoever hands over a file"
OLD_KEYS = "thief of keys that were since revoked"
SOURCE = "the source itself"


@dataclass(frozen=True, slots=True)
class Attack:
    """One row.

    Attributes:
        name: of the function that performs it.
        attacker: who can do it.
        done: what is done, in words.
        caught_by: check by layer.
        not_caught_by: layers that look at it and do not catch it; all others have nothing to look at.
        remark: why that is so, or what closes it.
    """

    name: str
    attacker: str
    done: str
    caught_by: Mapping[str, str] = field(default_factory=dict)
    not_caught_by: tuple[str, ...] = ()
    remark: str = ""


def _refused(name: str, attacker: str, done: str, by: str, remark: str = "") -> Attack:
    return Attack(name, attacker, done, {"database": by}, (), remark)


def _seen(
    name: str, attacker: str, done: str, remark: str = "", *, readers: str = "", file: bool = False, **caught: str
) -> Attack:
    """A row over all layers. `readers`: the check by which all who read a bundle catch it."""
    looked = READERS if file else ("database", *EVERYBODY)
    found = dict.fromkeys(READERS, readers) if readers else {}
    for layer, check in caught.items():
        found[layer.replace("_", "-")] = check
    found = {layer: found[layer] for layer in LAYERS if found.get(layer)}
    return Attack(
        name, attacker, done, found, tuple(one for one in LAYERS if one in looked and one not in found), remark
    )


def _file(name: str, attacker: str, done: str, remark: str = "", *, readers: str = "", **caught: str) -> Attack:
    return _seen(name, attacker, done, remark, readers=readers, file=True, **caught)


KEPT = "keeps the spool"
REFUSES = "refuses"

REFUSED: Final = (
    _refused("event_id_reused_for_other_content", NETWORK, "reuses an event id for other content", "conflict"),
    _refused("event_sent_again", NETWORK, "sends an event again", "first receipt", "No second entry."),
    _refused("event_replayed_under_another_key", APPEND_KEY, "replays an event under another key", "source.id"),
    _refused("event_for_the_source_of_another_key", APPEND_KEY, "writes on in another key's source", "source.id"),
    _refused("event_in_the_ledgers_own_name", APPEND_KEY, "writes as the ledger's own source", "source.id"),
    _refused("append_with_a_read_key", READ_KEY, "appends with a read key", "key"),
    _refused("append_to_the_log_of_another_tenant", APPEND_KEY, "appends to another tenant's log", "key"),
    _refused("ingest_role_writes_an_entry_itself", INGEST, "writes an entry past append()", "grant"),
    _refused("ingest_role_hands_in_unsorted_labels", INGEST, "hands append() what is not canonical", "labels"),
    _refused("app_role_edits_an_entry", APP, "edits an entry", "grant"),
    _refused("app_role_deletes_an_entry", APP, "deletes an entry", "grant"),
    _refused("app_role_lowers_the_head", APP, "lowers the head row", "grant"),
    _refused("app_role_edits_a_body", APP, "edits a body", "grant"),
    _refused("auditor_role_writes", AUDITOR, "edits an entry", "grant"),
    _refused("owner_edits_an_entry", OWNER, "edits an entry, triggers on", "refuse_change"),
    _refused("owner_deletes_the_newest_entry", OWNER, "deletes the newest entry, triggers on", "refuse_change"),
    _refused("owner_empties_a_partition", OWNER, "truncates a partition, triggers on", "refuse_change"),
    _refused("owner_lowers_the_head", OWNER, "lowers the head row, triggers on", "guard_heads"),
    _refused("owner_inserts_an_entry_twice", OWNER, "inserts an entry a second time, triggers on", "constraint"),
    _refused("owner_inserts_an_entry_of_the_past", OWNER, "inserts an entry dated back", "guard_entries"),
    _refused("owner_inserts_an_entry_of_the_future", OWNER, "inserts an entry dated ahead", "guard_entries"),
    _refused("owner_edits_a_body", OWNER, "edits a body, triggers on", "keep_body"),
    _refused("owner_erases_a_body_in_silence", OWNER, "erases a body that no entry tells of", "keep_body"),
    _refused("owner_renames_the_log", OWNER, "gives the log another origin", "keep_log"),
    _refused("owner_replaces_a_checkpoint", OWNER, "edits a checkpoint, triggers on", "refuse_change"),
    _refused("owner_revives_a_revoked_key", OWNER, "revives a revoked API key", "keep_api_key"),
    _refused(
        "body_and_salt_cut_at_another_place",
        SUPERUSER,
        "moves the border between salt and body, to the same commitment",
        "constraint",
    ),
)

DAMAGED: Final = (
    _seen("edited_body", SUPERUSER, "edits a body", readers="bodies", walk="bodies"),
    _seen("edited_salt", SUPERUSER, "edits a salt", readers="bodies", walk="bodies"),
    _seen(
        "bodies_of_two_entries_swapped", SUPERUSER, "swaps the bodies of two entries", readers="bodies", walk="bodies"
    ),
    _seen(
        "body_erased_in_silence",
        SUPERUSER,
        "erases a body, and passes it off as not disclosed",
        "Outside, an erased body is a body that is not disclosed; the report counts those.",
        walk="bodies",
    ),
    _seen("edited_text", SUPERUSER, "edits an entry's text", readers="chain", walk="chain"),
    _seen("edited_text_and_hash", SUPERUSER, "edits text and hash", readers="tree", walk="tree"),
    _seen("text_made_not_canonical", SUPERUSER, "puts a blank into a text", readers="entries", walk="entries"),
    _seen(
        "edited_column",
        OWNER,
        "switches triggers off, edits a column",
        "Bundles hold texts, no columns; queries would be misled.",
        walk="columns",
    ),
    _seen("edited_control_index", SUPERUSER, "takes an entry out of the controls index", walk="columns"),
    _seen("edited_label_index", SUPERUSER, "gives an entry another label in the index", walk="columns"),
    _seen("event_id_freed_for_other_content", SUPERUSER, "frees a used event id", walk="columns"),
    _seen("deleted_entry", SUPERUSER, "deletes an entry in the middle", readers="chain", walk="chain"),
    _seen("swapped_entries", SUPERUSER, "swaps two entries", readers="place", walk="place"),
    _seen("inserted_entry", SUPERUSER, "inserts an entry", readers="place", walk="place", shipper=KEPT),
    _seen("duplicated_entry", SUPERUSER, "doubles an entry", readers="place", walk="place"),
    _seen("entry_of_another_tenant", SUPERUSER, "puts in another tenant's entry", readers="place", walk="place"),
    _seen(
        "cut_tail", SUPERUSER, "cuts the tail, nothing else", readers="form", walk="chain", shipper=KEPT, sealer=REFUSES
    ),
    _seen(
        "cut_tail_with_head_row_and_seals",
        SUPERUSER,
        "cuts the tail; lowers head row, tree and checkpoints with it",
        "A file that ends early is an older file; only who saw more can tell.",
        walk="head",
        known_logs="pin",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "partition_detached", OWNER, "detaches a partition", readers="form", walk="chain", shipper=KEPT, sealer=REFUSES
    ),
    _seen(
        "partition_emptied",
        SUPERUSER,
        "truncates a partition, triggers off",
        readers="form",
        walk="chain",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "edge_of_the_tree_edited",
        SUPERUSER,
        "edits the stored right edge",
        "A bundle of the whole log is folded from its entries.",
        walk="tree",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "tile_edited",
        SUPERUSER,
        "edits a stored tile",
        "A bundle of the whole log is folded from its entries.",
        walk="tree",
        shipper=KEPT,
    ),
    _seen(
        "signature_removed",
        SUPERUSER,
        "removes the log's signature",
        readers="signatures",
        walk="signatures",
        shipper=KEPT,
    ),
    _seen(
        "cosignature_removed",
        SUPERUSER,
        "removes the cosignature",
        readers="cosignatures",
        walk="cosignatures",
        shipper=KEPT,
    ),
    _seen(
        "cosignature_forged",
        SUPERUSER,
        "forges the cosignature's bytes",
        readers="cosignatures",
        walk="cosignatures",
        shipper=KEPT,
    ),
    _seen(
        "cosignature_of_a_stranger",
        SUPERUSER,
        "cosigns with a key of the same name",
        readers="cosignatures",
        walk="cosignatures",
        shipper=KEPT,
    ),
    _seen("checkpoint_forged", SUPERUSER, "adds a checkpoint between two", readers="signatures", walk="signatures"),
    _seen(
        "checkpoint_forged_with_the_application_role",
        APP,
        "publishes a checkpoint with a made-up root and signature",
        "The database does not check signatures.",
        readers="signatures",
        walk="signatures",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "newest_checkpoint_removed",
        SUPERUSER,
        "removes the newest checkpoint; tree taken back",
        "It looks like a crash between signing and storing: the sealer's next round stores the same note again.",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "keys_note_of_another_root",
        SUPERUSER,
        "replaces the keys note by one of another root",
        "A client that knows the log goes on with the note that it remembers.",
        walk="keys",
        first_look="keys",
        bundle="keys",
        standalone="keys",
        sealer=REFUSES,
    ),
)

FORGED: Final = (
    _seen(
        "rechained_under_the_old_seals",
        SUPERUSER,
        "changes an entry and re-chains all after it, triggers off",
        readers="tree",
        walk="tree",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "rechained_and_sealed_with_another_key",
        SUPERUSER,
        "re-chains, re-seals with keys of the same names",
        readers="signatures",
        walk="signatures",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "rechained_with_keys_of_another_root",
        SUPERUSER,
        "re-chains, re-seals, issues a keys note under another root",
        readers="keys",
        walk="keys",
        known_logs="signatures",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "rechained_and_sealed_with_the_log_key",
        LOG_KEY,
        "re-chains, re-seals with the true log key",
        readers="cosignatures",
        walk="cosignatures",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "rechained_and_sealed_with_log_and_region_key",
        BOTH_KEYS,
        "re-chains, re-seals with all true keys",
        "Who never saw a checkpoint cannot tell: anchors and witnesses, later.",
        walk="tree",
        bundle="pin",
        standalone="pin",
        known_logs="pin",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "rechained_sealed_and_head_file_replaced",
        HEAD_TOO,
        "replaces the last signed head as well",
        "Now the whole installation agrees with itself; only what others hold does not.",
        bundle="pin",
        standalone="pin",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "rechained_after_what_the_auditor_holds",
        HEAD_TOO,
        "the same, behind the checkpoint that the auditor holds",
        "A checkpoint proves what lies under it, and nothing after it.",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "entry_left_out_and_rechained",
        HEAD_TOO,
        "leaves an entry out, renumbers, re-chains, re-seals",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "tail_rewritten_that_nobody_has_seen",
        SUPERUSER,
        "rewrites entries that are recorded and not yet sealed",
        "Sealing within a second keeps this window small; the agent whose event it is catches it (below).",
    ),
    _seen(
        "time_moved_back",
        HEAD_TOO,
        "dates an entry back, re-chains, re-seals",
        readers="time",
        walk="time",
        shipper=KEPT,
    ),
    _seen(
        "time_moved_forward",
        HEAD_TOO,
        "dates all entries from one on ahead, re-chains, re-seals",
        "Times that only rise are the operator's word: anchors, later.",
        bundle="pin",
        standalone="pin",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "genesis_replaced",
        HEAD_TOO,
        "changes entry 0, re-chains, re-seals",
        readers="genesis",
        walk="genesis",
        shipper=KEPT,
    ),
    _seen(
        "backup_restored",
        BACKUP,
        "puts back an older database",
        walk="head",
        known_logs="pin",
        shipper=KEPT,
        sealer=REFUSES,
    ),
    _seen(
        "backup_restored_with_the_head_file",
        BACKUP,
        "puts back an older database and the sealer's file of that time",
        "The reason to keep that file out of the backups.",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "backup_restored_and_written_on",
        BACKUP,
        "the same, and goes on recording and sealing",
        "A fork under the true keys.",
        known_logs="pin",
        shipper=KEPT,
    ),
    _seen(
        "event_withheld_by_its_source",
        SOURCE,
        "leaves a number out",
        "Recorded as it came; the gap has a name.",
        readers="sources",
        walk="sources",
    ),
)

HANDED: Final = (
    _file("one_byte_edited", HANDS_OVER, "edits one byte, mends the closing digest", readers="chain"),
    _file("bundle_damaged", HANDS_OVER, "edits one byte", readers="form"),
    _file("bundle_cut_off", HANDS_OVER, "cuts the file off", readers="form"),
    _file(
        "bundle_cut_at_an_older_checkpoint",
        HANDS_OVER,
        "hands over an older state as the newest",
        "It is a true bundle; its size and last time are in the report.",
        known_logs="pin",
    ),
    _file(
        "bundle_cut_below_what_the_auditor_holds",
        HANDS_OVER,
        "hands over a state older than the auditor's checkpoint",
        bundle="pin",
        standalone="pin",
        known_logs="pin",
    ),
    _file("lines_of_two_entries_swapped", HANDS_OVER, "swaps two entries", readers="place"),
    _file("entry_dropped_from_the_file", HANDS_OVER, "drops an entry", readers="chain"),
    _file(
        "body_left_out_of_the_file",
        HANDS_OVER,
        "leaves a body out",
        "Bodies may stay undisclosed; the report counts them.",
    ),
    _file(
        "entries_hidden_in_a_subtree",
        HANDS_OVER,
        "hides entries in a subtree and calls the file complete",
        "A part of a log is a true bundle; the report counts the links that it could not check.",
    ),
    _file(
        "held_checkpoint_hidden_in_a_subtree",
        BOTH_KEYS,
        "forges below the auditor's checkpoint, and hides the place where it could be compared",
        "First look: no checkpoint to compare.",
        bundle="pin",
        standalone="pin",
        known_logs="pin",
    ),
    _file("cosignatures_stripped", HANDS_OVER, "strips all cosignatures", readers="cosignatures"),
    _file("checkpoint_of_a_key_that_is_not_in_force", HANDS_OVER, "signs with a key of its own", readers="signatures"),
    _file(
        "no_keys_note",
        HANDS_OVER,
        "leaves the keys note out",
        "A client that knows the log uses the note that it remembers.",
        first_look="keys",
        bundle="keys",
        standalone="keys",
    ),
    _file(
        "log_of_another_tenant",
        HANDS_OVER,
        "hands over another tenant's log",
        "To a client that asked for no log in particular it is the first use of another log, and is called so.",
        first_look="place",
        bundle="place",
        standalone="place",
    ),
    _file(
        "log_of_another_tenant_relabelled",
        BOTH_KEYS,
        "relabels another tenant's log and signs it with that log's key",
        readers="genesis",
    ),
    _file(
        "older_keys_note_replayed",
        OLD_KEYS,
        "signs on with a revoked log key, under the keys note from before",
        "Who has never seen the newer note cannot miss it.",
        known_logs="signatures",
    ),
    _file(
        "cosignature_after_its_revocation",
        OLD_KEYS,
        "cosigns with a revoked region key",
        readers="cosignatures",
    ),
    _file(
        "cosignature_backdated_by_a_revoked_cosigner",
        OLD_KEYS,
        "the same with the log key, dated before the revocation",
        "Only a token of somebody else's clock contradicts it: anchors and witnesses, later.",
    ),
)

SHOWN: Final = (
    Attack(
        "another_view_for_another_client",
        BOTH_KEYS,
        "shows two clients two histories, both signed",
        {"known-logs": "pin", "shipper": KEPT},
        ("first-look", "bundle", "standalone"),
        "Each sees the fork as soon as it is shown the other history; before, only by comparing: witnesses, later.",
    ),
    Attack(
        "older_state_served_to_the_agent",
        BOTH_KEYS,
        "shows the agent an older state for ever",
        {"shipper": KEPT},
        (),
        "After 60 seconds the shipper raises the alarm.",
    ),
    Attack(
        "agents_event_replaced_before_sealing",
        SUPERUSER,
        "rewrites what was acknowledged and not yet sealed",
        {"shipper": KEPT},
        READERS,
        "The agent holds its event until it is proven to be in the log.",
    ),
)

MATRIX: Final = (*REFUSED, *DAMAGED, *FORGED, *HANDED, *SHOWN)


def table() -> str:
    """The matrix as a Markdown table: the check that catches, `no` where a layer looks and does not catch."""
    layers = tuple(LAYERS)
    lines = [
        "| Attacker | What is done | " + " | ".join(layers) + " | Why, or what closes it |",
        "|" + "---|" * (len(layers) + 3),
    ]
    for attack in MATRIX:
        cells = [
            f"`{attack.caught_by[layer]}`"
            if layer in attack.caught_by
            else "no"
            if layer in attack.not_caught_by
            else ""
            for layer in layers
        ]
        lines.append(f"| {attack.attacker} | {attack.done} | " + " | ".join(cells) + f" | {attack.remark} |")
    return "\n".join(lines)


PAGE: Final = Path(__file__).parents[2] / "docs" / "threat-model.md"
_BEGIN: Final = "<!-- matrix: begin (python -m tests.attack.matrix) -->"
_END: Final = "<!-- matrix: end -->"


def with_table(page: str) -> str:
    """The page with the matrix between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    layers = "\n".join(f"- **{layer}**: {words}" for layer, words in LAYERS.items())
    return f"{before}{_BEGIN}\n\n{layers}\n\n{table()}\n\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
