"""Paste what a command prints into the README, with the date and the machine it ran on.

    python tests/paste.py demo benchwarrant demo /tmp/demo

replaces the text between ``<!-- demo -->`` and ``<!-- /demo -->``.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def main(name: str, command: list[str]) -> None:
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    here, passing = re.escape(str(Path.cwd())), re.escape(tempfile.gettempdir()) + "/tmp[^/ ]+"
    printed = re.sub(f"({here}|{passing})/?", "", run.stdout).strip()
    where = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    text = README.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        sys.exit(f"README.md has no place for {name!r}: {start} … {end}")
    head, rest = text.split(start, 1)
    tail = rest.split(end, 1)[1]
    stamp = f"Printed on {datetime.now(UTC).date()} on {where}:"
    block = f"{start}\n{stamp}\n\n```text\n{printed}\n```\n{end}"
    README.write_text(head + block + tail, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
