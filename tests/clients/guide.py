"""Runs every block of the guide that is marked `run`, page by page and in order, each page with a server of its own.

A block has the variables that the server prints for a shell, and nothing else. An output that the page shows after it is
compared.
"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from harness import HERE, ROOT, Server, as_shown, environment, program

GUIDE = ROOT / "docs/guide"
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Info string and text of every fenced block."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [(info.split(), textwrap.dedent(text)) for _, info, text in found]


def run(checks):
    marked = {}
    for page in sorted(GUIDE.glob("*.md")):
        all_blocks = blocks(page)
        # Each with the output that follows it.
        after = [text if info in (["json"], ["text"]) else None for info, text in all_blocks[1:]] + [None]
        marked[page.name] = [(*one, shown) for one, shown in zip(all_blocks, after) if "run" in one[0]]
    with checks("the pages for developers have blocks that are run"):
        languages = {info[0] for some in marked.values() for info, _, _ in some}
        assert {"sh", "python", "js"} <= languages, languages
        assert all(marked[name] for name in ("control-api.md", "signing-in.md", "testing.md")), marked
    with checks("outputs are shown"):
        assert sum(shown is not None for some in marked.values() for _, _, shown in some) >= 2
    for name, some in marked.items():
        if not some:
            continue
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "node_modules").symlink_to(HERE / "node/node_modules")
            (Path(folder) / "bin").mkdir()
            (Path(folder) / "bin/larkspur").symlink_to(program())
            for number, (info, text, shown) in enumerate(some, 1):
                with checks(f"{name}, block {number}: {text.strip().splitlines()[0][:60]}"):
                    printed = done(server, Path(folder), info, text)
                    assert shown is None or as_shown(shown, printed), f"the page shows:\n{shown}\nit prints:\n{printed}"


def done(server, folder, info, text):
    language, file = info[0], None
    if language == "sh":
        command = ["bash", "-eu", "-o", "pipefail", "-c", text]
    elif language == "python" and "pytest" in info:
        file, command = "test_guide.py", [sys.executable, "-m", "pytest", "-q", "test_guide.py"]
    elif language == "python":
        command = [sys.executable, "-c", text]
    elif language == "js":
        file, command = "block.mjs", ["node", "block.mjs"]
    else:
        raise AssertionError(f"there is no way to run {language}")
    if file:
        (folder / file).write_text(text, encoding="utf-8")
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        command, cwd=folder, env=environment(PATH=path, **server.exported()), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120,
    )
    shown = f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    assert ended.returncode == 0, shown
    assert ended.stdout.strip(), f"it prints nothing: {shown}"
    # curl exits with 0 whatever the server answers. A block that expects a refusal checks for it itself.
    codes = re.findall(r'^\s*\{"code":\s*(\d+)', ended.stdout)
    assert "did you mean" in text or all(code == "0" for code in codes), shown
    return ended.stdout
