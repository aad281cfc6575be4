"""What several commands share: console, data folder, logs, ledgers, engines, parent-death guard.

Commands may import it. Begin with `console` (output and exit codes) and `data` (the data folder
and its settings).
"""
