"""The status page in a browser: what it shows, and that everybody can read it."""

import itertools
import json
import re
import signal
import subprocess
import threading

import browser
import free_ports
import gateway
import hostile_origin
import patience
import pytest

pytestmark = browser.needed

BIND = {"bind": "127.0.0.1:0"}
WIDTHS = (390, 1440)


@pytest.fixture
def server(start_gateway, tmp_path, origin):
    """A gateway with something in every section of the page."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a" * 5000)
    origin.on("/well/a", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", hostile_origin.KEEP)
    return start_gateway(
        [
            gateway.PING,
            {"path": "/files/*", "files": {"root": str(tmp_path / "files"), "strip_prefix": "/files"}},
            {"path": "/well/*", "proxy": {"to": "shop"}},
            {"path": "/dead/*", "proxy": {"to": "orders"}},
        ],
        extensions={"hello": {}, "echo": {"run": "isolated"}},
        upstreams={
            "shop": {"servers": [{"url": origin.url, "max_connections": 20}]},
            "orders": {"servers": [{"url": f"http://127.0.0.1:{free_ports.take(1)[0]}"}]},
        },
        admin={**BIND, "socket": "admin.sock"},
    )


class Load:
    """Requests, one after the other, until the end of the block."""

    def __init__(self, server, *paths):
        self.server, self.paths, self.isOver = server, paths, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        client = self.server.plain()
        for path in itertools.cycle(self.paths):
            client.get(path)
            if self.isOver.wait(0.002):
                return

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.isOver.set()
        self.thread.join()


@pytest.fixture
def window(tmp_path):
    with browser.opened(tmp_path) as window:
        for domain in ("Log", "Runtime", "Network"):
            window.call(f"{domain}.enable")
        yield window


def show(window, server, width=1440, scheme="light"):
    """Opens the page and waits until it is live."""
    window.show(f"http://127.0.0.1:{server.ports['admin']}/", width, 900, scheme)
    window.wait_for("document.getElementById('link').textContent.trim() === 'Live'")
    window.wait_for("document.querySelectorAll('.plot path').length > 0")


def text(window, name):
    return window.evaluate(f"document.getElementById('{name}').textContent.trim()")


FAILURE = "connection to the server failed"
# The entry about it, among the problems.
ENTRY = (
    "Array.from(document.querySelectorAll('#problem-list details'))"
    f".find((node) => node.textContent.includes('{FAILURE}'))"
)


def complaints(window):
    """What the browser has to object to, and addresses that are not the gateway's."""
    found = []
    for event in window.events:
        about = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            found.append(about["exceptionDetails"])
        elif event["method"] == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            found.append(about["entry"])
        elif event["method"] == "Runtime.consoleAPICalled":
            found.append(about["args"])
        elif event["method"] == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if not re.match(r"http://127\.0\.0\.1:\d+/(events)?$|data:image/svg", url):
                found.append(url)
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_move_under_load(window, server, width):
    show(window, server, width)
    with Load(server, "/ping", "/files/a.txt", "/missing", "/well/a", "/hello"):
        window.wait_for("parseFloat(document.getElementById('rate').textContent) > 1")
        before = text(window, "rate-more")
        window.wait_for(f"document.getElementById('rate-more').textContent !== {json.dumps(before)}")
        # The history has a step with these requests.
        window.wait_for("/at most [1-9]/.test(document.querySelector('#charts figcaption').textContent)", limit=30)
        window.wait_for("document.querySelectorAll('#site-table tbody tr').length === 5")
    assert not complaints(window)


def test_it_fits_every_window(window, server):
    with Load(server, "/ping", "/files/a.txt", "/missing", "/well/a", "/hello", "/dead/a", "/echo"):
        show(window, server)
        window.wait_for("document.querySelectorAll('#site-table tbody tr').length === 5")
        window.wait_for("document.querySelectorAll('#pool-list tbody tr').length > 0")
    window.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    for width in (390, 480, 640, 768, 960, 1024, 1280, 1440, 1600):
        window.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        window.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        needed = window.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"a window of {width} pixels scrolls sideways: {needed}"


