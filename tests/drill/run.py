"""The drill: three etcd, three Patroni with PostgreSQL, two Larkspur nodes, writers with a ledger, and faults.

`cargo xtask drill` runs it. By hand: python3 tests/drill/run.py --program target/debug/larkspur --patroni PYTHON,
with a Python that has tests/drill/requirements.txt.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scenarios
from cluster import Cluster
from processes import Failure, kill_inside, until
from servers import Ledger, Servers
from subscribers import Audience
from verify import Verdict
from writers import Crowd

# Seconds without an acknowledged write that no fault may exceed.
OUTAGE = 45
WRITERS = 8
WORLDS = 4
# Seconds that a writer waits after each write: the drill tests correctness, not speed.
PAUSE = 0.005
# How often the control run may try to lose something.
TRIES = 3


class Row:
    """One line of the table."""

    HEAD = "| scenario | outage s | acknowledged | lost | heard | unknown (committed) | torn | writable at the end |"
    RULE = "|---|---|---|---|---|---|---|---|"

    def __init__(self, name, outage, ledger, verdict, taken, primaries):
        self.name, self.outage, self.verdict = name, outage, verdict
        self.writable = len(taken)
        self.faults = []
        if len(taken) != 1 or taken != primaries:
            self.faults.append(f"writable: {taken}; no standby: {primaries}")
        if not verdict.acknowledged:
            self.faults.append("nothing was written")
        if name == scenarios.CONTROL:
            # Answers about lost chats are right, and so are events of edits that were lost after they were heard.
            return
        self.faults.extend(f"wrong answer: {text}" for text in ledger.wrong[:5])
        self.faults.extend(f"no call created this chat: {chat}" for chat in verdict.strange[:5])
        if outage > OUTAGE:
            self.faults.append(f"no write for {outage:.1f} s")
        # A torn write is lost, too, if it was acknowledged.
        expected = (3, 2) if name == scenarios.AUDIT else (0, 0)
        if (verdict.lost, verdict.torn) != expected:
            self.faults.append(f"lost and torn: {verdict.lost}, {verdict.torn}; expected {expected}")
            self.faults.extend(verdict.examples)
        if len(verdict.unheard) != (1 if name == scenarios.AUDIT else 0):
            self.faults.append(f"{len(verdict.unheard)} edits were not heard, such as {verdict.unheard[:3]}")
        if not verdict.emitting:
            self.faults.append("nothing was edited, so nothing could be heard")
        self.faults.extend(verdict.untrue[:5])
        if verdict.denied:
            self.faults.append(f"{verdict.denied} writes are there though their answers said none")
            self.faults.extend(verdict.examples)

    def __str__(self):
        sums = self.verdict
        heard = f"{sums.emitting - len(sums.unheard)} / {sums.emitting}"
        return (f"| {scenarios.LABELS.get(self.name, self.name)} | {self.outage:.1f} | {sums.acknowledged} | {sums.lost} | {heard} | {sums.unknown} "
                f"({sums.committed}) | {sums.torn} | {self.writable} |")


class Drill:
    """The cluster under test, and the scenarios."""

    def __init__(self, folder, options):
        self.folder = folder
        self.cluster = Cluster(folder, options.patroni)
        self.servers = Servers(folder, options.program.resolve(), self.cluster.url())
        self.ledger = self.audience = None
        self.runs = 0

    def start(self):
        self.cluster.start()
        self.servers.start()

    def flows(self):
        """Waits until writes are acknowledged again."""
        before = self.ledger.count()
        until("writes are acknowledged", 120, lambda: self.ledger.count() >= before + 4 * WRITERS)

    def run(self, name, fault):
        """One scenario: its row."""
        self.runs += 1
        self.ledger = Ledger(self.folder / f"ledger-{self.runs}-{name}")
        self.audience = Audience(self.servers, WORLDS)
        tokens = [world.token for world in self.audience.worlds]
        crowd = Crowd(self.servers.ports, tokens, self.ledger, WRITERS, PAUSE)
        crowd.start()
        try:
            self.flows()
            time.sleep(4)
            fault(self)
            time.sleep(2)
        finally:
            outage = crowd.stop()
        # What was lost with the primary may never be heard.
        if name != scenarios.CONTROL:
            self.audience.wait(self.ledger, forgotten=1 if name == scenarios.AUDIT else 0)
        self.audience.stop()
        taken, primaries = self.cluster.writable()
        verdict = Verdict(self.servers, tokens, self.ledger, self.audience)
        return Row(name, outage, self.ledger, verdict, taken, primaries)

    def control(self):
        """Rows of control runs, which must lose something; the last one did."""
        rows = []
        while len(rows) < TRIES and not any(row.verdict.lost for row in rows):
            scenarios.make_asynchronous(self.cluster)
            rows.append(self.run(scenarios.CONTROL, scenarios.control))
        self.cluster.configure(self.cluster.settings)
        if not any(row.verdict.lost for row in rows):
            rows[-1].faults.append("asynchronous replication lost nothing: the drill proves nothing")
        return rows


def conditions(cluster, program):
    """The conditions of the table."""
    def first(*command):
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()[0]

    postgres = first(cluster.bin / "postgres", "--version").removeprefix("postgres (PostgreSQL) ")
    patroni = first(cluster.python, "-m", "patroni", "--version").split()[-1]
    etcd = first("etcd", "--version").split()[-1]
    settings = ", ".join(f"{name} {value}" for name, value in cluster.settings.items())
    # The folder is named by the profile.
    build = program.parent.name
    return [
        f"PostgreSQL {postgres}; Patroni {patroni}; etcd {etcd}; {first(program, '--version')}, {build} build;"
        f" {platform.system()} {platform.release()}, {os.cpu_count()} cores, all on loopback and one disk.",
        f"Patroni as in deploy/patroni.yml ({settings}), pg_rewind, slots; PostgreSQL: checksums, fsync and"
        " synchronous_commit on; Larkspur: its defaults, without rate limits.",
        f"{WRITERS} writers in {WORLDS} tenants; the app of each is subscribed, half of them by long connection, half by"
        " webhook.",
    ]


def document(rows, told):
    here = Path(__file__).resolve().parent
    told = [*told, f"Load average at the end: {os.getloadavg()[2]:.0f}."]
    text = (here / "drill.md").read_text(encoding="utf-8")
    return text.replace("CONDITIONS\n", "".join(f"- {line}\n" for line in told)).replace(
        "TABLE\n", "\n".join([Row.HEAD, Row.RULE, *map(str, rows)]) + "\n"
    ).replace("SCENARIOS\n", "".join(f"| {name} | {fault.__doc__} |\n" for name, fault in scenarios.ALL.items()))


def keep_logs(folder, place):
    """Copies the logs of a failed drill."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for path in [*folder.glob("*/log"), *folder.glob("ledger-*")]:
        name = path.name if path.parent == folder else f"{path.parent.name}.log"
        shutil.copyfile(path, place / name)
    print(f"logs: {place}", flush=True)


