"""Libraries with names and paths of the maximum length."""

import os
import shutil

import pytest


@pytest.mark.parametrize("length", [249, 250, 255])
def test_a_library_with_a_long_name_is_loaded(start_gateway, build_extension, tmp_path, length):
    library = tmp_path / ("x" * (length - 3) + ".so")
    shutil.copy(build_extension("hello"), library)
    server = start_gateway(extensions={"hello": {"library": str(library)}})
    assert server.secure().get("/hello").text == "Hello, world\n"


def test_a_name_is_cut_between_its_characters_for_tools_alone(start_gateway, build_extension, tmp_path):
    library = tmp_path / ("x" + "ä" * 125 + ".so")
    shutil.copy(build_extension("hello"), library)
    server = start_gateway(extensions={"hello": {"library": str(library)}})
    assert server.secure().get("/hello").text == "Hello, world\n"


def test_a_library_with_a_long_path_is_loaded(start_gateway, build_extension, tmp_path):
    folder = tmp_path
    for _ in range(10):
        folder = folder / ("folder" * 40)
        folder.mkdir()
    library = folder / ("y" * 252 + ".so")
    assert len(os.fsencode(library)) > 2600
    shutil.copy(build_extension("hello"), library)
    server = start_gateway(extensions={"hello": {"library": str(library)}})
    assert server.secure().get("/hello").text == "Hello, world\n"


def test_an_extension_in_a_folder_of_them_may_have_a_long_name(start_gateway, build_extension, tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    name = "z" * 252 + ".so"
    shutil.copy(build_extension("hello"), scripts / name)
    server = start_gateway([{"path": "/scripts/*.so", "extensions_in": {"folder": str(scripts), "allow": [name]}}])
    assert server.secure().get(f"/scripts/{name}").text == "Hello, world\n"
