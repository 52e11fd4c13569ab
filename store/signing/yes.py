"""Whose yes an approval is, by the key that signed it. Pure."""

from __future__ import annotations

from store.records.approval import Approval
from store.rules.approvals import Judge, No, Yes
from store.signing.allowed import Signers
from store.signing.ruling import APPROVALS, Refused, signer_of


def judge(signers: Signers, author: str) -> Judge:
    """Decides by `signers`; a key that speaks for `author` (an address) says nothing about their release."""

    def judged(approval: Approval) -> Yes | No:
        if approval.signature is None:
            return No("it is not signed")
        found = signer_of(approval.signature, approval.signed, signers, approval.at, APPROVALS)
        if isinstance(found, Refused):
            return No(found.why)
        if not found.speaks_for(approval.by.email):
            return No(f"its key is that of {found.principals}")
        if author and found.speaks_for(author):
            return No("its key is that of who made the release")
        return Yes(found.fingerprint)

    return judged
