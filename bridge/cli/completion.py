"""`punchin completion bash|zsh`: the shell completion, made from the parsers of all commands."""

from __future__ import annotations

import argparse

from bridge.cli.commands import COMMANDS
from bridge.cli.parser import Parser

_HINT = """\
# bash: punchin completion bash > ~/.local/share/bash-completion/completions/punchin
# zsh:  punchin completion zsh > "${fpath[1]}/_punchin"
"""


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "Prints the shell completion.", epilog=_HINT.replace("# ", ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", choices=("bash", "zsh"))
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    print(shtab.complete(root(), args.shell))
    return 0


def root() -> argparse.ArgumentParser:
    """Return one parser of all commands, only good for completion."""
    from bridge.cli.main import everything

    parsers = everything()
    parser = argparse.ArgumentParser(prog="punchin")
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers()
    for name, entry in COMMANDS.items():
        parents = [parsers[name]] if name in parsers else []
        commands.add_parser(
            name, help=entry.summary, parents=parents, add_help=False, conflict_handler="resolve"
        )
    return parser
