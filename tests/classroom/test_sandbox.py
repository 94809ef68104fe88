"""The sandbox: what a kernel in it has, and what happens without it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from course.classroom import sandbox

BOXED = not sandbox.obstacle()
needs_box = pytest.mark.skipif(not BOXED, reason=f"{sandbox.obstacle()}")
LOOK = """
import json, os, pathlib, resource, socket, subprocess, sys
status = pathlib.Path("/proc/self/status").read_text()
def number(name):
    return int(status.split(name + ":")[1].split()[0], 16)
def limit(name):
    return resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1]
WHERE = json.loads(os.environ["PYTHONPATH"].split(":")[1])
print(json.dumps({
    "root": sorted(os.listdir("/")),
    "etc": sorted(os.listdir("/etc")),
    "links": [name for _, name in socket.if_nameindex()],
    "processes": sum(name.isdigit() for name in os.listdir("/proc")),
    "rights": number("CapEff") | number("CapBnd") | number("CapPrm"),
    "no_new": number("NoNewPrivs"),
    "limits": [limit(x) for x in ("AS", "CPU", "FSIZE", "NPROC", "CORE")],
    "variables": sorted(os.environ),
    "uid": os.getuid(),
    "writable": [p for p in WHERE if os.access(p, os.W_OK)],
    "there": [p for p in WHERE if os.path.exists(p)],
    "mounts": subprocess.run(["mount", "-t", "tmpfs", "x", "/tmp"],
                             capture_output=True).returncode == 0,
    "spaces": subprocess.run(["unshare", "--net", "true"],
                             capture_output=True).returncode == 0,
}), flush=True)
"""


def in_the_box(program, where=(), before=(), limits=None, **more):
    """What a program prints that stands in the place of a kernel."""
    with tempfile.TemporaryDirectory(prefix="box-") as folder:
        box = Path(folder)
        for name in ("root", "run", "code"):
            (box / name).mkdir()
        (box / "run" / "kernel.json").write_text("{}")
        (box / "code" / "ipykernel_launcher.py").write_text(program)
        if "secret" in more:
            (box / "code" / "secret").mkdir()
            (box / "code" / "secret" / "sheet.py").write_text(more["secret"])
        variables = sandbox.environment(box / "root", limits)
        variables["BOX_READ"] += f":{box}/code"
        variables["BOX_HIDE"] = more.get("hide", "/none").replace(
            "BOX", str(box)
        )
        variables["BOX_PATH"] = f"{box}/code:{json.dumps(list(where))}"
        done = subprocess.run(
            [*before, sandbox.SCRIPT, str(box / "run" / "kernel.json")],
            env={**os.environ, **variables, "SECRET": "a password"},
            capture_output=True,
            text=True,
        )
    assert not done.returncode, done.stderr
    return done.stdout


NOBODY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
ROUTES = {"as-it-is": ()}
if BOXED and os.getuid() == 0:
    tried = subprocess.run([*NOBODY, "unshare", "--user", "true"])
    ROUTES |= {"without-root": NOBODY} if tried.returncode == 0 else {}


@needs_box
@pytest.mark.parametrize("route", ROUTES)
def test_a_kernel_in_the_box_has_little(tmp_path, route):
    (tmp_path / "gradebook.db").write_text("marks")
    book = sandbox.PACKAGE.parent / "book"
    prefix = str(Path(sys.prefix).resolve())
    where = [str(tmp_path), str(book), str(Path.home() / ".bashrc"), prefix]
    limits = {"BOX_MEMORY": 2**31, "BOX_CPU": 77, "BOX_PROCESSES": 50}
    found = json.loads(
        in_the_box(LOOK, where, before=ROUTES[route], limits=limits)
    )
    assert found["there"] == [prefix]
    assert found["writable"] == []
    assert "passwd" in found["etc"]
    assert "shadow" not in found["etc"]
    assert found["links"] in (["lo"], [])
    assert found["processes"] <= 2
    assert found["rights"] == 0
    assert found["no_new"] == 1
    assert found["limits"] == [2**31, 77, 50 * 10**6, 50, 0]
    assert "SECRET" not in found["variables"]
    assert not found["mounts"]
    assert not found["spaces"]
    if os.getuid() == 0 and route == "as-it-is":
        assert found["uid"] == 65534


@needs_box
def test_what_is_hidden_is_seen_empty():
    look = "import os; print(os.listdir(os.path.dirname(__file__) + '/secret'))"
    with_it = f"{look}\n"
    assert in_the_box(with_it, secret="x") == "['sheet.py']\n"
    assert in_the_box(with_it, secret="x", hide="BOX/code/secret") == "[]\n"


@needs_box
def test_the_outside_is_as_it_was():
    before = Path("/proc/self/mountinfo").read_text()
    in_the_box("open('/tmp/left', 'w').write('x')")
    assert Path("/proc/self/mountinfo").read_text() == before
    assert not Path("/tmp/left").exists()


@needs_box
def test_the_box_ends_with_its_grader(tmp_path):
    """Kill the grader: its kernel must not go on."""
    token = f"orphan-{os.getpid()}"
    program = f"""
