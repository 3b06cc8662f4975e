"""How scripts/bench measures: runs of the CLI as whole processes, with the providers that they start."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from harness import PROVIDER, ROOT, TARGET, Failed, Mirror, Mock, chosen_terraform, package_version, required_provider, terraform_environment

EXECUTABLE = TARGET / "release" / PROVIDER
FLOOR = TARGET / "floor" / "terraform-provider-floor"
# A pre-release is installed only where its version is named.
REQUIREMENT, FLOOR_REQUIREMENT = (
    f'terraform {{\n  required_providers {{\n    {name} = {{\n      source  = "edge-transcode/{provider}"\n'
    f'      version = "{package_version()}"\n    }}\n  }}\n}}\n'
    for name, provider in (("alicloud", "alicloud-live"), ("floor", "floor"))
)


@dataclass
class Run:
    """One run of the CLI, from start to end."""

    exit_code: int
    wall: float  # s
    core_cpu: float  # s, user and system
    provider_cpu: float  # s, all provider processes of the run
    core_mib: float  # largest resident memory
    provider_mib: float  # the same of the largest provider process
    providers_mib: float  # largest sum over all provider processes at one moment


class Bench:
    """The CLI, the provider behind a meter, and the mock."""

    def __init__(self, folder: Path, mock: Mock) -> None:
        self.folder = folder
        self.mock = mock
        self.command = chosen_terraform()
        self.mirror = Mirror(folder)
        self.environment = terraform_environment(folder, self.mirror, mock)
        # A copy: the build of the start-up benchmark replaces the executable by one with features that only tests need.
        self.executable = Path(shutil.copy2(EXECUTABLE, folder / "measured"))
        for name, requirement in (("alicloud", REQUIREMENT), ("floor", FLOOR_REQUIREMENT)):
            probe = self.workspace(f"probe-{name}", requirement, initialise=False)
            known = json.loads(probe.output("version", "-json"))
            self.mirror.hold(self.meter(), required_provider(probe.output("providers")), known["platform"])
        self.version = probe.output("version").splitlines()[0]

    def meter(self) -> Path:
        """A program in a provider's place that runs it and notes the processor time that it took."""
        meter = self.folder / "meter"
        meter.write_text('#!/bin/bash\n"$PROVIDER_EXECUTABLE" "$@"\nstatus=$?\ntimes >>"$PROVIDER_TIMES"\nexit $status\n')
        meter.chmod(0o755)
        return meter

    def workspace(self, name: str, configuration: str, initialise: bool = True, executable: Path | None = None) -> "Workspace":
        workspace = Workspace(self, self.folder / name, executable)
        workspace.path.mkdir()
        (workspace.path / "main.tf").write_text(configuration)
        if initialise:
            workspace.output("init")
        return workspace

    def reset(self, latency_ms: int = 0, **config) -> None:
        self.mock.post("/_mock/reset", {})
        self.mock.post("/_mock/behavior", config)
        self.put_away(latency_ms)

    def put_away(self, latency_ms: int) -> None:
        """From now on the API answers after so many milliseconds."""
        self.mock.post("/_mock/faults", [{"kind": {"slow": {"ms": latency_ms}}}] if latency_ms else [])

    def calls(self) -> list:
        return self.mock.get("/_mock/calls")


