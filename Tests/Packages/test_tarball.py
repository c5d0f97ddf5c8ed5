"""The archive for other distributions, unpacked in a root that has the libraries which its README lists."""

import pytest
import root as roots
from conftest import BUILT

LIBRARIES = ["libc-ares2", "libcrypt1", "libdeflate0", "libpcre2-8-0", "libssl3", "libstdc++6", "openssl", "zlib1g"]
EXTENSION = """
#include <httpext.h>
BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  lstrcpyn(version->lpszExtensionDesc, "From the archive", HSE_MAX_EXT_DLL_NAME_LEN);
  return TRUE;
}
DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) { return HSE_STATUS_SUCCESS; }
"""


@pytest.fixture(scope="module")
def unpacked(root):
    """The folder in the root."""
    root.apt("install", *LIBRARIES)
    (archive,) = BUILT.glob("*.tar.xz")
    root.file("/opt/anywhere").mkdir(parents=True)
    roots.run("tar", "-C", root.file("/opt/anywhere"), "--strip-components=1", "-xf", archive)
    return "/opt/anywhere"


def test_its_program_runs_where_it_was_unpacked(root, unpacked):
    assert root.run(f"{unpacked}/bin/isagate", "version").stdout.startswith("isagate ")


def test_no_library_is_missing(root, unpacked):
    for program in ("bin/isagate", "libexec/isagate/isagate-host"):
        assert "not found" not in root.run("ldd", f"{unpacked}/{program}").stdout


def test_its_configuration_is_correct_with_a_certificate(root, unpacked):
    folder = f"{unpacked}/share/isagate"
    root.run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/self-signed.key",
        "-out", f"{folder}/self-signed.pem",
    )
    outcome = root.run(f"{unpacked}/bin/isagate", "check", "--config", f"{folder}/isagate.yaml", check=False)
    # The folders of the Debian package are the only thing that is missing.
    complaints = [line for line in outcome.stderr.splitlines() if ": error:" in line]
    assert all("/var/log/isagate" in line or "/run/isagate" in line for line in complaints), outcome.stderr


def test_extensions_are_built_with_it(root, unpacked):
    root.file("/root/extension.c").write_text(EXTENSION)
    flags = "PKG_CONFIG_PATH=/opt/anywhere/lib/pkgconfig pkg-config --cflags --libs isagate-extension"
    root.run("sh", "-c", f"cd /root && cc -shared -fPIC $({flags}) extension.c -o extension.so")
    assert "From the archive" in root.run(f"{unpacked}/bin/isagate", "probe", "/root/extension.so").stdout
