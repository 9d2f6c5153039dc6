"""Processes of the drill: started, stopped, frozen and killed, all by their ids."""

import os
import pwd
import random
import signal
import socket
import subprocess
import time
from pathlib import Path


class Failure(Exception):
    """A condition that ends the drill, in words."""


def server_user():
    """The user that runs PostgreSQL, which refuses root; None: the user of the drill."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise Failure("PostgreSQL does not run as root, and there is no user postgres: cargo xtask setup") from None


def ports(count):
    """Free ports below those that the system gives to outgoing connections, so that a restart finds its port free."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        first = 32768
    found, held = [], []
    for port in random.sample(range(10000, max(first, 11000)), 1000):
        with_it = socket.socket()
        try:
            with_it.bind(("127.0.0.1", port))
        except OSError:
            with_it.close()
            continue
        held.append(with_it)
        found.append(port)
        if len(found) == count:
            break
    for each in held:
        each.close()
    if len(found) < count:
        raise Failure("there are too few free ports on 127.0.0.1")
    return found


def inside(folder):
    """The processes whose working directory is in a folder: those started there, and their children."""
    start = os.path.realpath(folder)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            place = os.readlink(f"/proc/{entry}/cwd")
        except OSError:
            continue
        place = place.removesuffix(" (deleted)")
        if (place == start or place.startswith(start + "/")) and int(entry) != os.getpid():
            found.append(int(entry))
    return found


def send(pid, how):
    """Sends a signal to a process that may be gone."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


def kill_inside(folder):
    """Kills everything that runs in a folder at once: nothing can flush or close a connection."""
    frozen = set()
    while new := set(inside(folder)) - frozen:
        for pid in new:
            send(pid, signal.SIGSTOP)
        frozen |= new
    for pid in frozen:
        send(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while inside(folder):
        if time.monotonic() > deadline:
            raise Failure(f"processes in {folder} cannot be killed")
        time.sleep(0.01)


class Process:
    """A program that is started in a folder of its own, repeatedly."""

    def __init__(self, folder, command, user=None, variables=None):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.command = [str(part) for part in command]
        self.user = user
        self.variables = variables or {}
        self.running = None
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)

    def start(self):
        as_user = {}
        if self.user:
            as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("LARKSPUR", "PG", "PATRONI", "ETCD")) and not name.lower().endswith("_proxy")}
        with open(self.folder / "log", "ab") as log:
            self.running = subprocess.Popen(
                self.command, cwd=self.folder, env=kept | {"HOME": str(self.folder)} | self.variables,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **as_user,
            )

    def alive(self):
        return self.running is not None and self.running.poll() is None

    def kill(self):
        """Kills it and its children."""
        kill_inside(self.folder)
        if self.running is not None:
            self.running.wait(20)
            self.running = None

    def tail(self, lines=15):
        path = self.folder / "log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def until(what, seconds, check, every=0.1):
    """Waits until a check returns something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failure(f"not in {seconds} s: {what}")
        time.sleep(every)
