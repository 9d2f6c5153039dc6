"""Requests made up from the server's own OpenAPI document: none is answered with a 5xx or with what is not described."""

import subprocess
import sys
from pathlib import Path

from harness import Server, environment

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(checks):
    with Server("--rate-limits", "off", memory=True) as server:
        document = server.call("GET", "/larkspur/openapi.json")[2]
        with checks("the document lists every operation"):
            listed = [line for line in server.run("operations", "--json").stdout.splitlines() if '"id"' in line]
            described = [one for path in document["paths"].values() for one in path.values() if "operationId" in one]
            assert len(listed) == len(described) > 0, (len(listed), len(described))
        made_up(checks, server, "the public operations", "/open-apis/", server.tenant_token())
        made_up(checks, server, "the control operations", "/larkspur/v1/", server.ready["control_key"])
        with checks("the server still works, and answered nothing that its documents do not list"):
            server.tenant_token()
            assert server.metric("larkspur_undocumented_total") == 0, server.log()


def made_up(checks, server, name, prefix, token):
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/larkspur/openapi.json",
        "--url", server.url, "--header", f"Authorization: Bearer {token}",
        "--include-path-regex", f"^{prefix}", "--checks", CHECKS, "--max-examples", "30", "--max-time", "40",
        "--phases", "examples,coverage,fuzzing", "--request-timeout", "10", "--no-color", "--warnings", "off",
        "--continue-on-failure",
    ]
    with checks(name):
        # In a folder of its own, where it leaves what it remembers.
        done = subprocess.run(
            command, cwd=server.home, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout[-12000:]}\n{done.stderr[-2000:]}\n{server.log()[-3000:]}"
        print("\n".join("        " + line for line in done.stdout.splitlines()[-12:]))