def test_a_failure_is_shown_with_its_explanation(window, server):
    show(window, server)
    assert not window.evaluate(ENTRY + " !== undefined")
    with server.plain() as client:
        assert client.get("/dead/a").status == 502
    window.wait_for(ENTRY + " !== undefined")
    assert re.match(f"notice{FAILURE}.*upstream failed · orders 127", window.evaluate(ENTRY + ".textContent"))
    window.evaluate(ENTRY + ".firstElementChild.click()")
    window.wait_for(ENTRY + ".querySelector('dl') !== null")
    told = window.evaluate(ENTRY + ".textContent")
    assert "Connection refused" in told and re.search(r"Last request[0-9a-f]{32}", told)
    assert "What it means" in told and "What to do" in told and "the server behind the gateway" in told
    # The same word as on the command line.
    code = re.search(r"isagate explain ([a-z_]+)", told)[1]
    explained = subprocess.run([gateway.binary(), "explain", code], capture_output=True, text=True)
    assert FAILURE in explained.stdout and re.search("What it means(.*?)Who", told)[1] in explained.stdout
    # It stays open while its figures change.
    with server.plain() as client:
        client.get("/dead/a")
    window.wait_for(ENTRY + ".querySelector('.when').textContent.includes('2 times')")
    assert window.evaluate(ENTRY + ".open")
    assert int(text(window, "problem-count")) >= 1
    assert not complaints(window)


def test_a_refused_reload_is_shown_as_text(window, server):
    show(window, server)
    server.configure({**server.configuration, "<img src=x onerror=alert(1)>": 1})
    assert server.command("reload").returncode == 78
    window.wait_for("document.querySelector('#reload-list .badge')?.textContent === 'refused'")
    assert "<img src=x onerror=alert(1)>" in text(window, "reload-list")
    assert window.evaluate("document.querySelectorAll('img').length") == 0
    assert "The last reload was refused" in text(window, "attention")
    assert not complaints(window)


def test_it_survives_a_reload(window, server):
    show(window, server)
    assert server.command("reload").returncode == 0
    window.wait_for("document.getElementById('facts').textContent.includes('configuration 2')")
    assert text(window, "link") == "Live"
    window.wait_for("document.querySelector('#reload-list .badge')?.textContent === 'done'")


def test_a_drain_is_shown_and_then_the_loss_of_the_gateway(window, server):
    show(window, server)
    with server.plain() as busy:
        busy.get("/ping")
        busy.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n")
        server.signal(signal.SIGTERM)
        window.wait_for("/^Draining/.test(document.getElementById('verdict').textContent)")
        assert window.evaluate("document.title") == "↓ draining – Isagate"
        busy.send("\r\n")
        assert busy.read_response().status == 200
    assert server.wait() == 0
    window.wait_for("document.getElementById('link').textContent.trim() === 'Connection lost'", limit=20)
    assert re.match(r"No news from the gateway since \d\d:\d\d:\d\d", text(window, "stale"))


def test_what_is_not_configured_is_said_to_be_absent(window, start_gateway):
    site = {"hosts": ["*"], "routes": [gateway.PING]}
    server = start_gateway(sites=[site], listeners={"plain": gateway.LISTENERS["plain"]}, admin=BIND)
    show(window, server)
    for name, words in (
        ("upstream-list", "No upstreams are configured."),
        ("extension-table", "No extensions are configured."),
        ("site-table", "No request has been answered yet."),
        ("certificate-table", "No certificates are served."),
        ("problem-list", "Nothing was refused, cut or failed"),
        ("reload-list", "The configuration has not been reloaded"),
        ("verdict", "Ready"),
    ):
        assert words in text(window, name)


# For everybody


