"""What the demo and the benchmark share: the mock API and a Terraform CLI, each as a process that surely ends."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROVIDER = "terraform-provider-alicloud-live"
# The key pair that the mock accepts. It opens nothing else.
ACCESS_KEY, SECRET_KEY = "demo-access-key-id", "demo-access-key-secret"

def end(number: int, _frame) -> None:
    # Asking twice must not disturb the tidying up.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


# Asked to end, a script ends what it has started first.
signal.signal(signal.SIGTERM, end)


class Failed(Exception):
    """A step did not go as it should."""


class Mock:
    """The mock API as a running process, with its control API."""

    def __init__(self, url: str, process: subprocess.Popen) -> None:
        self.url = url
        self.process = process

    def get(self, path: str):
        return self._exchange(urllib.request.Request(self.url + path))

    def post(self, path: str, body) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        self._exchange(request)

    @staticmethod
    def _exchange(request: urllib.request.Request):
        # No proxy of the user's may stand between us and the loopback address.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            body = answer.read()
            return json.loads(body) if body else None


@contextlib.contextmanager
def running_mock(build: str | Path, *options: str):
    """The mock of one build, `debug` or `release`, or that at a path, on a free port."""
    executable = build if isinstance(build, Path) else TARGET / build / "alicloud-live-mock"
    command = [executable, "--listen", "127.0.0.1:0", *options]
    command += ["--access-key-id", ACCESS_KEY, "--access-key-secret", SECRET_KEY]
    with running(command) as process:
        greeting = process.stdout.readline().strip()
        if not greeting.startswith("listening on http://"):
            raise Failed(f"the mock API did not start: {greeting}")
        # Whatever else it prints must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Mock(greeting.removeprefix("listening on "), process)


@contextlib.contextmanager
def running(command: list, **options):
    """A process that has ended when the block has: asked to end, and killed if it has not after ten seconds."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Mirror:
    """A folder from which `init` installs the provider, and the CLI's settings that name it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mirror"
        self.settings = folder / "cli.tfrc"
        self.path.mkdir()
        self.settings.write_text(
            "disable_checkpoint = true\n"
            f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(self.path))}\n  }}\n}}\n"
        )

    def hold(self, executable: Path, address: str, platform: str) -> None:
        """Takes the provider in, as HOST/NAMESPACE/TYPE/VERSION/PLATFORM: the CLI itself says under which host it
        looks (Terraform and OpenTofu differ in that) and what it calls this platform."""
        target = self.path / address / package_version() / platform
        target.mkdir(parents=True)
        shutil.copy2(executable, target / f"terraform-provider-{address.split('/')[-1]}_v{package_version()}")


def chosen_terraform() -> str:
    """The CLI that TERRAFORM names, or else the newest in .tools."""
    return os.environ.get("TERRAFORM") or str(newest_terraform())


def newest_terraform() -> Path:
    installed = (ROOT / ".tools" / "terraform").glob("*/terraform")
    return max(installed, key=lambda path: [int(part) for part in path.parent.name.split(".")])


def terraform_environment(folder: Path, mirror: Mirror, mock: Mock) -> dict:
    """All that the CLI may see of the environment."""
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "TF_CLI_CONFIG_FILE": str(mirror.settings),
        "TF_IN_AUTOMATION": "1",
        "ALICLOUD_ACCESS_KEY": ACCESS_KEY,
        "ALICLOUD_SECRET_KEY": SECRET_KEY,
        "LIVE_ENDPOINT": mock.url,
    }


def required_provider(requirements: str) -> str:
    """Our provider's full address in what `terraform providers` prints."""
    return requirements.split("provider[")[1].split("]")[0]


def package_version() -> str:
    manifest = (ROOT / "Cargo.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in manifest if line.startswith("version ="))
