"""Find variables of other tools that nobody replaced: Packer, Terraform, Ansible. Pure.

Where commands run, ``${name}`` is the shell's own, and so is ``{{.Name}}`` of some
programs; there only what no shell takes is told of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from osc_imagebuild.guests.answer_lint.reading import Finding, Script, Value

_IN_VALUES = re.compile(
    r"\$\{[^{}\n]+\}|\{\{[^{}\n]*\}\}|<%.*?%>|%\{ ?(?:if|for|else|endif|endfor)\b[^}\n]*\}"
)
_IN_SCRIPTS = re.compile(
    r"\$\{ ?(?:var|local|data|each|module|path|build|packer|self|source)\.[^{}\n]*\}"
    r"|\{\{-? ?(?:user|isotime|build|env|template_dir|uuid) ?[`'\"][^{}\n]*\}\}"
    r"|\{\{-? ?\.(?:HTTPIP|HTTPPort|Name|Vars|Path|SSHPublicKey)\b[^{}\n]*\}\}"
    r"|\{\{-? [A-Za-z_][\w.\[\]'\"]*(?: ?\|[^{}\n]*)? -?\}\}"
    r"|\{% ?-?(?:if|for|set|end\w+|include)\b[^}\n]*%\}|<%=.*?%>"
)


def unreplaced(values: Iterable[Value], scripts: Iterable[Script]) -> Iterator[Finding]:
    """Yield each of them, with its line."""
    for value in values:
        yield from _matches(_IN_VALUES, value.line, value.text)
    for script in scripts:
        yield from _matches(_IN_SCRIPTS, script.line, script.text)


def _matches(pattern: re.Pattern[str], line: int, text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        at = line + text.count("\n", 0, match.start())
        yield Finding(
            at,
            f"{match[0][:60]} looks like a word of another tool (Packer, Terraform, "
            "Ansible), which nobody replaces here",
        )
