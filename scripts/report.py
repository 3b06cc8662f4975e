"""What scripts/bench writes: BENCHMARKS.md."""

import contextlib
import datetime
import os
import platform
from pathlib import Path

from measuring import checked, median, say, spread
from harness import ROOT

# What earlier comparisons have decided.
CHOICES = ROOT / "benches" / "build-options.md"


class Report:
    """What was measured. It is written at each new section, so that an hour's work survives what fails later."""

    def __init__(self, terraform: str, output: Path | None) -> None:
        self.output = output
        self.sections = []
        self.missed = []
        commit = checked(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT).strip()
        self.head = (
            f"Measured on {datetime.date.today()} at commit {commit} by `scripts/bench`: {terraform}, "
            f"{checked(['rustc', '--version']).strip()}, {platform.system()} {platform.release()}, {processor()}, "
            f"{os.cpu_count()} cores, {memory_gib():.0f} GiB of memory."
        )

    def section(self, title: str, text: str) -> "Section":
        self.write()
        section = Section(self, title, text)
        self.sections.append(section)
        return section

    def comparison(self, title: str, text: str) -> "Comparison":
        comparison = Comparison(self, title, text)
        self.sections.append(comparison)
        return comparison

    def write(self) -> None:
        if self.output and self.sections:
            self.output.write_text(self.markdown())

    def markdown(self) -> str:
        parts = [
            "# Benchmarks\n",
            "<!-- Written by scripts/bench, the last section from benches/build-options.md. Do not edit. -->\n",
            self.head,
            "\nWhole processes, medians of several runs with the least and the most in brackets. Absolute times are this "
            "machine's; ratios of figures measured side by side are what carries over. `terraform_data` is a resource inside "
            "Terraform that calls no API and needs no provider. Provider, Terraform and mock share the machine's "
            "cores, so what the mock takes is in every wall time of ours.\n",
            *(section.markdown() for section in self.sections if section.rows),
            CHOICES.read_text(),
        ]
        return "\n".join(parts)


class Section:
    def __init__(self, report: Report, title: str, text: str) -> None:
        self.report, self.title, self.text, self.rows = report, title, text, []

    def row(self, name: str, value: str, goal: tuple | None = None) -> None:
        if goal and not goal[1]:
            self.report.missed.append(f"{self.title}: {name}")
        self.rows.append((name, value, f"{goal[0]} {'✓' if goal[1] else '✗ missed'}" if goal else ""))
        say(f"  {name:<60} {value:<32} {self.rows[-1][2]}")

    def cpu(self, command: str, runs: list) -> None:
        share = median([run.provider_cpu for run in runs]) / median([run.core_cpu for run in runs]) * 100
        self.row(f"{command}: CPU time of Terraform", spread([run.core_cpu for run in runs], "s"))
        self.row(
            f"{command}: CPU time of the provider",
            f"{median([run.provider_cpu for run in runs]):.2f} s, {share:.1f} % of Terraform's",
            goal=("≤ 10 %", share <= 10) if command == "plan" else None,
        )
        self.row(f"{command}: peak memory of Terraform", spread([run.core_mib for run in runs], "MiB"))
        self.row(f"{command}: peak memory of the provider", spread([run.provider_mib for run in runs], "MiB"))

    def markdown(self) -> str:
        lines = [f"## {self.title}\n", f"{self.text}\n", "| figure | measured | goal |", "|---|---|---|"]
        lines += [f"| {name} | {value} | {goal} |" for name, value, goal in self.rows]
        return "\n".join(lines) + "\n"


class Comparison(Section):
    """Two providers side by side: a row for each figure, with the ratio of the medians, which must not be above one."""

    def compare(self, name: str, ours: list, theirs: list, unit: str, digits: int = 1) -> None:
        share = median(ours) / median(theirs)
        if share > 1:
            self.report.missed.append(f"{self.title}: {name}")
        mark = "✓" if share <= 1 else "✗"
        self.rows.append((name, spread(ours, unit, digits), spread(theirs, unit, digits), f"{share:.2f} {mark}"))
        say(f"  {name:<60} {self.rows[-1][1]:<28} {self.rows[-1][2]:<28} {self.rows[-1][3]}")

    def markdown(self) -> str:
        lines = [f"## {self.title}\n", f"{self.text}\n", "| figure | this provider | smallest Go provider | ratio |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
