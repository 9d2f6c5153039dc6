"""Prints the operations of the platform as its official SDKs name them: path, method and id, sorted.

Usage: platform_operations.py PACKAGE FOLDER
PACKAGE is the folder of lark_oapi (Python), FOLDER that of @larksuiteoapi/node-sdk. Both are read and not run.
"""

import ast
import json
import re
import sys
from pathlib import Path

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def python(package):
    """(method, path, id) of each operation: requests name method and path, resources name the operation."""
    for version in sorted(package.glob("api/*/*/resource")):
        version = version.parent
        requests = {}
        for file in sorted(version.glob("model/*_request.py")):
            requests.update(request(ast.parse(file.read_text("utf-8"))))
        for file in sorted(version.glob("resource/*.py")):
            for name, asked in operations(ast.parse(file.read_text("utf-8"))):
                # A word of Python has an underscore behind it.
                yield *requests[asked], f"{version.parent.name}.{version.name}.{file.stem}.{name.rstrip('_')}"


def request(tree):
    """The class of a request, and its method and path, which its builder sets; nothing for other models."""
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and bases(node) == ["BaseRequest"]]
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0].attr
            if target == "http_method" and isinstance(node.value, ast.Attribute):
                found[target] = node.value.attr
            elif target == "uri" and isinstance(node.value, ast.Constant):
                found[target] = node.value.value
    if not names:
        return {}
    return {names[0]: (found["http_method"], found["uri"])}


def bases(node):
    return [base.id for base in node.bases if isinstance(base, ast.Name)]


def operations(tree):
    """The methods of a resource that take a request; those that are awaited say the same again."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and len(node.args.args) > 1 and node.args.args[1].arg == "request":
            yield node.name, node.args.args[1].annotation.id


def node(folder):
    """(method, path, id) of each operation. The id is in the link to its page, which stands before it."""
    comment, reading, link, path = [], False, None, None
    for line in (folder / "lib/index.js").read_text("utf-8").splitlines():
        line = line.strip()
        if line.startswith("/**"):
            comment, reading = [], True
        if reading:
            comment.append(line)
            reading = not line.endswith("*/")
        elif re.match(r"\w+: \(payload, options\) =>", line):
            text, comment = " ".join(comment), []
            link = re.search(r"apiName=(\w+)&project=([\w.]+)&resource=([\w.]+)&version=(\w+)", text)
        elif found := re.search(r"fillApiPath\(`\$\{this\.domain\}(/open-apis/[^`]+)`", line):
            path = found[1]
        elif (found := re.match(r'method: "(\w+)"', line)) and path:
            # Pages that are fetched one after the other, and messages made of a card's template, repeat what stands
            # beside them, without a link.
            if link:
                name, project, resource, version = link.groups()
                yield found[1], path, f"{project}.{version}.{resource.replace('.', '_')}.{snake(name)}"
            path = None


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def braces(path):
    return re.sub(r":(\w+)", r"{\1}", path.rstrip("/"))


def main(package, folder):
    version = re.search(r'VERSION = "([\d.]+)"', (package / "core/const.py").read_text("utf-8"))[1]
    other = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    found, shapes = [], set()
    # Where both have an operation, it is the Python SDK's.
    for method, path, name in [*python(package), *node(folder)]:
        shape = (method, re.sub(r":\w+", ":", path.rstrip("/")))
        if method in METHODS and shape not in shapes:
            shapes.add(shape)
            found.append((braces(path), method, name))
    assert len({name for _, _, name in found}) == len(found), "two operations have one id"
    print("# Operations of the platform by path, method and id, as its official SDKs have them:")
    print(f"# lark-oapi {version} (Python) and @larksuiteoapi/node-sdk {other} (Node).")
    print("# Made by `cargo xtask platform-operations`; do not edit.")
    for operation in sorted(found):
        print("\t".join(operation))


main(Path(sys.argv[1]), Path(sys.argv[2]))
