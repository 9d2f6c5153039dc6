"""The budgets of the console, measured, and the console left open: 100,000 rows while an hour of the world passes.

It takes minutes and wants a machine that does nothing else, so it runs only if it is named:
`tests/clients/run.py console_soak`. The figures go to target/console/budgets.json, which
`cargo xtask bench --console target/console/budgets.json` makes rows of.
"""

import json
import statistics
import time

import console
import control
from console_page import Console, server
from devtools import Browser
from harness import ROOT

ROUNDS = 5
LOAD_SECONDS = 10
RATE = 1000
# As many as the list keeps.
ROWS = 100_000
# Then an hour of the world in steps, each with more rows: the oldest ones go.
STEPS = 20
STEP_SECONDS = 180
STEP_ROWS = 2500
# How much more the heap may be in the last quarter of that hour than in the first.
GROWTH_MAX = 1.1
# What the page may need: the name of a row, its unit, and the budget.
BUDGETS = {
    "first visit": ("KB", 90), "first paint": ("ms", 150), "usable": ("ms", 300),
    "1,000 rows/s": ("% of a core", 15), "nodes at 1,000 rows/s": ("nodes", 1500), "heap after 100,000 rows": ("MB", 30),
}


def run(checks):
    figures = {name: [] for name in BUDGETS}
    with server() as own, Browser() as browser:
        with Console(own, browser) as page:
            for _ in range(ROUNDS):
                painted, usable = console.soon(page, 1)
                figures["first paint"].append(painted)
                figures["usable"].append(usable)
            figures["first visit"].append(visited(own, page) / 1000)
    with server("--rate-limits", "off") as own, Browser() as browser:
        for _ in range(ROUNDS):
            share, nodes, rate = rows_each_second(own, browser)
            figures["1,000 rows/s"].append(share)
            figures["nodes at 1,000 rows/s"].append(nodes)
            print(f"        {rate:.0f} calls/s were made", flush=True)
        full, heaps = soak(own, browser)
        figures["heap after 100,000 rows"].append(full)
    with checks("100,000 rows and an hour of the world: the heap is flat"):
        part = max(1, len(heaps) // 4)
        early, late = max(heaps[:part]), max(heaps[-part:])
        assert late <= early * GROWTH_MAX, heaps
    for name, (unit, most) in BUDGETS.items():
        with checks(f"{name}: at most {most} {unit}"):
            found = figures[name]
            print(f"        {statistics.median(found):.1f} {unit} [{min(found):.1f} - {max(found):.1f}]", flush=True)
            assert statistics.median(found) <= most, found
    told = [{"name": name, "unit": BUDGETS[name][0], "most": BUDGETS[name][1], "values": figures[name]} for name in BUDGETS]
    folder = ROOT / "target/console"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "budgets.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def visited(own, page):
    """The bytes of a first visit: the frame, one screen, one language."""
    page.page.history.clear()
    page.send("Network.setCacheDisabled", cacheDisabled=True)
    page.page.loaded(lambda: page.send("Page.reload"))
    page.until("document.querySelector('main h1') !== null")
    page.still()
    answers = [event["params"]["response"]["url"] for event in page.page.history if event["method"] == "Network.responseReceived"]
    files = {url for url in answers if "/larkspur/console" in url and not url.endswith("/session")}
    return sum(len(console.fetched(own, url)) for url in files)


def rows_each_second(own, browser):
    """The share of a core that the page uses, its nodes, and the rate that the machine made."""
    with Console(own, browser) as page:
        page.go("traffic")
        page.until("document.querySelector('.stream.live') !== null")
        page.send("Network.disable")
        page.send("Performance.enable", timeDomain="threadTicks")
        before, began = console.metrics(page), time.monotonic()
        total = console.crowd(own, own.tenant_token(), LOAD_SECONDS, RATE)
        took, after = time.monotonic() - began, console.metrics(page)
        page.send("HeapProfiler.collectGarbage")
        nodes = console.metrics(page)["Nodes"]
        return (after["TaskDuration"] - before["TaskDuration"]) / took * 100, nodes, total / took


def soak(own, browser):
    """The heap, in MB, when the list is full, and after each part of an hour in which more rows arrive."""
    home, heaps = control.demo(own), []
    with Console(own, browser) as page:
        page.go("traffic")
        page.until("document.querySelector('.stream.live') !== null")
        page.send("Network.disable")
        page.send("Performance.enable", timeDomain="threadTicks")
        console.crowd(own, own.tenant_token(), 300, RATE, until=lambda: page.value(console.ROWS) >= ROWS)
        page.still()
        assert page.value(console.ROWS) >= ROWS, page.value(console.ROWS)
        full = heap(page)
        for _ in range(STEPS):
            own.control("PUT", f"{home.path}/clock", {"advance_seconds": STEP_SECONDS})
            console.call_many(own, own.tenant_token(), STEP_ROWS)
            page.still()
            heaps.append(heap(page))
    return full, heaps


def heap(page):
    """The heap without garbage, in MB."""
    page.send("HeapProfiler.collectGarbage")
    now = console.metrics(page)
    print(f"        {page.value(console.ROWS)} rows, {now['Nodes']:.0f} nodes, {now['JSHeapUsedSize'] / 1e6:.1f} MB", flush=True)
    return now["JSHeapUsedSize"] / 1e6
