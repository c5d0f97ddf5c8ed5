"""`isagate import iis`: the gateway with the configuration that it writes serves what the sites of IIS have."""

import pathlib
import os
import subprocess

import gateway
import origin
import patience
from test_import_nginx import ask

HOST = """<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <system.applicationHost>
    <applicationPools><add name="Shop Pool"><processModel idleTimeout="00:10:00"/></add></applicationPools>
    <sites>
      <site name="Shop" id="1">
        <application path="/" applicationPool="Shop Pool">
          <virtualDirectory path="/" physicalPath="C:\\inetpub\\shop" />
          <virtualDirectory path="/images" physicalPath="D:\\images" />
        </application>
        <bindings><binding protocol="http" bindingInformation="127.0.0.1:8089:" /></bindings>
      </site>
    </sites>
  </system.applicationHost>
  <system.webServer>
    <defaultDocument><files><add value="default.aspx" /><add value="Default.htm" /></files></defaultDocument>
    <isapiFilters><filter name="old" path="C:\\old.dll" /></isapiFilters>
  </system.webServer>
  <location path="Shop">
    <system.webServer>
      <handlers>
        <add name="Cart" path="hello.dll" verb="GET" modules="IsapiModule" scriptProcessor="C:\\bin\\hello.dll" />
      </handlers>
    </system.webServer>
  </location>
</configuration>
"""

WEB = """<configuration>
  <system.webServer>
    <httpProtocol><customHeaders><add name="X-Site" value="shop" /></customHeaders></httpProtocol>
    <security><requestFiltering><fileExtensions><add fileExtension=".bak" allowed="false" /></fileExtensions>
      <hiddenSegments><add segment="inner" /></hiddenSegments></requestFiltering></security>
    <rewrite><rules>
      <rule name="api"><match url="^api/(.*)" /><action type="Rewrite" url="http://127.0.0.1:ORIGIN/v1/{R:1}" /></rule>
      <rule name="old"><match url="^old$" /><action type="Redirect" url="/new" redirectType="Found" /></rule>
    </rules></rewrite>
  </system.webServer>
  <location path="list"><system.webServer><directoryBrowse enabled="true" /></system.webServer></location>
</configuration>
"""


def test_sites_of_iis_are_served(tmp_path, build_extension):
    folder = pathlib.Path(os.path.realpath(tmp_path))
    for name, content in {
        "shop/Default.htm": "front", "shop/page.html": "page", "shop/page.aspx": "source", "shop/a.bak": "x",
        "shop/web.config": "x", "shop/inner/x.html": "x", "shop/list/one.txt": "1", "images/a.txt": "image",
    }.items():  # fmt: skip
        (folder / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "www" / name).write_text(content)
    server = origin.Origin("app")
    (folder / "applicationHost.config").write_text(HOST)
    (folder / "www/shop/web.config").write_text(WEB.replace("ORIGIN", str(server.port)))
    maps = [f"C:\\inetpub={folder}/www", f"D:={folder}/www", f"C:\\bin={pathlib.Path(build_extension('hello')).parent}"]
    outcome = subprocess.run(
        [gateway.binary(), "import", "iis", folder / "applicationHost.config", folder / "www/shop/web.config",
         *(word for rule in maps for word in ("--map", rule))],
        capture_output=True, text=True, timeout=patience.seconds(30),
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    assert "<isapiFilters>: filters are not available" in outcome.stderr
    # An isolated pool needs a program beside the gateway, which other tests build.
    text = outcome.stdout.replace("127.0.0.1:8089", "127.0.0.1:0").replace("pool: Shop-Pool", "run: in_process")
    file = folder / "isagate.yaml"
    file.write_text(text)
    process = subprocess.Popen(
        [gateway.binary(), "run", "--config", file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    logs = [gateway.Log(process.stdout), gateway.Log(process.stderr)]
    try:
        port = int(logs[1].wait_for(r"listener [\w-]+: http://127\.0\.0\.1:(\d+)")[1])
        logs[1].wait_for(r" notice: ready: ")
        answers = {path: ask(port, path) for path in [
            "/", "/page.html", "/page.aspx", "/a.bak", "/web.config", "/inner/x.html", "/list/", "/images/a.txt", "/api/users",
            "/old", "/hello.dll",
        ]}  # fmt: skip
        statuses = {path: answer[0].status for path, answer in answers.items()}
        assert statuses == {
            "/": 200, "/page.html": 200, "/page.aspx": 404, "/a.bak": 404, "/web.config": 404, "/inner/x.html": 404,
            "/list/": 200, "/images/a.txt": 200, "/api/users": 200, "/old": 302, "/hello.dll": 200,
        }, text  # fmt: skip
        assert answers["/"][1] == b"front" and answers["/images/a.txt"][1] == b"image"
        assert answers["/page.html"][0].headers["X-Site"] == "shop"
        assert server.requests[0][:2] == ("GET", "/v1/users")
        assert answers["/old"][2] == "http://shop.test/new?"
    finally:
        process.terminate()
        assert process.wait(patience.seconds(30)) == 0
        server.stop()


def test_what_is_not_xml_is_refused_with_its_place(tmp_path):
    (tmp_path / "web.config").write_text("<configuration>\n  <system.webServer>\n</configuration>")
    outcome = subprocess.run(
        [gateway.binary(), "import", "iis", tmp_path / "web.config"], capture_output=True, text=True
    )
    assert (outcome.returncode, outcome.stdout) == (78, "")
    assert outcome.stderr == "web.config:3:16: error: expected </system.webServer>, found </configuration>\n"
