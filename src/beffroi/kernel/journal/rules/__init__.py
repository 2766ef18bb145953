"""Pure decisions of the journal: texts and digests, Merkle trees, seals, encryption, and what is broken."""

from beffroi.kernel.journal.rules.cipher import (
    KEY_BYTES,
    NONCE_BYTES,
    decrypt_kept,
    decrypt_part,
    encrypt_kept,
    encrypt_part,
    key_of_part,
    unwrap_key,
    wrap_key,
)
from beffroi.kernel.journal.rules.finding import MAX_WORDS, says, stretches, text_query, words_of
from beffroi.kernel.journal.rules.lines import (
    canonical_content,
    case_of_line,
    check_about,
    check_holder,
    content_of,
    line_digest,
    line_text,
    record_of,
    related_of_holder,
)
from beffroi.kernel.journal.rules.merkle import MerkleTree, merkle_path, merkle_root, root_from_path
from beffroi.kernel.journal.rules.rights import RUN_TIME_RIGHTS
from beffroi.kernel.journal.rules.seals import (
    NO_SEAL,
    from_witness,
    read_witness_line,
    seal_digest,
    to_witness,
    with_digest,
    witness_seal,
)
from beffroi.kernel.journal.rules.verifier import MAX_BREAKS, Verifier

__all__ = [
    "KEY_BYTES",
    "MAX_BREAKS",
    "MAX_WORDS",
    "NONCE_BYTES",
    "NO_SEAL",
    "RUN_TIME_RIGHTS",
    "MerkleTree",
    "Verifier",
    "canonical_content",
    "case_of_line",
    "check_about",
    "check_holder",
    "content_of",
    "decrypt_kept",
    "decrypt_part",
    "encrypt_kept",
    "encrypt_part",
    "from_witness",
    "key_of_part",
    "line_digest",
    "line_text",
    "merkle_path",
    "merkle_root",
    "read_witness_line",
    "record_of",
    "related_of_holder",
    "root_from_path",
    "says",
    "seal_digest",
    "stretches",
    "text_query",
    "to_witness",
    "unwrap_key",
    "with_digest",
    "witness_seal",
    "words_of",
    "wrap_key",
]
