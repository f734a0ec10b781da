"""The longer proofs, a module each; see ../proof.py."""
