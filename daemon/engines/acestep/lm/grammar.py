"""What may follow while the model writes a plan: a state over tokens, line by line.

A line with a closed set of values is a tree of the tokens of all its wordings, so that a value can
only be written whole and in range; where the tree does not branch nothing is drawn. A line of free
text goes on until a line break, and over it where the next line is indented, as YAML folds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from daemon.engines.acestep.lm.model import Language
from daemon.engines.acestep.lm.plan import FIELDS, Plan, choices

Tree = dict[int, "Tree"]
LONGEST_TEXT = 200
"""Tokens of a caption, at most; captions are made for the 256 tokens of the text encoder."""
_INDENT = "  "


@dataclass(eq=False)
class Form:
    """The lines still to be written. `push` every token; `allowed` says what may be the next.

    `lines` are trees for closed lines, None for free text that begins with `opening`.
    """

    language: Language
    lines: list[tuple[Tree | None, Tree]]
    written: list[int] = field(default_factory=list)
    _line: int = 0
    _at: Tree = field(default_factory=dict)
    _free: bool = False
    _broken: bool = False
    _left: int = LONGEST_TEXT

    def __post_init__(self) -> None:
        self._enter()

    @property
    def done(self) -> bool:
        """Whether all lines are written."""
        return self._line >= len(self.lines)

    def only(self) -> int | None:
        """Return the one token that can follow, None where there is a choice."""
        if self.done or self._free:
            return None
        return next(iter(self._at)) if len(self._at) == 1 else None

    def allowed(self) -> torch.Tensor:
        """Return which tokens may follow, bool `(V,)`."""
        if not self._free:
            return self._mask(self._at)
        if self._broken:
            return self._mask({**self._indents(), **self._next()})
        inside, ends = self.language.breaks
        return ends.clone() if self._left <= 1 else inside | ends

    def push(self, token: int) -> None:
        """Take the token that was written."""
        self.written.append(token)
        if not self._free:
            self._descend(self._at[token])
            return
        self._left -= 1
        _, ends = self.language.breaks
        if self._broken:
            self._broken = False
            if token not in self._indents():
                self._line, self._free = self._line + 1, False
                self._enter()
                self._descend(self._at[token])
        elif bool(ends[token]):
            self._broken = True
            if self._left <= 2 or self._line + 1 >= len(self.lines):
                self._line, self._free, self._broken = self._line + 1, False, False
                self._enter()

    def _descend(self, tree: Tree) -> None:
        self._at = tree
        if tree:
            return
        if self.lines[self._line][0] is None:
            self._free, self._broken, self._left = True, False, LONGEST_TEXT
            return
        self._line += 1
        self._enter()

    def _enter(self) -> None:
        if not self.done:
            tree, opening = self.lines[self._line]
            self._at = opening if tree is None else tree

    def _next(self) -> Tree:
        tree, opening = self.lines[self._line + 1]
        return opening if tree is None else tree

    def _indents(self) -> Tree:
        """What an indented line begins with: words of spaces alone, one or two."""
        found = self.language.trees.get(_INDENT)
        if found is None:
            starts = {self.language.ids(" " * n)[0] for n in (1, 2)}
            found = self.language.trees[_INDENT] = {token: {} for token in sorted(starts)}
        return dict(found)

    def _mask(self, tokens: Mapping[int, Tree]) -> torch.Tensor:
        mask = torch.zeros(self.language.model.config.vocab_size, dtype=torch.bool)
        mask[list(tokens)] = True
        return mask.to(self.language.device)


def form(language: Language, told: Plan, asked: Sequence[str]) -> Form:
    """Return the form for a plan with the keys `asked`; what is told is written as told."""
    lines: list[tuple[Tree | None, Tree]] = []
    for name in FIELDS:
        value = getattr(told, FIELDS[name])
        if value is not None:
            lines.append((tree(language, (f"{name}: {value}\n",)), {}))
        elif name in asked and choices(name):
            lines.append((_closed(language, name), {}))
        elif name in asked:
            lines.append((None, tree(language, (f"{name}:",))))
    return Form(language, lines)


def _closed(language: Language, name: str) -> Tree:
    if name not in language.trees:
        wordings = tuple(f"{name}: {value}\n" for value in choices(name))
        language.trees[name] = tree(language, wordings)
    found: Tree = language.trees[name]
    return found


def tree(language: Language, wordings: Sequence[str]) -> Tree:
    """Return the tree of the tokens of `wordings`; every path ends in an empty tree."""
    root: Tree = {}
    for wording in wordings:
        at = root
        for token in language.ids(wording):
            at = at.setdefault(token, {})
    return root
