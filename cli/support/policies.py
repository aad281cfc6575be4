"""The policy of an installation, or of a file."""

from pathlib import Path

from authenticity.detection.policy import DEFAULT_POLICY, Policy
from authenticity.detection.policy_file import read_policy
from authenticity.errors import ConfigurationError, PolicyError
from cli.support.data import DataFolder


def policy_in_force(folder: DataFolder, given: Path | None) -> Policy:
    """The policy of an installation, unless another file is given."""
    return load_policy(given or (folder.policy if folder.policy.exists() else None))


def load_policy(path: Path | None) -> Policy:
    """The policy in this file, or the default."""
    if path is None:
        return DEFAULT_POLICY
    try:
        return read_policy(path.read_text())
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}", next_step=error.next_step) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the policy {path}: {error}",
            next_step="name a TOML file; `touchstone policy` prints one to begin with",
        ) from error
