"""Servers under test: started, measured and killed."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from connection import Connection, free_port

READY_WITHIN_S = 60
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Server:
    """A program on a port of its own. `command` has `{port}` where the port goes; it runs in `folder`."""

    def __init__(self, name: str, command: list[str], folder: Path, ready_path: str = "/-/ready"):
        self.name, self.command, self.folder, self.ready_path = name, command, folder, ready_path
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Starts it. Returns after how many seconds it was ready."""
        began = time.monotonic()
        command = [part.replace("{port}", str(self.port)) for part in self.command]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        while time.monotonic() - began < READY_WITHIN_S:
            if self.process.poll() is not None:
                break
            try:
                with Connection(self.port, timeout_s=5) as connection:
                    if connection.get(self.ready_path)[0] == 200:
                        return time.monotonic() - began
            except OSError:
                pass
            time.sleep(0.005)
        self.kill()
        raise SystemExit(f"{self.name} is not ready; its last words:\n{self.last_words()}")

    def last_words(self) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-20:])

    def cpu_s(self) -> float:
        """The processor time that it has taken, user and system, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def peak_mib(self) -> float:
        """The most resident memory that it has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def get(self, path: str):
        """What `path` answers, read as JSON."""
        with Connection(self.port) as connection:
            return connection.get_json(path)

    def remove(self) -> None:
        """Kills it and removes its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
