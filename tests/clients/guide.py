"""Runs every block of the guide that is marked `run`, page by page and in order, each page with a server of its own.

A block has the variables that the server prints for a shell, and nothing else. An output that the page shows after it is
compared. A block that a reader pastes and that is not run is in NOT_RUN with its reason.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from harness import HERE, ROOT, Server, as_shown, environment, program

GUIDE = ROOT / "docs/guide"
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Languages of blocks that a reader pastes.
PASTED = {"sh", "bash", "shell", "console", "python", "py", "js", "mjs", "javascript"}
FOREGROUND = "the server runs until it is stopped"
MACHINES = "it changes one of three machines with systemd; the drill runs such a cluster"
POSTGRES = "it needs a PostgreSQL cluster"
# The blocks that are not run and why, by their pages and first lines.
NOT_RUN = {
    "console.md": {"larkspur serve --console-dir console": FOREGROUND},
    "deploying.md": {
        "export NODE=n1 ADDRESS=10.0.0.1              # this machine": MACHINES,
        "apt-get install --yes etcd-server etcd-client": MACHINES,
        'ETCDCTL_API=3 etcdctl --endpoints "$H1:2379,$H2:2379,$H3:2379" endpoint health   # prints "is healthy" three times': MACHINES,
        "apt-get install --yes postgresql-15 python3-venv": MACHINES,
        'sed -e "s/NODE/$NODE/; s/ADDRESS/$ADDRESS/; s/H1/$H1/; s/H2/$H2/; s/H3/$H3/" \\': MACHINES,
        "/opt/patroni/bin/patronictl -c /etc/patroni/patroni.yml list": MACHINES,
        "su postgres -c psql <<EOF": MACHINES,
        "install --mode 0755 larkspur /usr/local/bin/larkspur": MACHINES,
        "/opt/patroni/bin/patronictl -c /etc/patroni/patroni.yml switchover --force": MACHINES,
        'su postgres -c "PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup': MACHINES,
        "ls -d /var/backups/larkspur/base-* | head -n -14 | xargs --no-run-if-empty rm -r": MACHINES,
        "cp -a /var/backups/larkspur/base-2026-11-21 /var/lib/postgresql/restored": MACHINES,
        "podman build --tag larkspur --file deploy/Containerfile .": "it needs podman, and builds an image",
    },
    "operating.md": {
        "createdb --template template0 --encoding UTF8 --locale C.UTF-8 larkspur": POSTGRES,
        "export LARKSPUR_POSTGRES_TLS=verify LARKSPUR_POSTGRES_CA=/etc/larkspur/ca.pem": POSTGRES,
        "larkspur backup /backups/larkspur-2026-11-21.db     # the server may be running": "it writes to a folder of the machine",
        "larkspur serve --read-only --data /mnt/larkspur-data --ready-file /run/larkspur/ready.json": FOREGROUND,
        "larkspur copy --from ./larkspur-data --to postgres://larkspur@h1,h2,h3/larkspur": POSTGRES,
        "larkspur copy --from ./larkspur-data --to postgres://larkspur@h1,h2,h3/larkspur \\": POSTGRES,
        'larkspur world new "Acme" --ready-file /run/larkspur/ready.json           # with an app': "it needs the service of a machine",
        "larkspur serve --mode production --public-url https://larkspur.example.com": FOREGROUND,
    },
    "scaling-out.md": {"export LARKSPUR_STORE='postgres://larkspur:secret@10.0.0.1/larkspur'": "it needs PostgreSQL with Citus"},
    "testing.md": {
        "larkspur serve --memory --listen 127.0.0.1:0 --rate-limits off --ready-file ready.json": FOREGROUND,
        "python3 -m venv venv && . venv/bin/activate": "it installs packages; the part newcomer runs these tests",
    },
}


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
        with checks(f"{page.name}: what a reader pastes is run, or has a reason"):
            all_have_a_reason(page.name, all_blocks)
    with checks("every page with blocks that are not run exists"):
        assert set(NOT_RUN) <= set(marked), set(NOT_RUN) - set(marked)
    with checks("the pages for developers have blocks that are run"):
        languages = {info[0] for some in marked.values() for info, _, _ in some}
        assert {"sh", "python", "js"} <= languages, languages
        assert all(marked[name] for name in ("control-api.md", "scopes.md", "signing-in.md", "testing.md")), marked
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


def all_have_a_reason(page, all_blocks):
    """Each block to paste is run or has one reason; each reason is that of a block."""
    reasons, used = NOT_RUN.get(page, {}), []
    for info, text in all_blocks:
        if not info or info[0] not in PASTED or "run" in info:
            continue
        first = text.strip().splitlines()[0]
        # The longest one: the first line of a block may begin as that of another.
        found = max((start for start in reasons if first.startswith(start)), key=len, default=None)
        assert found, f"it is neither marked `run` nor in NOT_RUN:\n{text}"
        used.append(found)
    assert sorted(used) == sorted(reasons), f"reasons without a block of their own: {sorted(reasons)}, {sorted(used)}"


def done(server, folder, info, text):
    language, file, more = info[0], None, {}
    if language == "sh":
        command = ["bash", "-eu", "-o", "pipefail", "-c", text]
    elif language == "python" and "newcomer" in info:
        # Beside the fixtures, which use the server of this file.
        folder = Path(shutil.copytree(HERE / "newcomer", folder / "newcomer", ignore=shutil.ignore_patterns("__pycache__")))
        file, command = "test_guide.py", [sys.executable, "-m", "pytest", "-q", "test_guide.py"]
        more = {"LARKSPUR_READY_FILE": server.ready_path}
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
    ended = finished(command, folder, environment(PATH=path, **server.exported(), **more))
    shown = f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    assert ended.returncode == 0, shown
    assert ended.stdout.strip(), f"it prints nothing: {shown}"
    # curl exits with 0 whatever the server answers. A block that expects a refusal checks for it itself.
    codes = re.findall(r'^\s*\{"code":\s*(\d+)', ended.stdout)
    assert "did you mean" in text or all(code == "0" for code in codes), shown
    return ended.stdout


def finished(command, folder, surroundings):
    """Runs a command to its end, and ends what it left in the background, such as a bot, if it fails."""
    process = subprocess.Popen(
        command, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += "\nit did not end within 120 s"
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, out, err)
