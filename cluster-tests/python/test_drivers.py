"""The other drivers: each builds its small program into the target folder and runs it against three nodes.

Where a driver's tools are missing, its test is skipped and says so.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

from servers import external

HERE = pathlib.Path(__file__).parent.parent / "drivers"
STEPS = ["connected", "metadata", "schema", "events 1000", "features 100", "batch", "done"]


@pytest.fixture(scope="module")
def server(request):
    return external() or request.getfixturevalue("three")


def target():
    root = pathlib.Path(__file__).parent.parent.parent / "target"
    folder = pathlib.Path(os.environ.get("HELENUS_TARGET", root)).resolve() / "drivers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def run(command, folder, **environment):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=900,
                          env={**os.environ, **environment})
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check(server, command, keyspace, **environment):
    words = [",".join(server.contact_points), server.data_center, len(server.contact_points), keyspace]
    printed = run([*command, *words], HERE, **environment).splitlines()
    found = [line.removeprefix("OK ").split(",")[0] for line in printed if line.startswith("OK ")]
    assert found == STEPS


def test_java(server):
    need("java", "mvn")
    output = target() / "java"
    jars = output / "jars-4.19.2"
    stamp = jars / ".complete"
    if not stamp.exists():
        run(["mvn", "-q", "-B", f"-Doutput={output}", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"], HERE / "java")
        stamp.touch()
    classes = output / "classes"
    run(["javac", "-nowarn", "--release", "17", "-d", classes, "-cp", f"{jars}/*", "src/main/java/Main.java"], HERE / "java")
    check(server, ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{jars}/*", "Main"], "driver_java")


def test_go(server):
    need("go")
    program = target() / "go-driver"
    run(["go", "build", "-o", program, "."], HERE / "go")
    check(server, [program], "driver_go")


def test_node(server):
    need("node", "npm")
    folder = target() / "node"
    folder.mkdir(exist_ok=True)
    lock = HERE / "node" / "package-lock.json"
    installed = folder / "package-lock.json"
    if not (installed.exists() and installed.read_bytes() == lock.read_bytes() and (folder / "node_modules").is_dir()):
        shutil.copy(HERE / "node" / "package.json", folder)
        shutil.copy(lock, folder)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    check(server, ["node", HERE / "node" / "main.js"], "driver_node", NODE_PATH=str(folder / "node_modules"))


def test_rust(server):
    need("cargo")
    folder = target() / "rust"
    run(["cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "rust" / "Cargo.toml", "--target-dir", folder], HERE / "rust")
    check(server, [folder / "debug" / "helenus-driver-rust"], "driver_rust")
