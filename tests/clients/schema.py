"""Requests generated from the server's own OpenAPI document: no answer is a 5xx or differs from the document."""

import json
import subprocess
import sys
from pathlib import Path

import control
from harness import Server, environment

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(checks):
    with Server("--rate-limits", "off", memory=True) as server:
        document = server.call("GET", "/larkspur/openapi.json")[2]
        with checks("the document lists every operation"):
            listed = [line for line in server.run("operations", "--json").stdout.splitlines() if '"id"' in line]
            described = [one for path in document["paths"].values() for one in path.values() if "operationId" in one]
            assert len(listed) == len(described) > 0, (len(listed), len(described))
        made_up(checks, server, "public operations, any ids", "/open-apis/", server.tenant_token(), {})
        # With existing ids, requests get past the first refusal. A user owns the chat, so that no request dissolves
        # it or removes the bot before others have run.
        user = server.ready["users"][0]["user_id"]
        chat = server.control("POST", f"/worlds/{server.ready['tenant_key']}/chats", {
            "name": "made up", "owner": user, "members": [server.ready["app_id"]],
        })["chat_id"]
        tag = {"create_tag": {"tag_type": "tenant", "name": "made up"}}
        token = server.tenant_token()
        known = {
            "path.chat_id": chat,
            "path.tag_id": server.good("POST", "/open-apis/im/v2/tags", tag, token)["id"],
            "path.token": server.ready["document_url"].rsplit("/", 1)[1],
            "query.biz_entity_id": chat,
        }
        made_up(checks, server, "public operations, known ids", "/open-apis/", token, known)
        with checks("requests did get past it"):
            for operation in ("im.v2.tag.create", "im.v2.tag.patch", "im.v2.tag.list", "im.v2.biz_entity_tag_relation.get",
                              "im.v1.chat.create", "im.v1.chat.get", "im.v1.chat_tab.create", "im.v1.chat_tab.list_tabs"):
                said = [line for line in server.call("GET", "/larkspur/metrics")[2].decode().splitlines()
                        if line.startswith(f'larkspur_requests_total{{operation="{operation}"')]
                assert server.metric("larkspur_requests_total", operation=operation, code=0) > 0, said
        # It may delete any world, so it comes last.
        key = server.ready["control_key"]
        made_up(checks, server, "control operations", "/larkspur/v1/", key, {})
        with checks("afterwards everything works, and all answers were documented"):
            world = control.fresh(server).facts
            server.good("GET", f"/open-apis/im/v1/chats/{world['chat_id']}", token=server.tenant_token(
                world["app_id"], world["app_secret"]
            ))
            assert server.metric("larkspur_undocumented_total") == 0, server.log()


def made_up(checks, server, name, prefix, token, known):
    lines = [f"{json.dumps(parameter)} = {json.dumps(value)}" for parameter, value in known.items()]
    # A method that is not described may be one that the platform has and Larkspur does not serve, which is 501.
    tolerated = ["[checks.not_a_server_error]", 'expected-statuses = ["2xx", "3xx", "4xx", "501"]']
    (server.home / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines, *tolerated, ""]))
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/larkspur/openapi.json",
        "--url", server.url, "--header", f"Authorization: Bearer {token}",
        "--include-path-regex", f"^{prefix}", "--checks", CHECKS, "--max-examples", "10",
        "--phases", "examples,coverage,fuzzing", "--request-timeout", "10", "--no-color", "--warnings", "off",
        "--continue-on-failure",
    ]
    with checks(name):
        # In a temporary folder, for its cache files.
        done = subprocess.run(
            command, cwd=server.home, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout[-12000:]}\n{done.stderr[-2000:]}\n{server.log()[-3000:]}"
        print("\n".join("        " + line for line in done.stdout.splitlines()[-12:]))
