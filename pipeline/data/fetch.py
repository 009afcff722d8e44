"""Fetch a data set from its owner, checked, into a folder of its own.

    python -m pipeline.data.fetch                 which there are, how large, under which licence
    python -m pipeline.data.fetch NAME [--to data] [--verify] [--drop-archives]

The archives come to data/downloads/NAME; one that was put there by hand is taken as it is. A call that was stopped goes
on where it was; what is there is never overwritten. Each unpacked folder says in PROVENANCE.json where it is from.
"""

import argparse
import contextlib
import datetime
import fcntl
import os
import sys
from pathlib import Path

from pipeline.data.download import Patience, download
from pipeline.data.provenance import PROVENANCE, read_provenance
from pipeline.data.registry import REGISTRY, gigabytes, read_registry
from pipeline.data.unpack import Limits, file_digest, unpack, verify
from pipeline.stage import WrongInput, run_stage


def fetch(name, data_set, to, limits, patience, again=False, drop_archives=False):
    """Bring every archive of a data set below to/name, unpacked; with `again`, check what is there file by file."""
    downloads = to / "downloads" / name
    with _alone(downloads):
        for file in data_set["files"]:
            folder = Path(os.path.realpath(to / name / file["into"]))
            archive = downloads / file["name"]
            if _is_there(name, folder):
                _tell(folder, again)
            else:
                if not archive.exists():
                    _get(name, data_set, file, archive, patience)
                _unpack(name, data_set, file, archive, folder, limits)
            if drop_archives:
                archive.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder):
    """Hold a lock on the downloads of a data set; raise WrongInput where another call has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongInput(f"{folder}: another call is fetching into it; wait for it, or end it") from None
        yield


def _is_there(name, folder):
    """True where the folder was fetched for this data set; raise WrongInput where something else is in its place."""
    record = read_provenance(folder)
    if record.get("data_set") == name:
        return True
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        why = f"its {PROVENANCE} tells of {record.get('url') or record['archive']}" if record else f"no {PROVENANCE}"
        raise WrongInput(
            f"{folder}: is there already, and did not come by this command ({why}); use it as it is, or move it away to"
            " fetch"
        )
    return False


def _tell(folder, again):
    checked = f", {verify(folder)} files as they were unpacked" if again else ""
    print(f"{folder}: is there already, fetched {read_provenance(folder)['fetched']}{checked}")


def _get(name, data_set, file, archive, patience):
    """Download an archive, or say what a person has to do for it."""
    if data_set["by_hand"] is not None:
        print("\n".join(data_set["by_hand"]))
        raise WrongInput(f"{name}: see {data_set['page']}; put {file['name']} into {archive.parent} and call again")
    url = file["at"] + file["name"]
    print(f"{url} -> {archive}", flush=True)
    try:
        download(url, archive, file["bytes"], file["sha256"], patience)
    except WrongInput as wrong:
        raise WrongInput(f"{wrong} (data set {name}; its page: {data_set['page']})") from None


def _unpack(name, data_set, file, archive, folder, limits):
    """Check an archive against the registry and unpack it with what is known of it."""
    size, digest = archive.stat().st_size, file_digest(archive)
    for what, found, expected in (("bytes", size, file["bytes"]), ("sha256", digest, file["sha256"])):
        if expected not in (None, found):
            raise WrongInput(f"{archive}: {what} {found}; expected {expected}; move it away and call again")
    provenance = {
        "data_set": name,
        "url": file["at"] + file["name"],
        "page": data_set["page"],
        "bytes": size,
        "sha256": digest,
        "sha256_expected": file["sha256"],
        "licence": data_set["licence"],
        "citation": data_set["citation"],
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    try:
        files, unpacked = unpack(archive, folder, limits, provenance)
    except WrongInput as wrong:
        raise WrongInput(f"{wrong} (move {archive} away first)") from None
    known = "as expected" if file["sha256"] else "recorded; nobody publishes one to compare"
    print(f"{folder}: {files} files, {unpacked / 1e6:.1f} MB; sha256 {digest} ({known})", flush=True)


def listing(registry):
    """Return a line per data set: name, size, licence, what it is."""
    lines = []
    for name, data_set in registry.items():
        gb, unknown = gigabytes(data_set)
        size = " + ".join([f"{gb:.4g} GB"] * bool(gb) + [f"{unknown} of unknown size"] * bool(unknown))
        lines.append(f"{name:<14} {size:<30} {data_set['what']}\n{'':<14} licence: {data_set['licence']}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--to", type=Path, default=Path("data"), help="the folder of the data sets")
    parser.add_argument("--verify", action="store_true", help="check the files that are there against their hashes")
    parser.add_argument("--drop-archives", action="store_true", help="remove each archive once it is unpacked")
    args = parser.parse_args()
    registry = read_registry(REGISTRY)
    if args.name is None:
        print(listing(registry))
        return
    if args.name not in registry:
        raise WrongInput(f"{args.name}: no such data set; expected one of {', '.join(registry)}")
    data_set = registry[args.name]
    print(f"{args.name}: {data_set['what']}\nlicence: {data_set['licence']}\ncite: {data_set['citation'].strip()}")
    try:
        fetch(args.name, data_set, args.to, Limits(), Patience(), args.verify, args.drop_archives)
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
    except OSError as wrong:
        raise WrongInput(f"{wrong.filename or args.to}: {wrong.strerror or wrong}; mend that and call again") from None
    print(f"params.yaml reads it with reader: {data_set['reader']}, root: {args.to / args.name / data_set['root']}")


if __name__ == "__main__":
    run_stage(main)
