"""The server seen from outside: official SDKs and their models, tests as a newcomer writes them, the wire, the process,
the OpenAPI document, the sign-in page and the console in a browser, who may use the console, the commands of the
README and of the guide.

`cargo xtask clients` runs it. By hand: LARKSPUR=target/ci/larkspur PYTHON tests/clients/run.py [PART...], with
a Python that has tests/clients/python/requirements.txt.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from harness import HERE, Checks, Server, environment, png

sys.path.append(str(HERE / "python"))


def python(checks):
    import journey

    with Server() as server:
        journey.run(checks, server)


def models(checks):
    import models

    with Server(memory=True) as server:
        models.run(checks, server)


def newcomer(checks):
    import bot_tests

    bot_tests.run(checks)


def node(checks):
    import control
    import covered

    with Server() as server:
        home = control.demo(server)
        facts = server.ready | {
            "tokens": [home.user_token(server.ready["app_id"], user) for user in server.ready["users"]],
            "document": home.document(owner=server.ready["app_id"]),
            "png": png().hex(),
            "poor": home.app(scopes=["im:chat"]),
            "reader": home.app(scopes=["im:tag:read"]),
        }
        process = subprocess.Popen(
            ["node", str(HERE / "node/journey.mjs")], env=environment(FACTS=json.dumps(facts)),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        named, typed = 0, None
        try:
            # It prints a line for each check, and requests restarts of the server.
            for line in process.stdout:
                if line.startswith("CHECK "):
                    told = json.loads(line.removeprefix("CHECK "))
                    checks.count(told["name"], told["error"] is None, told["error"])
                    named += 1
                elif line.startswith("TYPED "):
                    typed = json.loads(line.removeprefix("TYPED "))
                else:
                    print(line, end="")
            code = process.wait(60)
        finally:
            process.kill()
        checks.count("it ran to its end", code == 0 and named > 0, f"node ended with {code} after {named} checks")
        operations = json.loads(server.run("operations", "--json").stdout)
        covered.check(checks, operations, **typed)


def long_connection(checks):
    import long_connection

    long_connection.run(checks)


def wire(checks):
    import wire

    wire.run(checks)


def process(checks):
    import process

    process.run(checks)


def schema(checks):
    import schema

    schema.run(checks)


def browser(checks):
    import browser

    browser.run(checks)


def console(checks):
    import console

    console.run(checks)


def console_use(checks):
    import console

    console.use(checks)


def console_looks(checks):
    import console

    console.looks(checks)


def s3(checks):
    import s3

    s3.run(checks)


def readme(checks):
    import readme

    readme.run(checks)


def webhooks(checks):
    import webhooks

    webhooks.run(checks)


def guide(checks):
    import guide

    guide.run(checks)


def bots(checks):
    import bots

    bots.run(checks)


def messages(checks):
    import messages

    messages.run(checks)


def console_readme(checks):
    import console_readme

    console_readme.run(checks)


def console_security(checks):
    import console_security

    console_security.run(checks)


def traffic(checks):
    import traffic

    traffic.run(checks)


def console_soak(checks):
    import console_soak

    console_soak.run(checks)


# Those that take longest come first.
PARTS = {part.__name__: part for part in (
    console_use, console_looks, schema, long_connection, console, traffic, python, models, newcomer, node, wire, process, browser,
    console_readme, console_security, s3, readme, webhooks, guide, bots, messages,
)}
# Those that run only if they are named.
APART = {console_soak.__name__: console_soak}


def main(names):
    unknown = set(names) - set(PARTS) - set(APART)
    if unknown:
        raise SystemExit(f"there is no part {', '.join(unknown)}: {', '.join([*PARTS, *APART])}")
    if not shutil.which("node"):
        raise SystemExit("there is no node: cargo xtask setup")
    chosen = [name for name in PARTS | APART if name in names or not (names or name in APART)]
    if len(chosen) == 1:
        return close(*here(chosen[0]))
    # Each part has servers of its own and mostly waits for them, so two run at a time.
    with ThreadPoolExecutor(2) as lanes:
        results = list(lanes.map(beside, chosen))
    return close(sum(passed for passed, _ in results), [name for _, failed in results for name in failed])


def here(name):
    """Runs a part: how many checks passed, and the names of those that failed."""
    checks = Checks()
    checks.part = name
    try:
        (PARTS | APART)[name](checks)
    except Exception as error:
        checks.count("set up", False, repr(error))
    return checks.passed, checks.failed


def beside(name):
    """As [`here`], in a process of its own, which shows what it prints when it has ended."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, __file__, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    *lines, last = done.stdout.splitlines() or [""]
    result = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
    failed = [line.removeprefix("failed: ") for line in lines if line.startswith("failed: ")]
    shown = [line for line in lines if not line.startswith("failed: ")]
    if not result:
        shown, failed = [*shown, last], [f"{name}: it ended with {done.returncode}"]
    print("\n".join([*shown, f"== {name}: {time.monotonic() - began:.0f} s"]), flush=True)
    return int(result[1]) if result else 0, failed


def close(passed, failed):
    """Says how it ended: the exit code."""
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
