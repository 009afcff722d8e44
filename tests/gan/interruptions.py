"""Cut a generator's training off again and again at random moments, and see whether it ends with the same bits.

    python tests/gan/interruptions.py --times 20 --crops results/crops/drawn_signs-train.zip \\
        --subset results/subsets/drawn_signs-nall-s0.csv

takes the demo's generators of that data set (make demo first), a few minutes each. The tests call it with fewer.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
PRODUCTS = ("generator.safetensors", "curve.csv", "samples.png")


def cut_off(crops, subset, options, times, folder, chance):
    """Train once undisturbed and once with so many interruptions, kill -9 and SIGTERM in turn; return their tally.

    Returns {what a process ended with: how often}; raises AssertionError unless all products are equal bytes.
    """
    processes = multiprocessing.get_context("forkserver")  # imports torch once, not at every start
    processes.set_forkserver_preload(["pipeline.gan.train"])
    began = time.monotonic()
    assert _start(processes, crops, subset, options, folder / "undisturbed").wait() == 0
    whole = time.monotonic() - began
    tally = {}
    for number in range(times):
        training = _start(processes, crops, subset, options, folder / "disturbed")
        training.until_under_way()
        time.sleep(chance.uniform(0, 2 * whole / times))
        ended = training.end_by((signal.SIGKILL, signal.SIGTERM)[number % 2])
        tally[ended] = tally.get(ended, 0) + 1
    assert _start(processes, crops, subset, options, folder / "disturbed").wait() == 0
    for name in PRODUCTS:
        assert (folder / "disturbed" / name).read_bytes() == (folder / "undisturbed" / name).read_bytes(), name
    left = {path.name for path in (folder / "disturbed").iterdir()} - {*PRODUCTS, "log"}
    assert all(name.endswith(".part") for name in left), left  # of writes that kill -9 cut off, never a finished name
    return tally


class _Started:
    def __init__(self, process, log):
        self.process, self.log, self.told = process, log, log.stat().st_size if log.exists() else 0
        process.start()

    def until_under_way(self):
        while self.process.is_alive() and not (self.log.exists() and self.log.stat().st_size > self.told):
            time.sleep(0.01)

    def wait(self):
        self.process.join()
        return self.process.exitcode

    def end_by(self, number):
        """Send the signal; return the exit status: negative after kill -9, 0 where the training was done before."""
        if self.process.is_alive():
            os.kill(self.process.pid, number)
        return self.wait()


def _start(processes, crops, subset, options, folder):
    folder.mkdir(parents=True, exist_ok=True)
    arguments = (str(crops), str(subset), options, str(folder))
    return _Started(processes.Process(target=_train, args=arguments), folder / "log")


def _train(crops, subset, options, folder):
    from pipeline.gan import train
    from pipeline.stage import run_stage

    log = os.open(Path(folder, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    paths = {"out": PRODUCTS[0], "curve": PRODUCTS[1], "samples": PRODUCTS[2], "state": "state.pt"}
    places = [text for name, file in paths.items() for text in (f"--{name}", f"{folder}/{file}")]
    sys.argv = ["train", "--options", json.dumps(options), "--crops", crops, "--subset", subset, *places]
    run_stage(train.main)


def main():
    import yaml

    from pipeline.study import Study

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--subset", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    study = Study(yaml.safe_load((ROOT / "params.yaml").read_text()) | {"study": "demo"})
    for condition in study.experiments["drawn_signs"]["generators"]:
        # Kept so often that kill -9 finds states of every age.
        options = study.generator_options("drawn_signs", "all", 0, condition) | {"checkpoint_every": 3}
        with tempfile.TemporaryDirectory() as folder:
            chance = random.Random(args.seed)
            tally = cut_off(args.crops, args.subset, options, args.times, Path(folder), chance)
        print(f"{condition}: identical after {args.times} interruptions, ended with {tally}", flush=True)


if __name__ == "__main__":
    main()
