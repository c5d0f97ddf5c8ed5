"""A root of Debian that a test changes: a layer in memory above one that stays as it is."""

import hashlib
import os
import stat
import subprocess

# What apt, dpkg and the programs for accounts keep for themselves, and caches that are made anew.
KEPT_BY_OTHERS = (
    "/proc", "/dev", "/sys", "/tmp", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log/apt", "/var/log/dpkg.log",
    "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock", "/etc/ld.so.cache",
)


class Root:
    """The root at `path`, below a folder of its own which the end of the mount name space ends."""

    def __init__(self, lower, folder):
        self.path = folder / "root"
        layers = folder / "layers"
        for name in (self.path, layers):
            name.mkdir()
        run("mount", "-t", "tmpfs", "tmpfs", layers)
        (layers / "upper").mkdir()
        (layers / "work").mkdir()
        options = f"lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work"
        run("mount", "-t", "overlay", "overlay", "-o", options, self.path)
        run("mount", "-t", "proc", "proc", self.path / "proc")

    def file(self, path):
        """Where a file of the root is on this machine."""
        return self.path / path.lstrip("/")

    def command(self, *words):
        """The words of a command that runs in the root."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return [
            "chroot", str(self.path), "env", "-i", f"PATH={path}", "LC_ALL=C.UTF-8", "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive", *map(str, words),
        ]

    def run(self, *words, check=True):
        outcome = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)
        assert not check or outcome.returncode == 0, f"{words}: {outcome.stdout}{outcome.stderr}"
        return outcome

    def apt(self, *words):
        return self.run("apt-get", "-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0", "--yes", *words)

    def listing(self):
        """Every file with its kind, owner, mode and content."""
        entries = {}
        for folder, folders, files in os.walk(self.path):
            inside = folder[len(str(self.path)) :]
            folders[:] = [name for name in folders if not f"{inside}/{name}".startswith(KEPT_BY_OTHERS)]
            for name in folders + files:
                if not f"{inside}/{name}".startswith(KEPT_BY_OTHERS):
                    entries[f"{inside}/{name}"] = describe(os.path.join(folder, name))
        return entries


def describe(path):
    facts = os.lstat(path)
    content = ""
    if stat.S_ISREG(facts.st_mode):
        with open(path, "rb") as file:
            content = hashlib.sha1(file.read()).hexdigest()
    elif stat.S_ISLNK(facts.st_mode):
        content = os.readlink(path)
    return facts.st_mode, facts.st_uid, facts.st_gid, content


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
