"""Runs every block of the README that is marked `run`, in order, against a running server; the same in both languages.

A block has the variables that the server prints for a shell, in a folder that is not the server's. An output that the page
shows after it is compared.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import HERE, ROOT, Server, as_shown, environment, program

PAGES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Info string and text of every fenced block."""
    return [(info.strip(), text) for info, text in FENCE.findall((ROOT / page).read_text(encoding="utf-8"))]


def run(checks):
    first, second = (blocks(page) for page in PAGES)
    with checks("both languages show the same code"):
        assert first == second, [pair for pair in zip(first, second) if pair[0] != pair[1]]
    with checks("Python, Node and the shell are shown and run"):
        marked = {info.split()[0] for info, _ in first if "run" in info.split()}
        assert {"sh", "python", "js"} <= marked, marked
    for page in PAGES:
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "node_modules").symlink_to(HERE / "node/node_modules")
            (Path(folder) / "bin").mkdir()
            (Path(folder) / "bin/larkspur").symlink_to(program())
            # People run the blocks a second time, and restart the server in between.
            for turn in ("once", "twice"):
                all_blocks = blocks(page)
                for number, (info, text) in enumerate(all_blocks, 1):
                    if "run" in info.split():
                        first_line = text.strip().splitlines()[0]
                        with checks(f"{page}, {turn}, block {number}: {first_line[:60]}"):
                            printed = done(server, Path(folder), info.split()[0], text, number)
                            if all_blocks[number:] and all_blocks[number][0] == "text":
                                assert as_shown(all_blocks[number][1], printed), f"it prints:\n{printed}"
                server.restart()
            for name in ("From Python", "From Node"):
                with checks(f"{page}: the groups {name} are as the block says"):
                    made(server, name)
            with checks(f"{page}: a block whose call is refused fails"):
                refused(server, Path(folder), blocks(page))


def made(server, name):
    """Checks the result of a block: the SDKs do not raise on every refusal."""
    token, api = server.tenant_token(), "/open-apis/im"
    chats = server.good("GET", f"{api}/v1/chats?page_size=100", token=token)["items"]
    made = [one["chat_id"] for one in chats if one["name"] == name]
    assert len(made) == 2, chats
    for chat in made:
        shown = server.good("GET", f"{api}/v1/chats/{chat}", token=token)
        assert shown["user_manager_id_list"] == [server.ready["users"][0]["open_id"]], shown
        tabs = server.good("GET", f"{api}/v1/chats/{chat}/chat_tabs/list_tabs", token=token)["chat_tabs"]
        assert [tab.get("tab_name") for tab in tabs] == [None, "Wiki"], tabs
        query = f"tag_biz_type=chat&biz_entity_id={chat}"
        bound = server.good("GET", f"{api}/v2/biz_entity_tag_relation?{query}", token=token)
        bound = bound["tag_info_with_bind_versions"]
        assert [one["tag_info"]["name"] for one in bound] == [name.replace("From", "from")], bound


def refused(server, folder, all_blocks):
    """The next call of an operation is refused: the block that makes the call fails with an error that names the code."""
    world = server.ready["tenant_key"]
    calls = {"python": "im.v1.chat_tab.create", "js": "im.v1.chat_tab.create", "sh": "im.v1.chat_tab.list_tabs"}
    for number, (info, text) in enumerate(all_blocks, 1):
        language, *more = info.split()
        if "run" not in more or (language == "sh" and "list_tabs" not in text):
            continue
        path = f"/worlds/{world}/refusals/{calls[language]}"
        server.control("PUT", path, {"code": 232034})
        try:
            done(server, folder, language, text, number)
        except AssertionError as failure:
            assert "232034" in str(failure) and "exit 0" not in str(failure), failure
        else:
            raise AssertionError(f"the block in {language} does not tell that {calls[language]} was refused")


def done(server, folder, language, text, number):
    if language == "sh":
        # A failing command must not be hidden by the ones after it.
        command = [shutil.which("bash") or "sh", "-eu", "-c", text]
    elif language == "python":
        command = [sys.executable, "-c", text]
    elif language == "js":
        (folder / f"block{number}.mjs").write_text(text)
        command = ["node", f"block{number}.mjs"]
    else:
        raise AssertionError(f"there is no way to run {language}")
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        command, cwd=folder, env=environment(PATH=path, **server.exported()), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60,
    )
    shown = f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    assert ended.returncode == 0, shown
    assert ended.stdout.strip(), f"it prints nothing: {shown}"
    # curl exits with 0 whatever the server answers.
    codes = re.findall(r'^\s*\{"code":\s*(\d+)', ended.stdout)
    assert all(code == "0" for code in codes), shown
    return ended.stdout
