"""The package as its users find it: types, documentation, start and end of the interpreter."""

from __future__ import annotations

import doctest
import inspect
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import hostcache
from conftest import ROOT
from hostcache import _hostcache

PYTHON = ROOT / "python"


@pytest.mark.timeout(120)
def test_the_stubs_say_what_the_binary_does() -> None:
    stubtest = [sys.executable, "-m", "mypy.stubtest", "hostcache", "--mypy-config-file", str(PYTHON / "pyproject.toml")]
    run_quietly([*stubtest, "--allowlist", str(PYTHON / "stubtest-allowlist.txt")])


@pytest.mark.timeout(120)
def test_the_types_are_sound() -> None:
    run_quietly([sys.executable, "-m", "mypy", "--config-file", str(PYTHON / "pyproject.toml"), "-p", "hostcache"])


def run_quietly(command: list[str]) -> None:
    # Not in the checkout: what is checked is what was installed.
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr




def documented() -> dict[str, str]:
    """Everything public that has a documentation of its own, by its name."""
    import hostcache.memoize

    docs = {"hostcache.memoize.canonical": hostcache.memoize.canonical.__doc__}
    for name in hostcache.__all__:
        value = getattr(hostcache, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        docs[name] = value.__doc__ or ""
        if inspect.isclass(value) and not issubclass(value, Exception):
            for kind in value.__mro__[:-1]:
                for member, thing in vars(kind).items():
                    if not member.startswith("_"):
                        docs[f"{name}.{member}"] = inspect.getdoc(thing) or ""
    return docs


def test_everything_public_is_documented() -> None:
    missing = [name for name, text in documented().items() if not text]
    assert not missing


def test_the_examples_in_the_documentation_are_true() -> None:
    pytest.importorskip("numpy")
    from hostcache.memoize import canonical

    ran, names = 0, {**vars(hostcache), "canonical": canonical}
    for name, text in documented().items():
        examples = doctest.DocTestParser().get_doctest(inspect.cleandoc(text), names, name, name, 0)
        out: list[str] = []
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=out.append)
        assert result.failed == 0, "".join(out)
        ran += result.attempted
    assert ran > 80


def test_the_example_of_the_readme_runs(python) -> None:
    text = (PYTHON / "README.md").read_text()
    examples = re.findall(r"```python\n(import hostcache\n.*?)```", text, re.DOTALL)
    assert len(examples) == 1
    assert python(examples[0]) == "{'name': 'Ada'}\n"


def test_all_is_explicit_and_true() -> None:
    for module in (hostcache, hostcache.errors):
        assert sorted(set(module.__all__)) == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
    assert hostcache.__version__ == _hostcache.__version__ == "0.1.0"
    assert resources.files("hostcache").joinpath("py.typed").is_file()
    assert resources.files("hostcache").joinpath("_hostcache.pyi").is_file()


def test_the_import_is_light(python) -> None:
    """Optional dependencies are imported when they are used."""
    script = """
import sys, hostcache
cache = hostcache.Cache(None)
cache["k"] = {"a": 1}
assert cache["k"] == {"a": 1}
heavy = {"numpy", "django", "flask", "flask_caching", "cachelib", "dogpile", "msgpack", "orjson", "pyarrow", "multiprocessing"}
print(sorted(heavy & set(sys.modules)))
"""
    assert python(script) == "[]\n"


@pytest.mark.parametrize("held", ["view", "array", "reservation", "iterator", "cache", "thread"])
def test_the_end_of_the_interpreter_is_quiet(python, name: str, held: str) -> None:
    """Whatever is still held, in a module or a cycle."""
    script = f"""
import sys, threading, hostcache, time
cache = hostcache.Cache(sys.argv[1], capacity="4MiB")
cache["k"] = b"v" * 100_000
held = []
held.append(held)
if "{held}" == "view":
    held.append(cache.view("k"))
elif "{held}" == "array":
    import numpy as np
    cache.set_array("a", np.arange(1000))
    held.append(cache.get_array("a"))
elif "{held}" == "reservation":
    held.append(memoryview(cache.reserve("r", 100)))
elif "{held}" == "iterator":
    iterator = iter(cache.items())
    next(iterator)
    held.append(iterator)
elif "{held}" == "thread":
    def spin():
        while True:
            cache.set("k", b"v" * 100_000)
            cache.get("k")
    threading.Thread(target=spin, daemon=True).start()
    time.sleep(0.05)
print("done")
"""
    assert python(script, name) == "done\n"
    with hostcache.Cache(name) as cache:
        assert cache["k"] == b"v" * 100_000


def test_subinterpreters_are_refused_clearly(python) -> None:
    script = """
try:
    import _interpreters as interpreters
    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    run = interpreters.run_string
import hostcache
one = interpreters.create()
code = '''
try:
    import hostcache
except ImportError as error:
    text = str(error)
else:
    text = "it was imported"
assert "subinterpreters" in text, text
'''
answer = run(one, code)
assert answer is None, answer
interpreters.destroy(one)
cache = hostcache.Cache(None)
cache["k"] = 1
print(cache["k"])
"""
    assert python(script) == "1\n"


def test_the_module_starts_the_command_line_or_says_how_to_get_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hostcache", "list", "--flag"]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "cargo install" in done.stderr
    script = tmp_path / "hostcache"
    script.write_text("#!/bin/sh\necho started with \"$@\"\nexit 7\n")
    script.chmod(0o755)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "started with list --flag\n")


@pytest.mark.parametrize("example", sorted(path.stem for path in (PYTHON / "examples").glob("*.py")))
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PYTHON / "examples" / f"{example}.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith(("ok", "skipped")), done.stdout


def test_the_fixture_gives_a_fresh_cache(hostcache: hostcache.PrivateCache) -> None:
    assert len(hostcache) == 0
    hostcache.set("k", 1, ttl=10)
    hostcache.advance(10)
    assert "k" not in hostcache and repr(hostcache).startswith("<hostcache.PrivateCache private, 16 MiB")


def test_rust_logs_through_logging(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = f"{tmp_path}/region"
    with hostcache.Cache(path, capacity="1MiB"), hostcache.Cache(path, capacity="2MiB"):
        pass
    assert not caplog.records, "the level is asked for, whatever it was before"
    with caplog.at_level("INFO", "hostcache"), hostcache.Cache(path, capacity="1MiB"):
        with hostcache.Cache(path, capacity="2MiB"):
            pass
    assert "asked for are ignored" in caplog.text
