"""Where the `touchstone` command begins."""

import os
import sys

from cli.name_clashes import refuse_name_clashes


def main() -> None:
    """Entry point of the `touchstone` command."""
    os.umask(0o077)  # databases, manifests and folders are their owner's alone
    refuse_name_clashes()  # before anything of ours is imported
    from cli.app import app
    from cli.support.console import exit_with_translated_errors

    sys.exit(exit_with_translated_errors(app))


if __name__ == "__main__":
    main()
