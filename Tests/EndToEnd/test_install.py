"""`make install` into a separate folder, and extensions built with the installed files, by the command of the guide."""

import os
import subprocess

import gateway
import pytest

SOURCE = """
#include <httpext.h>

/* Fails to compile unless a WCHAR, and a wide literal, have 16 bits. */
typedef char wide_is_16_bits[sizeof(WCHAR) == 2 && sizeof(L"ab") == 6 ? 1 : -1];

static LONG g_lCalls = 0;

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer) {
  pVer->dwExtensionVersion = MAKELONG(HSE_VERSION_MINOR, HSE_VERSION_MAJOR);
  lstrcpyn(pVer->lpszExtensionDesc, "Installed", HSE_MAX_EXT_DLL_NAME_LEN);
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB) {
  WCHAR wszText[16];
  CHAR szText[64];
  DWORD cbText;
  wsprintfW(wszText, L"call %d", InterlockedIncrement(&g_lCalls));
  cbText = (DWORD)wsprintfA(szText, "%ls of %s", wszText, pECB->lpszMethod);
  pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID) "200 OK", NULL,
                              (LPDWORD) "Content-Type: text/plain\\r\\n\\r\\n");
  pECB->WriteClient(pECB->ConnID, szText, &cbText, HSE_IO_SYNC);
  return HSE_STATUS_SUCCESS;
}
"""

# The command of the guide, and the same for C++.
COMMANDS = {
    "x.c": "cc -shared -fPIC $(pkg-config --cflags --libs isagate-extension) x.c -o x.so",
    "x.cpp": "c++ -shared -fPIC $(pkg-config --cflags --libs isagate-extension) x.cpp -o x.so",
}


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The folder that `make install` has filled for a package with the prefix /usr."""
    folder = tmp_path_factory.mktemp("staged")
    # The tested program is that of the other tests, whichever build that is.
    make = ["make", "-s", "-C", gateway.ROOT, "-o", "build", "install", f"release={gateway.binary()}"]
    subprocess.run([*make, f"DESTDIR={folder}", "PREFIX=/usr"], check=True, capture_output=True)
    return folder


@pytest.fixture
def environment(staged):
    return {
        **os.environ,
        "PKG_CONFIG_PATH": f"{staged}/usr/lib/pkgconfig",
        "PKG_CONFIG_SYSROOT_DIR": str(staged),
        "LD_LIBRARY_PATH": f"{staged}/usr/lib",
    }


def build(folder, environment, file):
    (folder / file).write_text(SOURCE)
    subprocess.run(COMMANDS[file], shell=True, check=True, cwd=folder, env=environment)
    return folder / "x.so"


def test_everything_lands_under_the_destination(staged):
    files = {os.path.relpath(os.path.join(folder, name), staged) for folder, _, names in os.walk(staged) for name in names}
    assert {"usr/bin/isagate", "usr/libexec/isagate/isagate-host"} <= files
    assert {"usr/share/man/man1/isagate.1", "usr/share/man/man5/isagate.yaml.5"} <= files
    assert {
        "usr/share/bash-completion/completions/isagate",
        "usr/share/zsh/site-functions/_isagate",
        "usr/share/fish/vendor_completions.d/isagate.fish",
        "usr/share/isagate/isagate.schema.json",
    } <= files
    assert {"usr/lib/libisagate-compat.so", "usr/lib/libisagate-compat.so.0", "usr/lib/pkgconfig/isagate-extension.pc"} <= files
    installed = {os.path.basename(file) for file in files if file.startswith("usr/include/isagate/")}
    # All but those for the gateway only.
    kept = {"CISAPI_host.h", "module.modulemap"}
    assert installed == set(os.listdir(os.path.join(gateway.ROOT, "CShims/CISAPI/include"))) - kept
    assert all(file.startswith(("usr/bin/", "usr/lib/", "usr/libexec/isagate/", "usr/include/isagate/", "usr/share/")) for file in files)


def test_the_completions_know_the_commands(staged):
    script = staged / "usr/share/bash-completion/completions/isagate"
    subprocess.run(["bash", "-n", script], check=True)
    for name in ["bash-completion/completions/isagate", "zsh/site-functions/_isagate",
                 "fish/vendor_completions.d/isagate.fish"]:
        text = (staged / "usr/share" / name).read_text()
        for command in ["reload", "explain", "schema", "--running", "recycle"]:
            # fish names options without their dashes.
            assert command.lstrip("-") in text


def test_a_command_is_completed_by_bash(staged):
    script = f"""
        source {staged}/usr/share/bash-completion/completions/isagate
        COMP_WORDS=(isagate ex) COMP_CWORD=1 COMP_LINE="isagate ex" COMP_POINT=10
        function=$(complete -p isagate | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function isagate ex isagate
        echo "${{COMPREPLY[@]}}"
    """
    outcome = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert outcome.stdout.split() == ["explain"], outcome.stderr


def test_the_version_is_the_programs(staged, environment):
    told = subprocess.check_output(["pkg-config", "--modversion", "isagate-extension"], text=True, env=environment)
    program = subprocess.check_output([staged / "usr/bin/isagate", "version"], text=True)
    assert told.strip() in program


@pytest.mark.parametrize("file", COMMANDS)
def test_the_command_of_the_guide_builds_an_extension(staged, environment, tmp_path, file):
    library = build(tmp_path, environment, file)
    probe = [staged / "usr/bin/isagate", "probe", library]
    outcome = subprocess.run(probe, capture_output=True, text=True, env=environment)
    assert outcome.returncode == 0, outcome.stdout
    assert "ISAPI 6.0, Installed" in outcome.stdout


@pytest.mark.parametrize("file", COMMANDS)
def test_the_extension_answers(start_gateway, environment, tmp_path, file):
    library = build(tmp_path, environment, file)
    server = start_gateway(
        extensions={"installed": {"library": str(library)}},
        environment={"LD_LIBRARY_PATH": environment["LD_LIBRARY_PATH"]},
    )
    client = server.secure()
    assert [client.get("/installed").text for _ in range(2)] == ["call 1 of GET", "call 2 of GET"]


def test_the_guide_has_the_command():
    with open(os.path.join(gateway.ROOT, "docs/porting-from-iis.md")) as guide:
        text = " ".join(guide.read().split())
    assert "cc -shared -fPIC $(pkg-config --cflags --libs isagate-extension)" in text
