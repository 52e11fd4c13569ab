"""Signatures: what OpenSSH writes is read and verified here in process; signing is left to `ssh-keygen`."""
