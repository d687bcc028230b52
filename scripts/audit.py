"""Write the SBOM of this environment and look up its known vulnerabilities: `python -m scripts.audit [folder]`.

The SBOM (CycloneDX) goes into `dist/` where no folder is named. The exit code is 0 where every package was looked up
and none is vulnerable, 1 where one is, and 75 where a package could not be looked up: that is no proof of anything.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OWN = "lockbox"
VULNERABLE, NOT_CHECKED = 1, 75
SHOWN = 5
AUDIT = ("-m", "pip_audit", "--skip-editable", "--format", "json", "--progress-spinner", "off")


@dataclass(frozen=True)
class Finding:
    """The result of an audit: known vulnerabilities, and the packages that were not looked up, each as a line."""

    looked_up: int
    vulnerable: tuple[str, ...]
    not_checked: tuple[str, ...]

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Finding":
        """Read the JSON of pip-audit; a skipped package counts as not checked, unless it is Lockbox itself."""
        packages = [package for package in document["dependencies"] if package["name"] != OWN]
        skipped = tuple(f"{each['name']}: {each['skip_reason']}" for each in packages if "skip_reason" in each)
        return cls(len(packages) - len(skipped), tuple(_vulnerabilities(packages)), skipped)

    @property
    def exit_code(self) -> int:
        """The exit code; a known vulnerability counts more than a package that was not looked up."""
        if self.vulnerable:
            return VULNERABLE
        return NOT_CHECKED if self.not_checked or not self.looked_up else 0

    @property
    def lines(self) -> Iterator[str]:
        """The report, a line for each thing to act on."""
        yield from self.vulnerable
        if self.exit_code == 0:
            yield f"no known vulnerability in {self.looked_up} packages"
        if self.not_checked or not self.looked_up:
            total = self.looked_up + len(self.not_checked)
            yield f"COULD NOT CHECK {len(self.not_checked)} of {total}: the source of vulnerabilities gave no answer"
            yield from self.not_checked[:SHOWN]


def _vulnerabilities(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            yield f"VULNERABLE {package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def audit() -> Finding:
    """Ask pip-audit about this environment."""
    done = subprocess.run([sys.executable, *AUDIT], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    try:
        return Finding.of(json.loads(done.stdout))
    except (ValueError, KeyError):
        last = (done.stderr.strip() or f"pip-audit ended with {done.returncode}").splitlines()[-1]
        return Finding(0, (), (f"pip-audit: {last[:300]}",))


def write_sbom(folder: Path) -> Path:
    """Write the SBOM of this environment, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lockbox.cdx.json"
    options = ("--no-validate", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "-o", str(path))
    subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "cyclonedx_py", "environment", *options, sys.executable], check=True
    )
    return path


def main(folder: Path) -> int:
    """Write the SBOM, print the report, and return the exit code."""
    print(f"SBOM: {write_sbom(folder)}")  # noqa: T201
    finding = audit()
    for line in finding.lines:
        print(line)  # noqa: T201
    return finding.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"))
