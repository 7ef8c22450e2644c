"""Installs the servers that tests of remote roots run on localhost: moto, s3rver and nginx.

    tests/servers/install

moto has an environment of its own, because its botocore and that of s3fs exclude each other; s3rver, from
npm, is a second implementation of S3 and needs node. Both lie in a folder below the user's cache (BB_SERVERS
names another one) and stay there. nginx is the system's: root gets it from apt, anybody else installs it as
usual. Tests whose server is missing are skipped, or fail with BB_SERVERS_REQUIRED=1, as in .ci/run. This
needs package indexes, so no test calls it. Exit status 1 if a server could not be installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

MOTO = "moto[server]>=5.1.0"
S3RVER = "s3rver@^3.7.1"


class NotInstalled(Exception):
    """A server could not be installed; the message says why."""


def cache() -> Path:
    """The folder with moto and s3rver."""
    named = os.environ.get("BB_SERVERS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackbox-repo", "servers")


def moto() -> list[str] | None:
    """The command of moto's server; None if it is not there."""
    program = cache() / "moto" / ("Scripts" if os.name == "nt" else "bin") / "moto_server"
    return [str(program)] if (cache() / "moto" / "complete").is_file() else None


def s3rver() -> list[str] | None:
    """The command of s3rver; None if it or node is not there."""
    node = shutil.which("node")
    program = cache() / "s3rver" / "node_modules" / "s3rver" / "bin" / "s3rver.js"
    complete = (cache() / "s3rver" / "complete").is_file()
    return [node, str(program)] if node is not None and complete else None


def nginx() -> list[str] | None:
    """The command of nginx, which often lies outside PATH; None if it is not there."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    return [program] if program is not None else None


def install_moto() -> None:
    folder = cache() / "moto"
    venv.create(folder, clear=True, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    # most of moto is never imported, so compiling all of it would take half of the time
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    install = [*pip, "install", "--no-compile"]
    _run_until_it_succeeds([*install, MOTO], [*install, "--no-cache-dir", MOTO])
    (folder / "complete").write_text(MOTO, encoding="utf-8")


def install_s3rver() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("npm, which comes with node, is not on PATH")
    folder = cache() / "s3rver"
    folder.mkdir(parents=True, exist_ok=True)
    install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", S3RVER]
    _run_until_it_succeeds(install, install)
    (folder / "complete").write_text(S3RVER, encoding="utf-8")


def install_nginx() -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NotInstalled("only root can install it, by apt-get: ask for the package nginx-light")
    # no service should start by itself
    quiet = ["-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", apt, "install", *quiet, "nginx-light"]
    _run_until_it_succeeds(install, [apt, "update", "-q"], install)


def _run_until_it_succeeds(*commands: list[str]) -> None:
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and "update" not in command:
            return
    said = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
    raise NotInstalled(f"{Path(commands[-1][0]).name}: {said[-1]}")


SERVERS: dict[str, tuple[Callable[[], list[str] | None], Callable[[], None]]] = {
    "moto": (moto, install_moto),
    "s3rver": (s3rver, install_s3rver),
    "nginx": (nginx, install_nginx),
}


def main() -> int:
    """Install what is missing; 0 if all three are there."""
    for name, (command, install) in SERVERS.items():
        try:
            if command() is None:
                install()
        except NotInstalled as err:
            print(f"{name} is not installed: {err}")  # noqa: T201
    return 0 if all(command() for command, _ in SERVERS.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
