"""Takes all figures, one script after the other: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# A process each: one script's database and settings are not the next one's. Those without figures of their own are not run.
OWN = {"__init__", "__main__", "dataset", "ground", "reference"}

if __name__ == "__main__":
    scripts = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in OWN)
    failed = [name for name in scripts if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", "--json"], check=False).returncode]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
