"""What the console looks like, and how it reads without eyes or a mouse: axe, names, widths, zoom, shortcuts, pictures."""

from console_page import SCREENS, Console

THEMES = ("light", "dark")
LANGUAGES = ("en", "zh")
# Characters of the page.
BOXED = "\u4e16\u754c\u62d2\u7edd"


def run(checks, server, browser):
    for language in LANGUAGES:
        for theme in THEMES:
            with Console(server, browser, language=language, theme=theme) as console:
                for screen in SCREENS:
                    with checks(f"{screen}, {language}, {theme}: no barrier that axe finds, and every control has a name"):
                        console.go(screen)
                        console.picture(f"{screen}-1280-{theme}-{language}")
                        found = console.axe()
                        assert not found, found
                        assert not console.nameless(), console.nameless()
                with checks(f"{language}, {theme}: nothing went wrong in the browser"):
                    assert not console.complaints(), console.complaints()
    with checks("Chinese is written in characters, not in boxes"), Console(server, browser, language="zh") as console:
        assert len({drawn(console, character) for character in BOXED}) == len(BOXED), "cargo xtask setup installs a Chinese font"
    narrow(checks, server, browser)
    structure(checks, server, browser)
    shortcuts(checks, server, browser)


def drawn(console, character):
    """How the browser draws a character in the font of the page: the same for all that no font has."""
    return console.value(
        "(c => { c.width = c.height = 40; const d = c.getContext('2d'); d.font = '32px ' + getComputedStyle(document.body).fontFamily;"
        f" d.fillText({character!r}, 4, 34); return d.getImageData(0, 0, 40, 40).data.join() }})(document.createElement('canvas'))"
    )


def narrow(checks, server, browser):
    for language in LANGUAGES:
        for theme in THEMES:
            with Console(server, browser, 390, 844, language, theme) as console:
                for screen in SCREENS:
                    console.go(screen)
                    console.picture(f"{screen}-390-{theme}-{language}")
    for name, width, height, language in (("320 px", 320, 640, "en"), ("320 px in Chinese", 320, 640, "zh"), ("390 px", 390, 844, "en"), ("200 %", 640, 400, "en")):
        with checks(f"{name}: nothing is lost at the side, and all is large enough to hit"), \
                Console(server, browser, width, height, language) as console:
            for screen in SCREENS:
                console.go(screen)
                assert console.sideways() <= 0, (screen, console.sideways())
                assert not lost(console), (screen, lost(console))
                assert not small(console), (screen, small(console))
    with checks("text spacing of WCAG 1.4.12 cuts nothing off"), Console(server, browser, 1280, 800) as console:
        console.value(
            "(() => { const s = new CSSStyleSheet(); s.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
            " p { margin-bottom: 2em !important }'); document.adoptedStyleSheets = [s] })()"
        )
        for screen in SCREENS:
            console.go(screen)
            assert console.sideways() <= 0, screen
            assert not lost(console), (screen, lost(console))


def lost(console):
    """Controls that stick out of the page at the side and cannot be scrolled to."""
    return console.value(
        "[...document.querySelectorAll('main button, main a, main input, main select, main textarea, header button, nav a')].filter(e => {"
        " const b = e.getBoundingClientRect(); if (!b.width || e.closest('.away, .skip')) return false; if (b.right <= innerWidth + 1 && b.left >= -1) return false;"
        " for (let p = e.parentElement; p; p = p.parentElement) if (p.scrollWidth > p.clientWidth && /auto|scroll/.test(getComputedStyle(p).overflowX)) return false;"
        " return true }).map(e => e.textContent.trim() + ' ' + e.className)"
    )


def small(console):
    """Controls below 24 by 24 px that are no link in a text (WCAG 2.5.8)."""
    return console.value(
        "[...document.querySelectorAll('button, select, input, nav a, [role=tab]')].filter(e => { const b = e.getBoundingClientRect();"
        " return b.width && !e.closest('.away') && (b.height < 24 || b.width < 24) && !(/^(checkbox|radio)$/.test(e.type) && e.labels?.length) })"
        ".map(e => (e.getAttribute('aria-label') ?? e.textContent) + ' ' + JSON.stringify(e.getBoundingClientRect()))"
    )


