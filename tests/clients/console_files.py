"""The console's files, read without a browser: size, types, words in both languages, and what must not be in them."""

import json
import re
import subprocess

from harness import HERE, ROOT

FOLDER = ROOT / "console"
# Of the whole folder; what a first visit loads is measured in the browser.
BYTES_MAX, FILES_MAX, LINES_MAX = 480_000, 34, 600
TSC = [
    "node", str(HERE / "node/node_modules/typescript/bin/tsc"), "--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "esnext",
    "--module", "esnext", "--moduleResolution", "bundler", "--lib", "esnext,dom,dom.iterable", "--types", "",
]
# What makes markup or code of a string, or a style or handler that the policy forbids.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\(|new Function|"
    r"setAttribute\('(style|on\w+)'|javascript:|setTimeout\(['\"`]|importScripts|<script>"
)
LITERAL = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)\"""")
KEY = re.compile(r"[a-z]+\.[A-Za-z0-9_.@-]+")
HAN = re.compile(r"[\u4e00-\u9fff]")
PLURAL = re.compile(r"\.(one|other)$")
# Sections whose keys follow values of the server.
SERVERS = ("why.", "status.", "basis.", "step.")
# Names: the languages in themselves, the project, a command, an event, what a message to be sent begins with.
NAMES = {"English", "\u4e2d\u6587", "Larkspur", "larkspur console", "Release 7", "card.action.trigger"}


# A sets what C reads, while B, which throws, is still due.
EFFECTS = """
import {effect, signal} from './console/lib/store.js';
globalThis.reportError = () => {};
const [first, second] = [signal(0), signal(0)];
let seen;
effect(() => { first.get(); second.set(first.peek()) });
effect(() => { if (first.get() === 1) throw new Error('B') });
effect(() => { seen = second.get() });
for (const value of [1, 2]) { first.set(value); await new Promise(done => setTimeout(done, 10)) }
console.log(seen, second.peek());
"""


def run(checks):
    with checks("it is small: bytes, files, lines"):
        files = [path for path in FOLDER.rglob("*") if path.is_file()]
        assert len(files) <= FILES_MAX, len(files)
        size = sum(path.stat().st_size for path in files)
        assert size <= BYTES_MAX, size
        long = {path.name: lines for path in files if (lines := path.read_text(encoding="utf-8").count("\n")) > LINES_MAX}
        assert not {name for name in long if name not in ("en.js", "zh.js")}, long

    with checks("what an effect wakes runs, and what throws stops no other"):
        done = subprocess.run(["node", "--input-type=module", "-e", EFFECTS], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.stdout.split() == ["2", "2"], (done.stdout, done.stderr)

    with checks("its types are right"):
        done = subprocess.run([*TSC, *map(str, scripts())], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[:6000] + done.stderr[:2000]

    with checks("no string becomes markup or code, and nothing is loaded from elsewhere"):
        for path in [*scripts(), FOLDER / "index.html"]:
            found = FORBIDDEN.search(path.read_text(encoding="utf-8"))
            assert not found, (path.name, found.group())
        page = (FOLDER / "index.html").read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", page), "inline script, style or handler"
        for path in (FOLDER / "index.html", FOLDER / "style.css"):
            links = set(re.findall(r"https?://[^\s'\")>]+", path.read_text(encoding="utf-8"))) - {"http://www.w3.org/2000/svg"}
            assert not links, (path.name, links)
        for path in scripts():
            for place in re.findall(r"^import [^;]*?'([^']+)';|\bimport\('([^']+)'\)", path.read_text(encoding="utf-8"), re.MULTILINE):
                place = "".join(place)
                assert place.startswith(".") and (path.parent / place).is_file(), (path.name, place)

    words(checks)


def words(checks):
    english, chinese = table("en"), table("zh")
    uses = [Uses(path) for path in scripts() if path.parent.name != "text"]

    with checks("both languages have the same words, with the same gaps"):
        assert english.keys() == chinese.keys(), sorted(english.keys() ^ chinese.keys())
        gaps = re.compile(r"\{\w+\}")
        differ = [key for key in english if sorted(set(gaps.findall(english[key]))) != sorted(set(gaps.findall(chinese[key])))]
        assert not differ, differ
        assert not [key for key in english if not english[key].strip() or not chinese[key].strip()]
        assert not [key for key in english if HAN.search(english[key])], "Chinese among the English words"

    with checks("every word is used, and every word that is used exists"):
        unused = [key for key in english if not any(is_used(key, file) for file in uses)]
        assert not unused, unused
        sections = {key.split(".")[0] for key in english}
        asked = {key for file in uses for key in file.keys if key.split(".")[0] in sections}
        unknown = [key for key in asked if key not in english and f"{key}.other" not in english]
        assert not unknown, unknown

    with checks("no word of the page stands outside of the tables"):
        found = {(path.name, text) for path in scripts() if path.parent.name != "text" for text in shown(path)}
        assert not found, sorted(found)


class Uses:
    """The strings of a script that are keys of words, and those that begin one."""

    def __init__(self, path):
        text = code(path)
        all_of_it = literals(path)
        ids = set(re.findall(r"(?:\bid(?:: | === |\.endsWith\()|\b(?:its|action|call)\()'([a-z_.]+)'", text))
        for actions in re.findall(r"ACTIONS = .*?\]\)", text, re.DOTALL):
            ids |= set(re.findall(r"'([a-z_.]+)'", actions))
        self.keys = {one for one in all_of_it if KEY.fullmatch(one)} - ids - NAMES
        self.starts = {one.split("${")[0] for one in all_of_it if re.match(r"[a-z]+\.[\w.]*\$\{", one)}
        self.words = {word for one in all_of_it for word in re.findall(r"[\w@-]+", one)} | set(re.findall(r"\b\w+(?=:)", text))
        self.titles = {f"{one}.title" for one in all_of_it if "." not in one}


def is_used(key, uses):
    if key in uses.keys or PLURAL.sub("", key) in uses.keys or key in uses.titles:
        return True
    for start in uses.starts:
        if not key.startswith(start):
            continue
        # What the server answers, or a list of its own; else each part is among the strings of the same file.
        if start.count(".") > 1 or start in SERVERS or uses.words.issuperset(key.removeprefix(start).split(".")):
            return True
    return False


def scripts():
    return sorted(FOLDER.rglob("*.js"))


def table(language):
    program = "import(process.argv[1]).then(found => console.log(JSON.stringify(found.default)))"
    done = subprocess.run(["node", "--input-type=module", "-e", program, (FOLDER / f"text/{language}.js").as_uri()], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def code(path):
    """A script without its comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*\*.*?\*/|^\s*//[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)


def literals(path):
    """The strings of a script, and those in the expressions of its templates."""
    found = ["".join(groups) for groups in LITERAL.findall(code(path))]
    return found + [inner for one in found if "${" in one for inner in re.findall(r"'([^']*)'", one)]


def shown(path):
    """Strings that a person would read: Chinese, or sentences of an element's kids, labels and titles."""
    text = code(path)
    for use in literals(path):
        if HAN.search(use) and use not in NAMES:
            yield use
    # A child of an element, or a property that is read out: a capital letter and then a letter, outside of an expression.
    for match in re.finditer(r"(?:h\('[a-z0-9]+', (?:null|\{[^{}]*\}), |'aria-label': |title: |placeholder: |label: )'([^']*)'", text):
        use = match.group(1)
        if re.search(r"[A-Z][a-z]+|(?<![:_.])\b[a-z]+ [a-z]+\b(?![:_.])", use) and use not in NAMES and not re.fullmatch(r"[a-z]+\.[\w.]+", use):
            yield use
