"""Checks files of `strandline-proof` with aics-tlog, and writes files that it checks.

`aics.py read DIR`: every key, checkpoint, tile, bundle and proof of a directory that the example log_files
wrote, and that changed ones are refused. `aics.py write DIR`: a log of aics-tlog's own. Nothing of
Strandline runs here.
"""

import base64
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import aics_tlog as tlog


def hashes(lines):
    return [base64.b64decode(line, validate=True) for line in lines]


def head(directory, name, log, witness):
    note = tlog.parse_note((directory / name).read_text(encoding="utf-8"))
    result = tlog.verify_checkpoint(note, log, [witness], 1)
    assert result.ok and result.witnesses == [witness.name], (name, result)
    return result


def read(directory):
    log = tlog.parse_vkey((directory / "key").read_text())
    witness = tlog.parse_vkey((directory / "witness-key").read_text())
    last = head(directory, "checkpoint", log, witness)
    reader = tlog.FileSystemTileReader(directory)
    audit = tlog.audit_tiles(reader, last.size, last.root)
    checked = {"tiles": audit.tiles, "bundles": audit.bundles, "heads": 0, "growths": 0, "proofs": 0}
    heads = {}
    for path in directory.glob("checkpoint-*"):
        own = head(directory, path.name, log, witness)
        heads[own.size] = own
        assert tlog.tree_root_from_tiles(reader, own.size, last.size) == own.root, path
        checked["heads"] += 1
    for path in directory.glob("consistency-*"):
        old, new = (heads[int(size)] for size in path.name.split("-")[1:])
        proof = hashes(path.read_text().splitlines())
        right = tlog.verify_consistency(old.size, new.size, old.root, new.root, proof)
        assert right, path
        wrong = tlog.verify_consistency(old.size, new.size, old.root, old.root, proof)
        assert not wrong, path
        own = tlog.consistency_proof_from_tiles(reader, old.size, new.size, last.size)
        assert own == proof, path
        checked["growths"] += 1
    for path in directory.glob("*.tlog-proof"):
        proof, _, checkpoint = path.read_text(encoding="utf-8").partition("\n\n")
        first, extra, index, *siblings = proof.split("\n")
        assert first == "c2sp.org/tlog-proof@v1" and extra.startswith("extra "), path
        index = int(index.removeprefix("index "))
        result = tlog.verify_checkpoint(tlog.parse_note(checkpoint), log, [witness], 1)
        assert result.ok, path
        entry = tlog.read_entry(reader, index, last.size)
        siblings = hashes(siblings)
        own = (index, result.size, siblings, result.root)
        assert tlog.verify_leaf_inclusion(entry, *own), path
        assert not tlog.verify_leaf_inclusion(b"\0" * 32, *own), path
        assert siblings == tlog.inclusion_proof_from_tiles(reader, index, result.size, last.size), path
        checked["proofs"] += 1
    assert all(checked.values()), checked
    text = (directory / "checkpoint").read_text(encoding="utf-8").replace("\n700\n", "\n701\n", 1)
    assert not tlog.verify_checkpoint(tlog.parse_note(text), log, [witness], 1).ok
    print("aics-tlog", tlog.__version__, "finds right:", checked)


def write(directory):
    key = Ed25519PrivateKey.from_private_bytes(b"\x11" * 32)
    other = Ed25519PrivateKey.from_private_bytes(b"\x12" * 32)
    name, origin = "witness.example/w1", "example.com/other"
    (directory / "key").write_text(tlog.format_vkey(tlog.vkey_from_ed25519(origin, key.public_key())))
    witness = tlog.cosignature_vkey(name, other.public_key())
    (directory / "witness-key").write_text(tlog.format_vkey(witness))
    leaves = [number.to_bytes(32, "little") for number in range(1000)]
    for size in (3, 256, 1000):
        tlog.TileWriter(leaves[:size]).write_to(directory)
        root = tlog.MerkleTree(leaves[:size]).root()
        checkpoint = tlog.Checkpoint(origin, size, root)
        note = tlog.sign_checkpoint(checkpoint, key, origin)
        _, line = tlog.sign_cosignature(other, name, 1_700_000_000, origin, size, root)
        signed = tlog.Note(note.text, (*note.signatures, line))
        (directory / f"checkpoint-{size}").write_bytes(signed.to_bytes())
    (directory / "checkpoint").write_bytes(signed.to_bytes())


{"read": read, "write": write}[sys.argv[1]](Path(sys.argv[2]))
