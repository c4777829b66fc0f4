"""What serves never imports the library of the port, which patches `dataclasses`."""

import subprocess
import sys

_IMPORTS_ALL_THAT_SERVES = """
import dataclasses, pkgutil, importlib, sys
before = dataclasses._process_class
import api, workers, commands
for package in (api, workers):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
assert "api.serve" in sys.modules and "api.pybase.app" in sys.modules
assert not [name for name in sys.modules if name.startswith("commands.recorder")]
assert not [name for name in sys.modules if name.split(".")[0] == "eventsourcing"]
assert dataclasses._process_class is before
import commands.recorder
assert dataclasses._process_class is not before
print("as promised")
"""


def test_everything_that_serves_is_imported_and_the_library_is_not():
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS_ALL_THAT_SERVES],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.strip() == "as promised", done.stderr