class Workspace:
    """A folder with a configuration, and the provider that serves it: the bench's, where none is given."""

    def __init__(self, bench: Bench, path: Path, executable: Path | None) -> None:
        self.bench = bench
        self.path = path
        self.executable = executable

    def output(self, *arguments: str) -> str:
        return checked([self.bench.command, *arguments], cwd=self.path, env=self.bench.environment)

    def forget(self) -> None:
        for state in self.path.glob("terraform.tfstate*"):
            state.unlink()

    def run(self, *arguments: str, look_every: float = 0.05) -> Run:
        with self.started(*arguments, look_every=look_every) as measurement:
            run = measurement.wait()
        if run.exit_code != 0:
            # A plan with -detailed-exitcode ends with 2 when it is not empty.
            raise Failed(f"{' '.join(arguments)} ended with exit code {run.exit_code}\n{(self.path / 'output').read_text()[-4000:]}")
        return run

    @contextlib.contextmanager
    def started(self, *arguments: str, look_every: float = 0.05):
        times = self.path / "times"
        times.unlink(missing_ok=True)
        environment = self.bench.environment | {"PROVIDER_EXECUTABLE": str(self.executable or self.bench.executable), "PROVIDER_TIMES": str(times)}
        command = [self.bench.command, *arguments, "-no-color", "-input=false"]
        with open(self.path / "output", "w") as output:
            process = subprocess.Popen(
                command, cwd=self.path, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        measurement = Measurement(process, times, look_every)
        try:
            yield measurement
        finally:
            measurement.end()


class Measurement:
    """A process while it runs: its providers' memory is looked at every so many seconds."""

    def __init__(self, process: subprocess.Popen, times: Path, look_every: float) -> None:
        self.process = process
        self.times = times
        self.look_every = look_every
        self.began = time.monotonic()
        self.ended = threading.Event()
        self.provider_mib = self.providers_mib = 0.0
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()

    def watch(self) -> None:
        while not self.ended.wait(self.look_every):
            # The meter is a shell; below it is the provider.
            meters = children(self.process.pid)
            memory = [memory_of(pid) for meter in meters for pid in children(meter)]
            self.provider_mib = max([self.provider_mib, *(highest for _, highest in memory)])
            self.providers_mib = max(self.providers_mib, sum(now for now, _ in memory))

    def wait(self) -> Run:
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self.began
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.end()
        # For each start two lines: of the meter's shell, and of the provider.
        lines = self.times.read_text().splitlines()[1::2] if self.times.exists() else []
        provider_cpu = sum(seconds(figure) for line in lines for figure in line.split())
        cpu = usage.ru_utime + usage.ru_stime
        return Run(
            exit_code=self.process.returncode,
            wall=wall,
            core_cpu=cpu - provider_cpu,
            provider_cpu=provider_cpu,
            core_mib=usage.ru_maxrss / 1024,
            provider_mib=self.provider_mib,
            providers_mib=self.providers_mib,
        )

    def end(self) -> None:
        self.ended.set()
        self.watcher.join()
        if self.process.returncode is None:
            self.process.terminate()
            self.process.wait()


def children(pid: int) -> list:
    """The processes that a process has started; none when it has just ended."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def memory_of(pid: int) -> tuple:
    """Resident memory of a process now and at its highest, in MiB; nothing when it has just ended."""
    with contextlib.suppress(OSError, KeyError):
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return 0.0, 0.0


def seconds(text: str) -> float:
    """`1m2.345s`, as the shell's `times` writes it."""
    minutes, rest = text.split("m")
    return int(minutes) * 60 + float(rest.rstrip("s"))


def start_up_figures(executable: Path, *options: str) -> dict:
    command = ["cargo", "bench", "--locked", "--quiet", "--bench", "start_up", "--", f"--executable={executable}", *options]
    output = checked(command, cwd=ROOT)
    return json.loads(next(line for line in output.splitlines() if line.startswith("{")))


def checked(command: list, **options) -> str:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if ended.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def median(figures: list) -> float:
    return statistics.median(figures)


def wall(runs: list) -> float:
    return median([run.wall for run in runs])


def ratio(ours: list, theirs: list) -> float:
    return wall(ours) / wall(theirs)


def spread(figures: list, unit: str = "", digits: int = 1) -> str:
    """The median, and the least and the most where they differ."""
    middle, low, high = (f"{figure:,.{digits}f}" for figure in (median(figures), min(figures), max(figures)))
    return f"{middle} {unit}".strip() + (f" ({low} to {high})" if low != high else "")


def say(text: str) -> None:
    print(text, flush=True)
