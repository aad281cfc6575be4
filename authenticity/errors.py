"""Every error of this project, by who must act.

```
TouchstoneError
├── InputError            whoever sent the data must send something else
│   ├── CodeError         text that the strict reader refuses (reason, offset)
│   ├── ScanError         bytes that are not a scan of this format
│   ├── BatchError        a batch header that cannot be right
│   │   └── UnlistedSignerError  signed by a key, or an issuer, that the trust list lacks
│   ├── SignatureFormatError  bytes that are no ECDSA signature on P-256
│   └── TrustListError    a trust list that must not be believed
│       ├── RollbackError       older than one already seen
│       ├── SignatureThresholdError  too few root signatures
│       └── PublicKeyError      a key that no trust list may hold
├── ConfigurationError    whoever runs this must change a setting or a file
│   ├── PolicyError       a policy file with a bad line
│   └── KeyFileError      a key, keyring or passphrase file that is missing or exposed
└── UnavailableError      something outside failed; trying again can help
    ├── LogUnavailableError     the event log cannot be written or read
    └── LedgerUnavailableError  the ledger cannot be written or read
```

A forged label is no error: it is a verdict. See `authenticity.trust.verdict`.
"""

from enum import StrEnum


class TouchstoneError(Exception):
    """Root of the tree. `str(error)` names the thing and the reason.

    `next_step` says in one sentence what the reader of the message can do.
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class InputError(TouchstoneError):
    """The sender must send something else; repeating cannot help."""


class CodeFault(StrEnum):
    """Why the strict reader stopped."""

    NOT_A_CODE = "not-a-code"
    TOO_LONG = "too-long"
    BAD_SCHEME = "bad-scheme"
    BAD_HOST = "bad-host"
    BAD_CHARACTER = "bad-character"
    BAD_ESCAPE = "bad-escape"
    BAD_PATH = "bad-path"
    BAD_QUERY = "bad-query"
    AMBIGUOUS_STEM = "ambiguous-stem"
    UNKNOWN_AI = "unknown-ai"
    OUTSIDE_PROFILE = "outside-profile"
    DUPLICATE_AI = "duplicate-ai"
    MISPLACED_AI = "misplaced-ai"
    MISSING_AI = "missing-ai"
    CONFLICTING_AIS = "conflicting-ais"
    EMPTY_VALUE = "empty-value"
    BAD_LENGTH = "bad-length"
    BAD_VALUE = "bad-value"
    BAD_CHECK_DIGIT = "bad-check-digit"
    BAD_DATE = "bad-date"


class CodeError(InputError):
    """The strict reader refused a text.

    `offset` counts characters of the text as given, from 0, and points at the
    first character that could not be accepted (or at the end, if something
    is missing there).
    """

    def __init__(self, fault: CodeFault, offset: int, detail: str) -> None:
        super().__init__(detail, next_step="scan again, or check that the code is a GS1 code")
        self.fault = fault
        self.offset = offset


class ScanError(InputError):
    """Bytes that are not a scan of this format; `str(error)` names the field."""


class BatchError(InputError):
    """A batch header that cannot be right; `str(error)` names the field."""


class UnlistedSignerError(BatchError):
    """Signed by a key that the trust list has not got, or for a product that it gives to
    another: a later list may say otherwise."""


class SignatureFormatError(InputError):
    """Bytes from a signer (a library, an HSM) that are no ECDSA signature on P-256."""


class TrustListError(InputError):
    """A trust list that must not be believed."""


class RollbackError(TrustListError):
    """The list's version is lower than one this verifier has already accepted."""


class SignatureThresholdError(TrustListError):
    """Fewer valid root signatures than the pinned threshold asks for."""


class PublicKeyError(TrustListError):
    """A key that no trust list may hold: wrong length, off its curve, of small order."""


class ConfigurationError(TouchstoneError):
    """Whoever runs this must change a setting, an argument or a file."""


class PolicyError(ConfigurationError):
    """A policy file with a bad line; `str(error)` names line and key."""


class KeyFileError(ConfigurationError):
    """A key, keyring or passphrase file that is missing, readable by others or damaged."""


class UnavailableError(TouchstoneError):
    """Something outside failed; nothing was acknowledged, trying again can help."""


class LogUnavailableError(UnavailableError):
    """The event log cannot be written or read."""


class LedgerUnavailableError(UnavailableError):
    """The ledger cannot be written or read."""