import os, sys, time
if sys.argv[1:2] != ["{token}"]:
    os.execv(sys.executable, [sys.executable, __file__, "{token}"])
print("ready", flush=True)
time.sleep(600)
"""
    grader = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent)]!r}
from test_sandbox import in_the_box
in_the_box({program!r})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", grader],
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert wait(lambda: running(token), 60)
    finally:
        process.kill()
        process.wait()
    assert wait(lambda: not running(token), 30)


def running(token):
    """Whether some process has this among its arguments."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in file.read_bytes().split(b"\0"):
                return True
        except OSError:  # it has just ended
            continue
    return False


def wait(condition, seconds):
    """Whether something becomes true in so many seconds."""
    for _ in range(10 * seconds):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def probed():
    """Forget before and after what was found out about this machine."""
    sandbox.obstacle.cache_clear()
    yield
    sandbox.obstacle.cache_clear()


def test_another_system_is_refused(monkeypatch, probed):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ValueError, match=r"this is darwin.*Nothing was run"):
        sandbox.require()


def test_a_missing_script_is_named(monkeypatch, probed, tmp_path):
    if sys.platform.startswith("linux"):
        monkeypatch.setattr(sandbox, "SCRIPT", tmp_path / "run-kernel")
        assert "use a clone" in sandbox.obstacle()


def test_a_machine_that_gives_no_namespaces_is_refused(
    monkeypatch, probed, tmp_path
):
    if sys.platform.startswith("linux"):
        refusing = tmp_path / "run-kernel"
        refusing.write_text("#!/bin/sh\necho unshare failed >&2\nexit 1\n")
        refusing.chmod(0o755)
        monkeypatch.setattr(sandbox, "SCRIPT", refusing)
        with pytest.raises(ValueError, match="unshare failed"):
            sandbox.require()


def test_without_the_box_the_kernel_is_the_usual_one(tmp_path):
    c = sandbox.settings(tmp_path, sandboxed=False)
    assert "kernel_name" not in c.Execute
    assert not (tmp_path / "kernels").exists()


def test_with_the_box_no_other_kernel_can_be_meant(tmp_path):
    c = sandbox.settings(tmp_path, sandboxed=True, limits={"BOX_CPU": 5})
    assert c.Execute.kernel_name == "sandbox"
    file = tmp_path / "kernels" / "sandbox" / "kernel.json"
    spec = json.loads(file.read_text())
    assert spec["argv"] == [str(sandbox.SCRIPT), "{connection_file}"]
    assert spec["env"]["BOX_CPU"] == "5"
    assert spec["env"]["BOX_MEMORY"] == str(sandbox.LIMITS["BOX_MEMORY"])
