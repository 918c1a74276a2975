"""The chain of the journal computed a second time, from include/contract/journal_chain.h alone."""

import hashlib
import json

import instance

BEGIN = "0" * 64
RECORD_FIELDS = ["chain", "sequence", "id", "at", "request_id", "actor_id", "actor", "credential_id", "action", "kind",
                 "entity", "before", "after", "reason"]


def text_list_hash(texts):
    """SHA-256 of texts as "length:bytes,", absent ones as "-,"."""
    parts = []
    for text in texts:
        data = None if text is None else str(text).encode()
        parts.append(b"-," if data is None else b"%d:%s," % (len(data), data))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def record_hash(record):
    fields = [record[field] for field in RECORD_FIELDS]
    return text_list_hash(["em.change.1", *fields] if record["address"] is None else ["em.change.2", *fields, record["address"]])


def batch_hash(batch, previous, record_hashes):
    return text_list_hash(["em.batch.1", batch["chain"], previous, batch["first"], batch["last"], batch["count"],
                           batch["sealed_at"], *record_hashes])


def rows(data, statement, database="environment_manager"):
    """The rows of a statement as objects."""
    text = instance.sql(data, f"SELECT coalesce(json_agg(row), '[]') FROM ({statement}) row", database)
    return json.loads(text)


def check_database(data, database="environment_manager"):
    """Everything in the journal is sealed, once, without gaps, with the right hashes; returns how many records there are."""
    records = rows(data, "SELECT s.position, s.chain_id AS chain, s.sequence, s.hash, t.id, t.at, t.request_id, t.actor_id,"
                         " t.actor, t.credential_id, t.action, t.kind, t.entity, t.before, t.after, t.reason, t.address"
                         " FROM change_seal s JOIN change_text t USING (change_id) ORDER BY s.chain_id, s.sequence", database)
    batches = rows(data, "SELECT chain_id AS chain, first, last, count, hash, rfc3339_microseconds(sealed_at) AS sealed_at"
                         " FROM change_batch ORDER BY chain_id, last", database)
    assert sorted(record["position"] for record in records) == list(range(1, len(records) + 1))
    assert int(instance.sql(data, "SELECT count(*) FROM change", database)) == len(records)
    hashes, heads = {}, {}
    for record in records:
        of_chain = hashes.setdefault(record["chain"], [])
        of_chain.append(record["hash"])
        assert record["sequence"] == len(of_chain) and record["hash"] == record_hash(record)
    for batch in batches:
        last, previous = heads.get(batch["chain"], (0, BEGIN))
        assert batch["first"] == last + 1 and batch["count"] == batch["last"] - last
        assert batch["hash"] == batch_hash(batch, previous, hashes[batch["chain"]][last:batch["last"]])
        heads[batch["chain"]] = (batch["last"], batch["hash"])
    assert {chain: len(of_chain) for chain, of_chain in hashes.items()} == {chain: last for chain, (last, _) in heads.items()}
    return len(records)
