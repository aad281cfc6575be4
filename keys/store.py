"""A folder of keys: what may be done with it.

```
keys/                      0700
├── keyring.json           public facts (see `keys.keyring`)
├── keyring.lock           held while the facts change
├── roots.json             what verifiers pin
├── trust.jws              the trust list exported last
├── roots/root-1-….pem     0600, encrypted
└── issuers/ID/slot-0-….pem
```

A key file is written before the keyring names it: a crash between the two leaves
a file that nothing uses, never a key on record that does not exist.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace as with_changes

from authenticity.errors import ConfigurationError, KeyFileError, TrustListError
from authenticity.trust.issuers import TrustList
from authenticity.trust.jws import Roots, assemble_jws, encode_roots, signing_input
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.trust_list import encode_payload, read_trust_list
from keys.durable_files import locked, write_durably
from keys.guarded_files import (
    FILE_BYTES_LIMIT,
    PRIVATE_FILE,
    make_private_folder,
)
from keys.keyring import (
    KEYRING_FILE,
    KEYRING_FORMAT,
    IssuerRecord,
    KeyRecord,
    Keyring,
    RootRecord,
    load_keyring,
    save_keyring,
)
from keys.signer import KeyFile, generate_key_file

ROOTS_FILE: Final = "roots.json"
TRUST_LIST_FILE: Final = "trust.jws"
SLOTS: Final = 256
KEY_LIFE: Final = timedelta(days=3653)
"""Ten years by default: a code is checked for as long as its pack may be in somebody's hands."""
LARGEST_ROOT_COUNT: Final = 16


@dataclass(frozen=True, slots=True)
class Export:
    """A signed trust list: the document, what it says, and who vouched for it (`kid`s)."""

    document: bytes
    trust_list: TrustList
    signed_by: tuple[str, ...]


def create_store(
    folder: Path,
    *,
    passphrase: bytes,
    at: datetime,
    root_count: int = 1,
    threshold: int = 1,
    algorithm: Algorithm = Algorithm.ED25519,
) -> "KeyStore":
    """A new store with its root keys. Raises `KeyFileError` if the folder already is one."""
    if not 1 <= threshold <= root_count <= LARGEST_ROOT_COUNT:
        raise ConfigurationError(
            f"{root_count} root keys with a threshold of {threshold} cannot be",
            next_step=f"choose 1 ≤ threshold ≤ roots ≤ {LARGEST_ROOT_COUNT}",
        )
    make_private_folder(folder)
    store = KeyStore(folder)
    with store._lock():
        if (folder / KEYRING_FILE).exists():
            raise KeyFileError(
                f"{folder} already is a key store",
                next_step="list it with `touchstone keys list`, or choose another folder",
            )
        make_private_folder(folder / "roots")
        roots = []
        for number in range(1, root_count + 1):
            path, public = generate_key_file(
                folder / "roots", f"root-{number}", algorithm, passphrase
            )
            file = str(path.relative_to(folder))
            roots.append(RootRecord(public.thumbprint, public.to_jwk(), file, _to_second(at)))
        keyring = Keyring(v=KEYRING_FORMAT, threshold=threshold, roots=tuple(roots))
        roots_file = encode_roots(keyring.pinned_roots)
        write_durably(folder / ROOTS_FILE, roots_file, mode=PRIVATE_FILE)
        save_keyring(folder, keyring)
    return store