def drill(folder, options):
    began = time.monotonic()
    it = Drill(folder, options)
    told = conditions(it.cluster, options.program.resolve())
    print("\n".join(told), flush=True)
    it.start()
    print(f"set up: {time.monotonic() - began:.1f} s", flush=True)
    rows = []
    for name in options.only:
        started = time.monotonic()
        new = it.control() if name == scenarios.CONTROL else [it.run(name, scenarios.ALL[name])]
        if name == scenarios.CONTROL and name != options.only[-1]:
            it.cluster.settle(120)
        rows.extend(new)
        print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
        for row in new:
            print(row, *(f"    {fault}" for fault in row.faults), sep="\n", flush=True)
    print("\n".join([Row.HEAD, Row.RULE, *map(str, rows)]), flush=True)
    failed = [row.name for row in rows if row.faults]
    if failed:
        raise Failure(f"failed: {', '.join(failed)}")
    if options.write:
        options.write.write_text(document(rows, told), encoding="utf-8")


def main():
    names = list(scenarios.ALL)
    parser = argparse.ArgumentParser(prog="cargo xtask drill")
    parser.add_argument("--only", choices=names, action="append", help="this scenario (may be given again)")
    parser.add_argument("--short", action="store_true", help="kill the primary once")
    parser.add_argument("--write", type=Path, help="write the document with the table, if all went well")
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--patroni", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--logs", type=Path, default=Path("target/drill"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.only = ["kill-primary"] if options.short else options.only or names
    for how in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, lambda *_: sys.exit("ended from outside"))
    folder = Path(tempfile.mkdtemp(prefix="larkspur-drill-"))
    # PostgreSQL's user must have access to its folders in it.
    folder.chmod(0o711)
    try:
        drill(folder, options)
    except Failure as error:
        keep_logs(folder, options.logs)
        print(f"drill: {error}", file=sys.stderr)
        return 1
    except BaseException:
        keep_logs(folder, options.logs)
        raise
    finally:
        kill_inside(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
