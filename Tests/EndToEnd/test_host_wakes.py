"""isagate-host and the gateway wake each other always: `wakes.c`, whose requests wait until what they sent has arrived."""

import glob
import os
import subprocess

import gateway
import patience

ROUNDS = 40_000


def test_no_wake_up_between_host_and_gateway_is_lost(tmp_path):
    def path(*names):
        return os.path.join(gateway.ROOT, *names)

    includes = [path("CShims", name, "include") for name in ("CISAPI", "CCompat", "CLinux", "CPoolProtocol")]
    sources = [path("Tests/Host/wakes.c"), *(path(f"CShims/CLinux/{one}.c") for one in ("CLinux", "Crashes", "Stacks", "Frames"))]
    sources += [name for name in glob.glob(path("Sources/isagate-host/*.c")) if not name.endswith("/main.c")]
    sources += glob.glob(path("Sources/isagate-host/linux/*.c"))
    sources += glob.glob(path("CShims/CCompat/*/*.c"))
    program = tmp_path / "wakes"
    flags = ["-std=gnu17", "-O2", "-pthread", f"-Wl,--dynamic-list={path('CShims/CCompat/exports.list')}"]
    subprocess.run(["gcc", *flags, *(f"-I{name}" for name in includes), "-o", program, *sources], check=True)
    outcome = subprocess.run([program, str(ROUNDS)], capture_output=True, text=True, timeout=patience.seconds(120))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(f"{ROUNDS} rounds in ")
