"""Key custody: who holds private keys, and what is publicly known of them.

For whoever issues codes: `producers`, `simulation`, `cli`, `demo` and `benchmarks` may import it;
the stream, the ledger, the event log and the web service may not. Begin with `keys.store`, a
folder of keys and what may be done with it.

- `store`: `KeyStore`, `create_store`; add an issuer, rotate, revoke, export the trust list
- `signer`: `Signer` and `SignerSource`, the interface of an HSM or KMS; `KeyFile`,
  `FileSigner`, `generate_key_file`
- `keyring`: the public facts, `keyring.json`
- `inspection`: `inspect_store`, what `touchstone keys check` finds
- `guarded_files`: files that only their owner may read
- `durable_files`: files written whole or not at all, locks; for runs and manifests too
- `encrypted_key`: the ASN.1 of key files
"""
