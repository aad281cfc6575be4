"""Where the `touchstone` command begins."""

import sys


def main() -> None:
    """Entry point of the `touchstone` command."""
    from cli.app import app
    from cli.support.console import exit_with_translated_errors

    sys.exit(exit_with_translated_errors(app))


if __name__ == "__main__":
    main()
