"""What the tests share: a directory of their own for regions, and processes that are gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

import hostcache as package
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]

settings.register_profile("fast", deadline=None, max_examples=60, print_blob=True)
settings.register_profile(
    "slow", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HOSTCACHE_HYPOTHESIS", "fast"))


@pytest.fixture(scope="session", autouse=True)
def region_directory() -> Iterator[Path]:
    """No test sees the user's own regions."""
    with tempfile.TemporaryDirectory(prefix="hostcache-test-", dir="/dev/shm") as directory:
        before = os.environ.get("HOSTCACHE_DIR")
        os.environ["HOSTCACHE_DIR"] = directory
        yield Path(directory)
        if before is None:
            del os.environ["HOSTCACHE_DIR"]
        else:
            os.environ["HOSTCACHE_DIR"] = before


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a region that is removed after the test."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    yield name
    try:
        package.Cache.destroy(name)
    except package.RegionMissingError:
        pass


@pytest.fixture
def cache(name: str) -> Iterator[package.Cache]:
    with package.Cache(name, capacity="8MiB") as cache:
        yield cache


@pytest.fixture
def python() -> Callable[..., str]:
    """Runs a script in a fresh interpreter, warnings as errors, and gives its output."""

    def run(script: str, *arguments: str, expect: int = 0, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "dev", "-c", script, *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
        if expect == 0:
            assert done.stderr == "", done.stderr
        return done.stdout

    return run


def wait_for(pid: int) -> int:
    """The exit code of a forked child."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def in_child(function: Callable[[], Any]) -> int:
    """Runs a function in a forked child; 0 if it returned."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    return wait_for(pid)


@pytest.fixture(scope="session")
def upstream() -> Callable[[str], Path]:
    """The sources of an installed package, in which its own tests are. Fetched once, into the build directory; skips where
    they can't be had."""
    keep = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "python-upstream"

    def sources(package: str) -> Path:
        release = f"{package}=={metadata.version(package)}"
        directory = keep / release
        if not directory.exists():
            with tempfile.TemporaryDirectory() as scratch:
                # --no-build-isolation: only the names in the metadata are wanted, and what makes them is installed.
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
                done = subprocess.run(
                    [*pip, "--no-binary=:all:", "--dest", scratch, release], capture_output=True, text=True
                )
                archives = list(Path(scratch).glob("*.tar.gz"))
                if done.returncode != 0 or not archives:
                    pytest.skip(f"the sources of {release} can't be fetched: {done.stderr.strip()[-200:]}")
                unpacked = Path(tempfile.mkdtemp(dir=make(keep)))
                with tarfile.open(archives[0]) as archive:
                    archive.extractall(unpacked, filter="data")
                unpacked.rename(directory)
        (root,) = directory.iterdir()
        return root

    return sources


def make(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., str]:
    """Runs a test file in a pytest of its own, with further folders on its path; its output."""

    def run(script: str, *folders: Path) -> str:
        (tmp_path / "test_suite.py").write_text(script)
        path = os.pathsep.join(map(str, [tmp_path, *folders]))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path / "test_suite.py")],
            env={**os.environ, "PYTHONPATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=170,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
