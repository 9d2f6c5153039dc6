"""A bot's tests, as a newcomer to Larkspur writes them: with pytest and vitest, in parallel, twice on one store."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import HERE, Server, environment

# The tests that each run must pass.
PYTEST, VITEST = 15, 5


def run(checks):
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        project = Path(folder) / "bot"
        shutil.copytree(HERE / "newcomer", project, ignore=shutil.ignore_patterns("__pycache__"))
        (project / "node_modules").symlink_to(HERE / "node/node_modules")
        worlds = server.control("GET", "/worlds")["worlds"]
        for time in ("the first time", "once more, after a restart"):
            if time != "the first time":
                server.restart()
            tests = {
                f"pytest, {time}": (
                    f"{PYTEST} passed",
                    [sys.executable, "-m", "pytest", "--quiet", "--numprocesses", "2", "-p", "no:cacheprovider"],
                ),
                f"vitest, {time}": (
                    f"{VITEST} passed ({VITEST})",
                    ["node", "node_modules/vitest/vitest.mjs", "run", "--no-color", "--cache=false"],
                ),
            }
            begun = {name: (wanted, started(server, project, command)) for name, (wanted, command) in tests.items()}
            for name, (wanted, process) in begun.items():
                with checks(name):
                    shown, _ = process.communicate(timeout=300)
                    assert process.returncode == 0 and wanted in shown, f"{shown[-6000:]}\n{server.log()[-3000:]}"
            with checks(f"no world is left over, {time}"):
                left = server.control("GET", "/worlds")["worlds"]
                assert [one["tenant_key"] for one in left] == [one["tenant_key"] for one in worlds], left


def started(server, project, command):
    return subprocess.Popen(
        command, cwd=project, env=environment(LARKSPUR_READY_FILE=server.ready_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
