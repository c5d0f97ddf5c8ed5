"""Fixtures: certificates and compiled extensions, once per session, and gateways, as many as a test starts."""

import contextlib
import os
import subprocess

import gateway
import hostile_origin
import pytest


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """The folder of a development authority and its certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def build_extension(tmp_path_factory):
    """A function from the name of a test's or example's extension in C to its shared library."""
    folder = tmp_path_factory.mktemp("extensions")
    built = {}

    def build(name):
        if name not in built:
            built[name] = compile_extension(source_of(name), folder / f"{name}.so")
        return built[name]

    return build


def source_of(name):
    own = os.path.join(gateway.ROOT, "Tests/EndToEnd/extensions", f"{name}.c")
    return own if os.path.exists(own) else os.path.join(gateway.ROOT, "Examples", name, f"{name}.c")


def compile_extension(source, library):
    headers = os.path.join(gateway.ROOT, "CShims/CISAPI/include")
    compiler = os.environ.get("ISAGATE_TEST_COMPILER", "gcc").split()
    subprocess.run([*compiler, "-shared", "-fPIC", "-pthread", f"-I{headers}", "-o", library, source], check=True)
    return str(library)


@pytest.fixture(scope="module")
def start_shared_gateway(tmp_path_factory, certificates, build_extension):
    """As `start_gateway`, for a gateway that all tests of a file share."""
    yield from starter(tmp_path_factory.mktemp("shared"), certificates, build_extension)


@pytest.fixture
def start_gateway(tmp_path, certificates, build_extension):
    """A function that starts a gateway and returns it; the gateway is stopped when the test ends.

    `routes` come first; each of `extensions`, a list of names or a mapping of names to settings, has a route of its
    name after them. `sites` replaces all of that; `environment`, `descriptors`, `program` and `arguments` are the
    process's; everything else is a section of the configuration.
    """
    yield from starter(tmp_path, certificates, build_extension)


def starter(folder, certificates, build_extension):
    with contextlib.ExitStack() as running:
        count = 0

        def start(
            routes=(),
            extensions=(),
            sites=None,
            environment=None,
            descriptors=None,
            program=None,
            arguments=(),
            **sections,
        ):
            nonlocal count
            count += 1
            extensions = extensions if isinstance(extensions, dict) else {name: {} for name in extensions}
            libraries = {
                name: {
                    **({} if "library" in settings else {"library": build_extension(name)}),
                    **gateway.placement(environment),
                    **settings,
                }
                for name, settings in extensions.items()
            }
            routes = [*routes, *({"path": f"/{name}", "extension": name} for name in extensions)]
            configuration = {
                "version": 1,
                "workers": 2,
                "listeners": gateway.LISTENERS,
                "log": {"access": {"path": "access.log"}},
                **({"extensions": libraries} if libraries else {}),
                "sites": sites or [gateway.site(routes)],
                **sections,
            }
            place = folder / f"gateway-{count}"
            started = gateway.Gateway(place, certificates, configuration, environment, descriptors, program, arguments)
            running.callback(started.stop)
            return started

        yield start


@pytest.fixture
def ping(start_gateway):
    """A gateway that answers /ping."""
    return start_gateway([gateway.PING])


@pytest.fixture
def origin():
    """An upstream server of a test."""
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture
def start_proxy(start_gateway, origin):
    """A function that starts a gateway which forwards everything to the origin; arguments are keys of the upstream."""

    def start(proxy=None, path="/*", routes=(), workers=1, limits=None, **upstream):
        return start_gateway(
            [*routes, {"path": path, "proxy": {"to": "origin", **(proxy or {})}}],
            upstreams={"origin": {"servers": [{"url": origin.url}], **upstream}},
            log={"access": {"path": "access.log", "format": "json"}},
            workers=workers,
            limits=limits or {},
        )

    return start


def pytest_collection_modifyitems(items):
    """By HTTP/2 leaves out what is about the words, the framing or the ends of connections of HTTP/1."""
    if not gateway.SPEAKS_HTTP2:
        return
    folder = os.path.dirname(__file__)
    with open(os.path.join(folder, "http1_only.txt")) as listed:
        names = set(listed.read().split())
    for name in names:
        file, test = name.split("::")
        with open(os.path.join(folder, file)) as source:
            if f"def {test}(" not in source.read():
                raise pytest.UsageError(f"http1_only.txt: there is no test {name}")
    for item in items:
        if item.nodeid.split("[")[0].split("EndToEnd/")[-1] in names:
            item.add_marker(pytest.mark.skip(reason="about HTTP/1"))


def pytest_runtest_logstart():
    gateway.STARTED[:] = [started for started in gateway.STARTED if started.process.returncode is None]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """Prints the logs of the gateways of a failed test."""
    report = (yield).get_result()
    if report.failed:
        for started in gateway.STARTED:
            report.sections.append((f"log of {started.folder.name}", started.log.text))
