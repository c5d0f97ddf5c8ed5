"""`isagate probe`: its reports about libraries that are extensions, and about others."""

import json
import os
import subprocess

import gateway
import patience
import pytest

EXTENSION = """
#include "httpext.h"
#include <stdlib.h>
BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Probed");
  %s
  return TRUE;
}
DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) { return block != NULL; }
"""


@pytest.fixture
def build(tmp_path):
    def build(source, *flags, compiler="gcc", kind="-shared"):
        library = tmp_path / "probed.so"
        text = tmp_path / ("probed.cpp" if compiler == "g++" else "probed.c")
        text.write_text(source)
        command = [compiler, kind, "-fPIC", f"-I{gateway.ROOT}/CShims/CISAPI/include", *flags, "-o", library, text]
        subprocess.run(command, check=True, capture_output=True)
        return library

    return build


def probe(file, *options):
    """The exit status and the parsed answer."""
    command = [gateway.binary(), "probe", *options, str(file)]
    # A sanitizer would turn the fault into an exit.
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"}
    outcome = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=patience.seconds(30), env=environment
    )
    return outcome.returncode, json.loads(outcome.stdout)


def test_an_extension_is_described(build):
    status, report = probe(build(EXTENSION % 'OutputDebugStringA("noise"); puts("noise");'))
    assert status == 0 and report["problems"] == []
    assert (report["version"], report["description"]) == ("6.0", "Probed")
    assert report["exports"] == ["GetExtensionVersion", "HttpExtensionProc"]
    assert report["architecture"] in ("x86-64", "aarch64")


def test_the_answer_is_text_too(build):
    outcome = subprocess.run(
        [gateway.binary(), "probe", build(EXTENSION % "")], capture_output=True, text=True, check=True
    )
    assert "probed.so: an extension\n" in outcome.stdout and "version: ISAPI 6.0, Probed" in outcome.stdout


def test_every_missing_symbol_is_named(build):
    source = "extern int no_such_function(void), nor_this(void);" + EXTENSION % "no_such_function(); nor_this();"
    status, report = probe(build(source))
    assert status == 1
    assert sorted(report["missingSymbols"]) == ["no_such_function", "nor_this"]


def test_what_the_gateway_exports_is_not_missing(build):
    assert probe(build(EXTENSION % "CloseHandle(CreateEventA(NULL, TRUE, TRUE, NULL));"))[0] == 0


def test_a_mangled_entry_point_is_explained(build):
    status, report = probe(build("int GetExtensionVersion(void *) { return 1; }", compiler="g++"))
    assert status == 1
    assert 'extern "C"' in report["problems"][0]
    assert report["problems"][1] == "it does not export HttpExtensionProc"


def test_code_that_never_returns_is_ended(build):
    status, report = probe(build(EXTENSION % "for (;;) Sleep(1000);"), "--timeout", "1")
    assert (status, report["problems"]) == (1, ["its code did not return within 1 s of being loaded"])


def test_a_time_that_is_none_is_refused(build):
    command = [gateway.binary(), "probe", "--timeout", "0", build(EXTENSION % "")]
    outcome = subprocess.run(command, capture_output=True, text=True)
    assert outcome.returncode == 64 and "1 to 3600" in outcome.stderr


@pytest.mark.parametrize("machine, name", [(183, "aarch64"), (62, "x86-64"), (243, "RISC-V")])
def test_a_library_for_another_architecture_is_not_loaded(build, machine, name):
    library = build(EXTENSION % "")
    content = bytearray(library.read_bytes())
    if int.from_bytes(content[18:20], "little") == machine:
        pytest.skip("that is this machine's")
    content[18:20] = machine.to_bytes(2, "little")
    library.write_bytes(content)
    status, report = probe(library)
    assert (status, report["architecture"]) == (1, name)
    assert report["problems"] == [f"it is built for {name}, and this gateway for another architecture"]


@pytest.mark.parametrize(
    "code, problem",
    [
        ("*(volatile int *)8 = 1;", "its code crashed while it was being loaded (signal 11)"),
        ("abort();", "its code crashed while it was being loaded (signal 6)"),
        ("_Exit(3);", "its code ended the process while it was being loaded (exit status 3)"),
        ("SetLastError(5); return FALSE;", "it cannot be loaded: GetExtensionVersion returned FALSE (last error 5)"),
    ],
)
def test_code_that_does_not_let_itself_be_loaded_is_survived(build, code, problem):
    status, report = probe(build(EXTENSION % code))
    assert (status, report["problems"]) == (1, [problem])


@pytest.mark.parametrize(
    "content, words", [(b"MZ\x90\x00", "Windows binary"), (b"#!/bin/sh\n", "no ELF"), (b"\x7fELF\x02\x01", "damaged")]
)
def test_other_files_are_distinguished(tmp_path, content, words):
    file = tmp_path / "file"
    file.write_bytes(content)
    status, report = probe(file)
    assert status == 1 and words in report["problems"][0]


def test_a_file_that_is_not_there_is_said_to_be(tmp_path):
    assert "cannot be read" in probe(tmp_path / "none.so")[1]["problems"][0]


def test_a_program_is_no_library(build):
    status, report = probe(build("int main(void) { return 0; }", kind="-no-pie"))
    assert status == 1 and "no shared library" in report["problems"][0]
