"""Fixtures of the packages' tests; `run` beside this file starts them."""

import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
PROJECT = TESTS.parent.parent
sys.path[:0] = [str(TESTS), str(PROJECT / "Tests/EndToEnd")]

import root as roots  # noqa: E402

LOWER = pathlib.Path(os.environ["PACKAGES_ROOT"])
BUILT = pathlib.Path(os.environ["PACKAGES_BUILT"])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A fresh root, with the packages of both versions in /packages."""
    root = roots.Root(LOWER, tmp_path_factory.mktemp("root"))
    roots.run("mkdir", "-p", root.file("/packages"))
    roots.run("mount", "--bind", BUILT, root.file("/packages"))
    return root