def structure(checks, server, browser):
    with Console(server, browser) as console:
        with checks("landmarks, one heading of the first level, and a title that says where one is"):
            for screen in SCREENS:
                console.go(screen)
                seen = [role for role, _ in console.page.sees()]
                assert {"banner", "navigation", "main"} <= set(seen), seen
                assert console.value("document.querySelectorAll('h1').length") == 1, screen
                title = console.value("document.title")
                assert title.endswith(" · Larkspur") and title.count(" · ") == 2, title
        with checks("the first stop of Tab skips to the content"):
            console.page.loaded(lambda: console.send("Page.reload"))
            console.until("document.querySelector('main h1') !== null")
            console.press("Tab")
            assert "Skip" in console.value("document.activeElement.textContent"), console.value("document.activeElement.outerHTML")
            console.press("Enter")
            assert console.value("document.activeElement.id") == "main"
        with checks("the focus can be seen, and Tab goes through the whole page without a trap"):
            console.go("faults")
            stops = set()
            for _ in range(150):
                console.press("Tab")
                stop = console.value(
                    "(e => [e.tagName + ' ' + (e.getAttribute('aria-label') ?? e.textContent).slice(0, 60), getComputedStyle(e).outlineStyle, e.matches(':focus-visible')])(document.activeElement)"
                )
                if stop[0].startswith("BODY"):
                    break
                assert stop[1] != "none" or not stop[2], stop
                stops.add(stop[0])
            assert len(stops) > 15, stops
        with checks("the language is said, and the switch changes it at once"):
            assert console.value("document.documentElement.lang") == "en"
            console.push("\u4e2d\u6587", "document.querySelector('header')")
            console.until("document.documentElement.lang === 'zh-CN'")
            console.reads("\u6545\u969c")
            console.push("English", "document.querySelector('header')")
            console.until("document.documentElement.lang === 'en'")
        with checks("the theme follows the system, and can be chosen"):
            for theme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(19, 22, 27)")):
                console.theme(theme)
                assert console.value("getComputedStyle(document.body).backgroundColor") == colour
        with checks("forced colours and less motion are respected"):
            console.send("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}, {"name": "prefers-reduced-motion", "value": "reduce"}])
            console.go("worlds")
            moving = console.value("[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0.01 || getComputedStyle(e).animationName !== 'none').map(e => e.outerHTML.slice(0, 80))")
            assert not moving, moving[:5]


def shortcuts(checks, server, browser):
    with Console(server, browser) as console:
        with checks("g and a letter lead to every screen"):
            for key, screen in zip("cteafwlv", SCREENS):
                console.chord(f"g {key}")
                console.until(f"location.hash.includes('/{screen}')")
        with checks("an address that was asked for is shown, whatever the screen before writes into it meanwhile"):
            console.go("coverage")
            asked = f"#/w/{console.world}/faults"
            console.value(f"location.hash = {asked!r}, document.querySelectorAll('main [role=tab]')[1].click()")
            console.until("document.querySelector('main h1').textContent === 'Faults & limits'")
        with checks("no key of a screen has two meanings"):
            for screen in SCREENS:
                console.go(screen)
                bound = console.value("import('/larkspur/console/lib/keys.js').then(keys => keys.all().map(({keys}) => keys.filter(one => !one.when).map(one => one.key)))", wait=True)
                twice = [key for group in bound for key in set(group) if group.count(key) > 1]
                assert not twice, (screen, twice)
        with checks("letters in a field are letters"):
            console.go("apps")
            console.chord("n")
            console.until("document.querySelector('dialog[open] input') !== null")
            console.press("g")
            console.press("c")
            assert console.value("document.activeElement.value") == "gc", console.value("document.activeElement.outerHTML")
            console.press("Escape")
            console.until("document.querySelector('dialog[open]') === null")
            assert "/apps" in console.value("location.hash")
        with checks("help lists the keys, and switches them off: then letters do nothing"):
            console.press("?")
            console.until("document.querySelector('dialog[open] input[type=checkbox]') !== null")
            console.page.click("dialog[open] input[type=checkbox]")
            console.press("Escape")
            console.until("document.querySelector('dialog[open]') === null")
            path = f"/worlds/{console.world}/apps"
            before = console.value("location.hash"), server.control("GET", path)
            for key in "gcnbeskum.?+-19":
                console.press(key)
            console.still()
            assert console.value("document.querySelector('dialog[open]') === null")
            assert (console.value("location.hash"), server.control("GET", path)) == before
        with checks("the palette has every action of the screen, and finds it by what is typed"):
            console.value("localStorage.removeItem('larkspur.keys')")
            console.page.loaded(lambda: console.send("Page.reload"))
            console.go("faults")
            console.press(".")
            console.until("document.querySelector('dialog[open] [role=option]') !== null")
            console.page.write("token-dropped")
            console.until("document.querySelectorAll('dialog[open] [role=option]').length >= 1")
            assert "token-dropped" in console.text("dialog[open] [role=option]")
            console.press("Enter")
            console.reads("token-dropped", ".lk-body")
            console.server.control("DELETE", f"/worlds/{console.world}/faults")
        with checks("what destroys asks first, names what goes, and has the focus on Cancel"):
            console.go("worlds")
            console.press("R", held=8)
            console.until("document.querySelector('dialog[open] button.danger') !== null")
            assert console.value("document.activeElement.textContent") == "Cancel"
            console.press("Escape")
            console.until("document.querySelector('dialog[open]') === null")
