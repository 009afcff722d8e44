"""Run the active study with one line per finished job: what, how far, how long still.

    python -m pipeline.progress [--config study=NAME] [TARGET …]

Everything after the command goes to Snakemake. At the end the verdict and Table 8 are printed, with where every other
product lies.
"""

import collections
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from pipeline import locks
from pipeline.data.document import read_document
from pipeline.data.table import read_table
from pipeline.recipes import size_in_words
from pipeline.report.inputs import VERDICT
from pipeline.stage import WrongInput

# Relative durations of the demo's jobs, measured once: they weigh the work until a rule's own jobs have been timed.
_EXPECTED = collections.defaultdict(
    lambda: 1, generators=20, classifiers=8, real_classifiers=8, poses=10, drawn=5, predictions=0.7
)
_PRODUCTS = {
    "results/report/": "the whole study on one page, for a browser",
    "results/verdict.md": "whether generated images help here, and how sure that is, recipe by recipe",
    "results/rivals.csv": "generated images beside what can be done without them",
    "results/table*.csv": "Tables 3 to 9 (and, as *_long.csv, a row per cell)",
    "results/sheets/": "contact sheets: crops with poses, generated images per condition",
    "results/rating_forms/": "web pages on which people rate images; ratings/ holds what came of it",
    "results/predictions/": "each classifier's answer to each test image",
    "results/conditioning/": "how well generated images obey their class and pose, beside real ones",
    "results/classifiers/": "classifiers, and their training curves as CSV; real_classifiers/ saw real images alone",
    "results/images/": "generated image sets, ZIPs of PNGs with metadata.csv; filtered/ holds the best of them",
    "results/generators/": "generators (safetensors)",
    "results/crops/": "the real hands, 64x64, with keypoints",
    "results/poses/": "keypoints of every photograph, and which were left out",
    "logs/": "what each job printed",
}


class Progress:
    """Follows Snakemake's output line by line and estimates the time left from the jobs finished so far.

    brought_about: whether the products are there by it, which they are not by --dry-run, --help and the like.
    """

    def __init__(self, cores, clock=time.monotonic):
        self.cores, self.clock = cores, clock
        self.waiting, self.started, self.spent = collections.Counter(), {}, collections.defaultdict(list)
        self.rule, self.job, self.total, self.done, self.brought_about = None, None, 0, 0, False

    def read(self, line):
        """Take in one line; return what to print, or None."""
        if count := re.fullmatch(r"(\w+) +(\d+)", line.rstrip()):
            self._count(*count.groups())
        elif begun := re.match(r"(?:local)?rule (\w+):", line):
            self.rule = begun[1]
        elif job := re.match(r"    jobid: (\d+)", line):
            self.job = int(job[1])
            self.started[self.job] = [self.rule, "", self.clock()]
        elif named := re.match(r"    wildcards: (.*)", line):
            self.started[self.job][1] = "-".join(pair.partition("=")[2] for pair in named[1].split(", "))
        elif ended := re.match(r"Finished jobid: (\d+) \(Rule: (\w+)\)", line):
            return self._finish(int(ended[1]), ended[2])
        elif "Nothing to be done" in line:
            self.brought_about = True
            return "Nothing to be done: every product is up to date."
        elif line.startswith(("error: ", "note: ")):
            return line.rstrip()
        return None

    def _count(self, rule, number):
        if rule == "total":
            self.total = int(number)
        else:
            self.waiting[rule] = int(number)

    def _finish(self, job, rule):
        now = self.clock()
        # Of jobs that were sent to a cluster as a group, Snakemake does not tell the start.
        _, name, begun = self.started.pop(job, [rule, "", now])
        seconds = now - begun
        self.spent[rule].append(seconds)
        self.waiting[rule] -= 1
        self.done += 1
        self.brought_about = True
        share = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
        return f"{share} {rule} {name}".ljust(72) + f" {seconds:5.1f} s   {self._left()}"

    def _left(self):
        spent = {rule: sum(times) / len(times) for rule, times in self.spent.items()}
        pace = sum(map(sum, self.spent.values())) / sum(_EXPECTED[rule] * len(t) for rule, t in self.spent.items())
        work = sum(number * spent.get(rule, pace * _EXPECTED[rule]) for rule, number in self.waiting.items())
        minutes = work / self.cores / 60
        return f"about {minutes:.0f} min left" if minutes >= 1.5 else f"about {60 * minutes:.0f} s left"


def run_snakemake(arguments, cores):
    """Run Snakemake with the progress shown; return its exit status, and whether it brought the products about."""
    command = [sys.executable, "-m", "snakemake", *_places(cores), "--nocolor", *arguments]
    progress, said, told = Progress(cores), collections.deque(maxlen=5000), []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # A shell's background jobs begin with Ctrl-C ignored, and Snakemake would inherit that and not be stopped by us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun_by = {locks.BEGUN_BY: str(os.getpid())}
    with subprocess.Popen(command, start_new_session=True, env=os.environ | begun_by, **pipes) as snakemake:
        # Whoever stops us stops Snakemake and its jobs, once, as Ctrl-C would; what is finished is kept.
        def stop(*_):
            told.append("stopping")
            os.killpg(snakemake.pid, signal.SIGINT)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        for line in snakemake.stdout:
            said.append(line)
            if message := progress.read(line):
                told += [message] if line.startswith("error: ") else []
                print(message, flush=True)
    if snakemake.returncode:
        print("" if told else "".join(list(said)[-40:]), end="")
        if progress.total:
            print("stopped before the end; what was finished is kept, and the same command goes on from there")
    elif not progress.brought_about:
        print("".join(said), end="")
    return snakemake.returncode, progress.brought_about


def _places(cores):
    """Return the options that say where jobs run: on this machine, unless SNAKEMAKE_PROFILE names a profile."""
    if os.environ.get("SNAKEMAKE_PROFILE", "none") != "none":
        return []
    # Jobs of one GPU wait for each other; without one there is nothing to wait for.
    gpu = ["--resources", "gpu=1"] if list(Path("/dev").glob("nvidia[0-9]*")) else []
    return ["--cores", str(cores), *gpu]


def show_products(arguments):
    """Print the verdict and Table 8, where they were asked for, and where the rest lies."""
    table, verdict = Path("results/table8.csv"), "results/verdict.md"
    if "--" not in arguments or {"all", "all_verdict", verdict} & set(arguments):
        print_verdict(read_document("results/verdict/verdict.json", VERDICT))
    if "--" not in arguments or {"all", str(table)} & set(arguments):
        print("\nTable 8: accuracy (%), mean ± sd over seeds, by training images per class")
        print(read_table(table, []).to_string(index=False))
        print("\nEverything else:")
        for place, what in _PRODUCTS.items():
            if any(Path().glob(place)):
                print(f"  {place:<22}{what}")


def print_verdict(verdict):
    """Print the sentences of results/verdict/verdict.json."""
    print(f"\nDo generated images help on {verdict['dataset']}?")
    for size, own in verdict["verdicts"].items():
        print(textwrap.fill(f"{size_in_words(size).capitalize()}: {' '.join(own['sentences'])}", 120))


def main():
    arguments = sys.argv[1:]
    began = time.monotonic()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        locks.expect_own()
        status, brought_about = run_snakemake(arguments, cores)
        shows = status == 0 and brought_about
        if shows:
            show_products(arguments)
    except WrongInput as wrong:
        sys.exit(f"error: {wrong}")
    if shows:
        print(f"\n{time.monotonic() - began:.0f} s")
    sys.exit(status)


if __name__ == "__main__":
    main()
