"""The functions of windows.h: one program for each area, linked to the library as an extension is."""

import glob
import os
import subprocess

import gateway
import patience
import pytest

FLAGS = ["-Wall", "-Wextra", "-Werror", "-pthread"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The folder of libisagate-compat.so."""
    folder = tmp_path_factory.mktemp("library")
    sources = glob.glob(os.path.join(gateway.ROOT, "CShims/CCompat/*/*.c"))
    includes = [f"-I{gateway.ROOT}/CShims/{name}/include" for name in ("CISAPI", "CCompat")]
    output = ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,defs", "-o", folder / "libisagate-compat.so"]
    subprocess.run(["gcc", *FLAGS, *includes, *output, *sources], check=True)
    return folder


@pytest.fixture
def run(library, tmp_path):
    def run(name, *arguments, definitions=()):
        program = tmp_path / name
        place = os.path.join(gateway.ROOT, "Tests/EndToEnd/compat", name)
        compiler, source = ("g++", f"{place}.cpp") if os.path.exists(f"{place}.cpp") else ("gcc", f"{place}.c")
        subprocess.run(
            [compiler, *FLAGS, *definitions, "-fshort-wchar", f"-I{gateway.ROOT}/CShims/CISAPI/include", "-o", program, source]
            + [f"-L{library}", "-lisagate-compat", f"-Wl,-rpath,{library}"],
            check=True,
        )
        outcome = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=patience.seconds(20), cwd=tmp_path
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    return run


@pytest.mark.parametrize("area", ["files", "names", "threads", "memory", "text", "system", "sockets", "winsock"])
def test_functions_do_what_their_reference_says(run, tmp_path, area):
    folder = tmp_path / "folder"
    folder.mkdir()
    run(area, folder)


def test_sockets_mean_the_same_in_sources_that_are_fortified(run):
    run("winsock", definitions=["-O2", "-D_FORTIFY_SOURCE=2"])


@pytest.mark.parametrize("definitions", [[], ["-O2", "-D_FORTIFY_SOURCE=2"]], ids=["plain", "fortified"])
def test_sockets_and_printing_are_as_on_windows_in_cpp(run, definitions):
    run("winsock_in_cpp", definitions=definitions)


@pytest.mark.parametrize("definitions", [[], ["-DISAGATE_LENIENT_CRT"]], ids=["strict", "lenient"])
def test_wrong_sizes_are_refused_unless_the_switch_allows_them(run, definitions):
    run("lenient", definitions=definitions)


def test_the_gateway_exports_what_the_library_has(library):
    exported = subprocess.check_output(["nm", "-D", "--defined-only", gateway.binary()], text=True)
    names = {line.split()[-1] for line in exported.splitlines()}
    library_names = subprocess.check_output(
        ["nm", "-D", "--defined-only", library / "libisagate-compat.so"], text=True
    )
    assert {line.split()[-1] for line in library_names.splitlines()} <= names