def test_everything_has_a_name_and_a_place(window, server):
    show(window, server)
    with server.plain() as client:
        client.get("/dead/a")
    window.wait_for("document.querySelector('#problem-list details') !== null")
    window.call("Accessibility.enable")
    nodes = [node for node in window.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    named = {"link", "slider", "meter", "table", "region", "navigation", "DisclosureTriangle", "columnheader", "rowheader"}
    roles = {}
    for node in nodes:
        role, name = node["role"]["value"], node.get("name", {}).get("value", "").strip()
        roles.setdefault(role, []).append(name)
        assert name or role not in named, f"a {role} has no name"
    assert {"banner", "navigation", "main", "contentinfo"} <= roles.keys()
    assert len(roles["slider"]) == 3 and len(roles["meter"]) >= 5 and len(roles["table"]) >= 6
    levels = window.evaluate("Array.from(document.querySelectorAll('h1,h2,h3')).map(node => +node.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels)), levels
    assert window.evaluate("document.documentElement.lang") == "en"


# The contrast of each visible text with what is behind it (WCAG 2.2, 1.4.3), below 4.5.
CONTRAST = """
(() => {
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.alpha === 1) return color.rgb;
      if (color.alpha > 0) throw new Error("a background that shines through");
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("script,style,noscript,[hidden]") || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const [one, other] = [luminance(parse(node.closest("svg") ? style.fill : style.color).rgb), luminance(behind(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    count += 1;
    if (ratio < 4.5) found.push([walker.currentNode.data, ratio]);
  }
  return { count, found };
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_text_stands_out_from_its_background(window, server, width, scheme):
    with server.plain() as client:
        for path in ("/dead/a", "/ping", "/missing"):
            client.get(path)
    server.configure({**server.configuration, "wrong": 1})
    server.command("reload")
    show(window, server, width, scheme)
    window.wait_for("document.querySelector('#reload-list details') && document.querySelector('#problem-list details') !== null")
    window.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    result = window.evaluate(CONTRAST)
    assert result["count"] > 100 and not result["found"]
    dark = window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(12, 17, 23)"
    assert dark == (scheme == "dark")


FOCUSED = """
(() => {
  const node = document.activeElement;
  if (node === document.body) return null;
  if (!node.dataset.seen) node.dataset.seen = document.querySelectorAll("[data-seen]").length + 1;
  const style = getComputedStyle(node);
  return [node.dataset.seen, node.textContent.trim().slice(0, 40), style.outlineStyle, parseFloat(style.outlineWidth)];
})()
"""


def test_the_keyboard_reaches_everything(window, server):
    with server.plain() as client:
        client.get("/dead/a")
    show(window, server)
    window.wait_for("document.querySelector('#problem-list details') !== null")
    count = window.evaluate(
        "Array.from(document.querySelectorAll('a,summary,[tabindex=\"0\"],button')).filter((node) => node.checkVisibility()).length")
    reached = {}
    for _ in range(count):
        window.press("Tab")
        focused = window.evaluate(FOCUSED)
        assert focused, f"the focus was lost after {reached}"
        number, words, style, width = focused
        assert style == "solid" and width >= 2, f"it cannot be seen that {words!r} is focused"
        reached[number] = words
    assert len(reached) == count, reached
    assert reached["1"].startswith("Skip to")


def test_the_keyboard_works_what_it_reaches(window, server):
    with server.plain() as client:
        client.get("/dead/a")
    show(window, server)
    window.wait_for("document.querySelector('#problem-list details') !== null")
    window.press("Tab")
    window.press("Enter", text="\r")
    assert window.evaluate("document.activeElement.id") == "main"
    # A chart reads single moments.
    window.wait_for("document.querySelector('.plot').getAttribute('aria-valuemax') >= 1", limit=30)
    window.evaluate("document.querySelector('.plot').focus()")
    window.press("ArrowLeft")
    moment = window.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    assert re.match(r"\d\d:\d\d:\d\d: Requests ", moment)
    window.press("Home")
    assert window.evaluate("document.activeElement.getAttribute('aria-valuenow')") == "0"
    # An entry opens and stays focused while the page goes on.
    window.evaluate(ENTRY + ".firstElementChild.focus()")
    window.press("Enter", text="\r")
    window.wait_for(f"{ENTRY}.open && {ENTRY}.querySelector('dl') !== null")
    with server.plain() as client:
        client.get("/dead/a")
    window.wait_for(ENTRY + ".querySelector('.when').textContent.includes('2 times')")
    assert window.evaluate(f"document.activeElement === {ENTRY}.firstElementChild")
    window.evaluate("document.querySelector('#chart-table summary').click()")
    window.wait_for("document.querySelectorAll('#chart-table tbody tr').length > 0")
