"""The container image, built by buildah from the Containerfile, or by the same steps in a root where buildah cannot."""

import json
import os
import shutil
import subprocess

import root as roots
from conftest import LOWER, PROJECT

# Stands for the toolchain's image, without the compiler: the packages are there already.
MAKE = "#!/bin/sh\nmkdir -p .build/packages && cp /ready/*.deb .build/packages\n"
# Of the root of the tests; the image has no use for a compiler.
LEFT_OUT = ("./usr/lib/gcc", "./usr/include", "./usr/share/locale", "./var/cache/apt/pkgcache.bin",
            "./var/cache/apt/srcpkgcache.bin")


class Buildah:
    """buildah, with its images in a folder of its own."""

    def __init__(self, folder):
        self.options = [f"--root={folder}/images", f"--runroot={folder}/run", "--storage-driver=overlay"]

    def __call__(self, *words):
        command = ["buildah", *self.options, *map(str, words)]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert outcome.returncode == 0, f"{words}: {outcome.stdout[-4000:]}{outcome.stderr[-4000:]}"
        return outcome.stdout.strip()

    def works(self):
        try:
            self("mount", self("from", "scratch"))
        except (AssertionError, OSError):
            return False
        return True

    def build(self, packages):
        """The name of the image; the two images it is built from are made from the root of the tests."""
        self.image("debian", "scratch", copy_of_root)
        self.image("toolchain", "localhost/debian", lambda folder: stand_in(folder, packages))
        self(
            "bud", "--format=docker", "--isolation=chroot", "--pull-never", "--build-arg=DEBIAN=localhost/debian",
            "--build-arg=TOOLCHAIN=localhost/toolchain", f"--file={PROJECT}/deploy/Containerfile", "--tag=isagate", PROJECT,
        )
        return "localhost/isagate"

    def image(self, name, base, fill):
        container = self("from", "--pull-never", base)
        fill(self("mount", container))
        self("commit", "--quiet", "--rm", container, f"localhost/{name}")

    def settings(self, image):
        return json.loads(self("inspect", "--type=image", image))["Docker"]["config"]

    def files(self, image):
        return self("mount", self("from", "--pull-never", image))


def copy_of_root(folder):
    excluded = [f"--exclude={path}" for path in LEFT_OUT]
    with subprocess.Popen(["tar", "-C", LOWER, *excluded, "-c", "."], stdout=subprocess.PIPE) as source:
        subprocess.run(["tar", "-C", folder, "-x"], stdin=source.stdout, check=True)


def stand_in(folder, packages):
    os.mkdir(f"{folder}/ready")
    for file in packages.glob("*.deb"):
        shutil.copy(file, f"{folder}/ready")
    for name, text in (("make", MAKE), ("apt-get", "#!/bin/sh\n")):
        path = f"{folder}/usr/local/bin/{name}"
        with open(path, "w") as script:
            script.write(text)
        os.chmod(path, 0o755)


def by_steps(root, packages):
    """What the Containerfile's second stage does."""
    package = next(file.name for file in packages.glob("isagate_*.deb"))
    root.apt("install", "ca-certificates", f"/packages/{packages.name}/{package}")
    roots.run("install", "-D", "-t", root.file("/image-source"), PROJECT / "packaging/image")
    roots.run("cp", PROJECT / "deploy/container/isagate.yaml", root.file("/image-source"))
    root.run("/image-source/image", "/image", "/image-source/isagate.yaml")
    return root.file("/image")
