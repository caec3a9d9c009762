"""``python -m hostcache …`` is the command line, if it is installed."""

import os
import shutil
import sys

HOW = """\
the command `hostcache` is not on the PATH. It comes from the same sources as this package:

    cargo install --path crates/hostcache-cli      # in a checkout

From Python: hostcache.Cache("name", capacity="256MiB") makes a region, hostcache.Cache("name").stats() tells of one.
"""


def main() -> int:
    command = shutil.which("hostcache")
    if command is None:
        sys.stderr.write(f"python -m hostcache: {HOW}")
        return 2
    os.execv(command, [command, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