class KeyStore:
    """The operations on one store. Each reads the keyring anew; changes hold its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keyring(self) -> Keyring:
        return load_keyring(self.folder)

    def roots(self) -> Roots:
        return self.keyring().pinned_roots

    def add_issuer(
        self,
        name: str,
        *,
        issuer_id: str,
        company_prefixes: Sequence[str],
        hosts: Sequence[str],
        passphrase: bytes,
        at: datetime,
        algorithm: Algorithm = Algorithm.ED25519,
        life: timedelta = KEY_LIFE,
    ) -> IssuerRecord:
        """A new issuer with its first key, in slot 0.

        Raises `TrustListError` for prefixes, hosts or a name that no trust list may
        hold, and for a prefix that another issuer claims. One prefix may extend
        another: the longest match holds (see `authenticity.trust.issuers`).
        """
        if not (company_prefixes and hosts):
            raise ConfigurationError(
                "an issuer needs at least one company prefix and one host",
                next_step="give --prefix (from your GS1 licence) and --host (of your codes)",
            )
        with self._lock():
            keyring = self.keyring()
            if any(issuer.id == issuer_id for issuer in keyring.issuers):
                raise ConfigurationError(
                    f"there already is an issuer {issuer_id!r}",
                    next_step="rotate its key with `touchstone keys rotate`, or choose another id",
                )
            bare = IssuerRecord(issuer_id, name, tuple(company_prefixes), tuple(hosts), ())
            _refuse_incoherent(keyring.with_issuer(bare), at)
            folder = self._issuer_folder(issuer_id)
            key = self._new_key(folder, 0, algorithm, passphrase, at, life)
            issuer = with_changes(bare, keys=(key,))
            self._save(keyring.with_issuer(issuer), at)
        return issuer

    def rotate(
        self,
        issuer_id: str,
        *,
        passphrase: bytes,
        at: datetime,
        algorithm: Algorithm | None = None,
        life: timedelta = KEY_LIFE,
    ) -> KeyRecord:
        """A new key in the next slot signs from now on; the old ones stay valid.

        `algorithm` None: the one of the newest key.
        """
        with self._lock():
            keyring = self.keyring()
            issuer = keyring.issuer(issuer_id)
            used = {key.slot for key in issuer.keys}
            # Upwards, for a batch statement by a higher slot outranks one by a lower.
            above = max(used, default=-1) + 1
            free = (number for number in range(SLOTS) if number not in used)
            slot = above if above < SLOTS else next(free, None)
            if slot is None:
                raise KeyFileError(
                    f"all {SLOTS} key slots of {issuer_id} are used",
                    next_step="an issuer of another id, with prefixes of its own, has slots again",
                )
            chosen = algorithm or issuer.keys[-1].public.algorithm
            folder = self._issuer_folder(issuer_id)
            key = self._new_key(folder, slot, chosen, passphrase, at, life)
            retired = tuple(
                with_changes(old, retired_at=_to_second(at)) if old.may_sign else old
                for old in issuer.keys
            )
            self._save(keyring.with_issuer(with_changes(issuer, keys=(*retired, key))), at)
        return key

    def revoke(
        self, issuer_id: str, slot: int, *, reason: str, revoked_at: datetime, at: datetime
    ) -> KeyRecord:
        """Codes read from `revoked_at` on are not genuine under this key; it never signs again.

        A revocation is final; it may only be moved to an earlier moment, as when the
        theft turns out to be older.
        """
        with self._lock():
            keyring = self.keyring()
            issuer = keyring.issuer(issuer_id)
            old = next((key for key in issuer.keys if key.slot == slot), None)
            if old is None:
                slots = ", ".join(str(key.slot) for key in issuer.keys)
                raise KeyFileError(
                    f"{issuer_id} has no key in slot {slot}", next_step=f"its slots are {slots}"
                )
            moment = _to_second(revoked_at)
            if old.revoked_at is not None and moment >= old.revoked_at:
                raise ConfigurationError(
                    f"slot {slot} of {issuer_id} is already revoked as of {old.revoked_at:%F %T}",
                    next_step="only an earlier --at changes a revocation",
                )
            key = with_changes(old, revoked_at=moment, revocation_reason=reason)
            keys = tuple(key if each is old else each for each in issuer.keys)
            self._save(keyring.with_issuer(with_changes(issuer, keys=keys)), at)
        return key

    def key_file(
        self, issuer_id: str, *, passphrase: bytes, at: datetime, slot: int | None = None
    ) -> KeyFile:
        """The issuer's signing key, or the one in `slot`; revoked and expired ones are refused.

        A retired key in `slot` is given out, so that a run begun with it can be
        finished. The file is not opened here.
        """
        issuer = self.keyring().issuer(issuer_id)
        if slot is None:
            key = issuer.signing_key
        else:
            key = next((key for key in issuer.keys if key.slot == slot), None)
        if key is None or key.revoked_at is not None or key.not_after < at:
            place = "" if slot is None else f" in slot {slot}"
            raise KeyFileError(
                f"{issuer_id} has no key that may sign{place}",
                next_step=f"make one with `touchstone keys rotate {issuer_id}`",
            )
        return self._file_of(key, passphrase)

    def is_locked_otherwise(self, issuer_id: str, passphrase: bytes) -> bool:
        """Whether the file of the key that signs now is here and does not open with this."""
        key = self.keyring().issuer(issuer_id).signing_key
        if key is None or not (self.folder / key.file).exists():
            return False
        try:
            self._file_of(key, passphrase).open()
        except KeyFileError:
            return True
        return False

    def export_trust_list(self, *, passphrase: bytes, at: datetime, valid_for: timedelta) -> Export:
        """The next version, signed by every root key that lies here.

        1. Give it the next version number, and write that down first: a number is
           never used for two documents, whatever happens after.
        2. Sign with the root keys whose files are here (the others may lie in a safe).
        3. Read the document as a verifier would; only then keep it.
        """
        with self._lock():
            keyring = self.keyring()
            version = keyring.trust_list_version + 1
            issued_at = _to_second(at)
            trust_list = keyring.trust_list(
                version=version, issued_at=issued_at, expires_at=issued_at + valid_for
            )
            files = self._root_files(keyring, passphrase)
            signers = {kid: file.open() for kid, file in files.items()}
            save_keyring(self.folder, with_changes(keyring, trust_list_version=version))
            payload = encode_payload(trust_list)
            signatures = {
                kid: signer.sign(signing_input(payload, kid, signer.algorithm))
                for kid, signer in signers.items()
            }
            kinds = {kid: signer.algorithm for kid, signer in signers.items()}
            document = assemble_jws(payload, signatures, kinds)
            read_back = read_trust_list(document, keyring.pinned_roots, at=at, seen_version=version)
            write_durably(self.folder / TRUST_LIST_FILE, document, mode=PRIVATE_FILE)
        return Export(document, read_back, tuple(signers))

    def exported_list(self, *, at: datetime) -> TrustList | None:
        """The trust list exported last, None before the first. It is public, so others may read
        its file. Raises `TrustListError`."""
        path = self.folder / TRUST_LIST_FILE
        if not path.exists():
            return None
        if path.stat().st_size > FILE_BYTES_LIMIT:
            raise TrustListError(
                f"{path} is too big to be a trust list",
                next_step="export it anew: touchstone keys export-trust-list",
            )
        return read_trust_list(path.read_bytes(), self.roots(), at=at)

    def _root_files(self, keyring: Keyring, passphrase: bytes) -> dict[str, KeyFile]:
        files = {
            root.kid: KeyFile(self.folder / root.file, 0, passphrase, root.kid)
            for root in keyring.roots
            if (self.folder / root.file).exists()
        }
        if len(files) < keyring.threshold:
            raise KeyFileError(
                f"{len(files)} root key files are here, and {keyring.threshold} must sign",
                next_step=f"bring the missing ones to {self.folder / 'roots'}",
            )
        return files

    def _file_of(self, key: KeyRecord, passphrase: bytes) -> KeyFile:
        return KeyFile(self.folder / key.file, key.slot, passphrase, key.public.thumbprint)

    def _new_key(
        self,
        folder: Path,
        slot: int,
        algorithm: Algorithm,
        passphrase: bytes,
        at: datetime,
        life: timedelta,
    ) -> KeyRecord:
        path, public = generate_key_file(folder, f"slot-{slot}", algorithm, passphrase)
        # Valid from the start of the day: a phone whose clock is slow by minutes
        # must not doubt a pack that was made today.
        not_before = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        file = str(path.relative_to(self.folder))
        return KeyRecord(slot, public.to_jwk(), file, not_before, not_before + life)

    def _issuer_folder(self, issuer_id: str) -> Path:
        make_private_folder(self.folder / "issuers")
        folder = self.folder / "issuers" / issuer_id
        make_private_folder(folder)
        return folder

    def _save(self, keyring: Keyring, at: datetime) -> None:
        _refuse_incoherent(keyring, at)
        save_keyring(self.folder, keyring)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if not self.folder.is_dir():
            load_keyring(self.folder)  # says what is missing, and what to do
        with locked(self.folder / "keyring.lock", f"the key store {self.folder}"):
            yield


def _refuse_incoherent(keyring: Keyring, at: datetime) -> None:
    """Ask the trust list's own rules, so that what is added can always be exported."""
    moment = at.astimezone(UTC)
    try:
        keyring.trust_list(version=1, issued_at=moment, expires_at=moment + timedelta(days=1))
    except TrustListError as error:
        raise ConfigurationError(
            str(error), next_step=error.next_step or "correct it and try again"
        ) from error


def _to_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
