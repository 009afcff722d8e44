import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.parametrize("lines", [10_000, 1], ids=["while it prints", "at its end"])
def test_a_command_whose_reader_has_gone_ends_in_one_line(lines):
    code = f"from pipeline.stage import run_stage\ninput()\nrun_stage(lambda: print('x\\n' * {lines}))"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, text=True, **pipes) as process:
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        said = process.stderr.read()
    assert process.returncode == 1
    assert said.startswith("error: nobody reads the output any more") and said.count("\n") == 1
