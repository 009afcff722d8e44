"""Draw a balanced image set with a trained generator: the same number of images of every class of a data set."""

import collections
import concurrent.futures
import contextlib
import copy
import itertools

import numpy as np
import pandas as pd
import torch

from pipeline.chance import stream
from pipeline.data.archive import ImageSet, keypoints_json, read_image_set, write_image_set
from pipeline.data.subset import read_subset
from pipeline.gan.batches import condition_maps, to_uint8, with_pose
from pipeline.gan.generator_file import load_generator
from pipeline.gan.generators import IMAGE_SIZE
from pipeline.generate.latents import TRUNCATION, latents
from pipeline.poses.skeleton import flip_keypoints
from pipeline.stage import WrongInput, run_stage, stage_arguments

# Images of one forward pass, all of one class. How a convolution rounds depends on how many images it sees.
CHUNK = 20
# Chunks per device that are being drawn or wait to be packed: so many stand in memory, whatever the size of the set.
_AHEAD = 3


def sample(generator, description, target, options, devices):
    """Return an ImageSet of options["images_per_class"] images per class of `target`, its images a lazy iterable.

    target: the ImageSet of the training images of the data set that the images are for. It gives ReACGAN the classes,
    which must be its own, and SPADE the poses, which may come from another data set than the generator's. An image
    depends on (seed, label, index) and its pose alone: on a CPU to the bit, at any number of images and of devices.
    Raises WrongInput where classes or poses are missing.
    """
    condition, class_names = description["condition"], target.class_names
    if condition == "reacgan" and class_names != description["class_names"]:
        raise WrongInput(
            f"reacgan generator: trained on the classes {_short(description['class_names'])}; expected those of the "
            f"target, {_short(class_names)}; use a generator of this data set, or SPADE"
        )
    poses = None if condition == "reacgan" else class_poses(target)
    rows = _rows(class_names, poses, description["options"], options)
    return ImageSet(_images(generator, description, len(class_names), poses, options, devices), rows, class_names)


def leaked(target, test):
    """Return the ImageSet whose poses the released code gives to SPADE (`test_poses`): of test images.

    Classes without a test image, for which it would draw nothing, keep those of their training images.
    """
    own = with_pose(test)
    rest = target.select(np.flatnonzero(~np.isin(target.labels, own.labels)))
    images = np.concatenate([own.images, rest.images])
    return ImageSet(images, pd.concat([own.rows, rest.rows], ignore_index=True), target.class_names)


def class_poses(target):
    """Return the known poses of each class, a list of keypoints (n, 21, 2) by label."""
    posed = with_pose(target)
    poses = [posed.keypoints[posed.labels == label] for label in range(len(target.class_names))]
    for name, own in zip(target.class_names, poses, strict=True):
        if not len(own):
            raise WrongInput(f"class {name!r}: no image with a pose; enlarge the subset or drop the class")
    return poses


def chosen_poses(own, trained, seed, label, indices):
    """Return keypoints (B, 21, 2) for images of a class: its own poses in rotation, mirrored by an addressed coin.

    trained: the options of the generator's training. One that never saw a mirrored pose is not asked for one.
    """
    mirrors = "unmirrored_pose" not in trained["as_published"]
    poses = [own[index % len(own)] for index in indices]
    coins = [mirrors and stream(seed, "mirror", label, index).integers(0, 2) for index in indices]
    return np.stack(
        [flip_keypoints(pose, IMAGE_SIZE) if coin else pose for pose, coin in zip(poses, coins, strict=True)]
    )


def _rows(class_names, poses, trained, options):
    indices = range(options["images_per_class"])
    rows = pd.DataFrame(
        [
            {"file_name": f"{name}/{index:06d}.png", "label": label, "class": name, "keypoints": ""}
            for label, name in enumerate(class_names)
            for index in indices
        ]
    )
    if poses is not None:
        chosen = [chosen_poses(own, trained, options["seed"], label, indices) for label, own in enumerate(poses)]
        rows["keypoints"] = [keypoints_json(pose) for pose in np.concatenate(chosen)]
    return rows


def _images(generator, description, num_classes, poses, options, devices):
    """Yield uint8 images (64, 64, 3), class by class, so that a whole set never stands in memory."""
    per_class = options["images_per_class"]
    replicas = {device: copy.deepcopy(generator).to(device) for device in devices}

    def draw(chunk, device):
        label, start = chunk
        own = None if poses is None else poses[label]
        return draw_chunk(replicas[device], description, own, options, label, start)[: per_class - start]

    chunks = itertools.product(range(num_classes), range(0, per_class, CHUNK))
    for images in in_turn(draw, chunks, devices):
        yield from images


@torch.inference_mode()
def draw_chunk(generator, description, own, options, label, start):
    """Return CHUNK images uint8 (CHUNK, 64, 64, 3) of a class, from index `start`; own: the poses of the class.

    Always as many, also where fewer are asked for: so an image has the same neighbours in every set.
    """
    device, trained = next(generator.parameters()).device, description["options"]
    indices = range(start, start + CHUNK)
    truncation = TRUNCATION if "truncation" in options["as_published"] else None
    z = latents(options["seed"], label, indices, trained["z_dim"], truncation)
    if own is None:
        condition = torch.full((CHUNK,), label)
    else:
        keypoints = torch.tensor(chosen_poses(own, trained, options["seed"], label, indices), device=device)
        condition = condition_maps(keypoints, trained)
    return to_uint8(generator(z.to(device), condition.to(device))).cpu().numpy()


def in_turn(work, items, devices):
    """Yield work(item, device) of every item, in their order; each device, in a thread of its own, takes every nth.

    Threads stay a few items ahead of who takes the results. What one of them raises is raised here.
    """
    with contextlib.ExitStack() as stack:
        # OpenMP counts threads by thread: a new one would take every core, whatever the stage was given.
        own_count = {"initializer": torch.set_num_threads, "initargs": (torch.get_num_threads(),)}
        threads = [concurrent.futures.ThreadPoolExecutor(1, **own_count) for _ in devices]
        for thread in threads:
            stack.callback(thread.shutdown, cancel_futures=True)
        turns = itertools.cycle(zip(threads, devices, strict=True))
        started = (thread.submit(work, item, device) for item, (thread, device) in zip(items, turns, strict=False))
        waiting = collections.deque(itertools.islice(started, _AHEAD * len(devices)))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(itertools.islice(started, 1))
            yield done


def visible_devices():
    """Return the names of all GPUs that this process sees, or the CPU."""
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def _short(names):
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def main():
    args = stage_arguments(__doc__, inputs=["generator", "crops", "subset"], optional=["poses"]).parse_args()
    torch.set_num_threads(args.threads)
    generator, description = load_generator(args.generator)
    target = read_subset(args.crops, args.subset, "fit")
    if args.poses:
        target = leaked(target, read_image_set(args.poses))
    image_set = sample(generator, description, target, args.options, visible_devices())
    write_image_set(args.out, image_set)
    print(
        f"{len(image_set)} images, {args.options['images_per_class']} of each of {len(image_set.class_names)} classes"
    )


if __name__ == "__main__":
    run_stage(main)
