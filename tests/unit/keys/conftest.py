"""Key files that open at once."""

from collections.abc import Iterator

import pytest

from keys import signer


@pytest.fixture(scope="module")
def cheap_key_files() -> Iterator[None]:
    """What a guess of the passphrase costs is what `test_signer` tells."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(signer, "_SCRYPT_N", 2)
        yield
