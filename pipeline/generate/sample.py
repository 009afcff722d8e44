"""Draw a balanced image set with a trained generator: the same number of images of every class of a data set."""

import numpy as np
import pandas as pd
import torch

from pipeline.chance import stream
from pipeline.data.archive import ImageSet, keypoints_json, write_image_set
from pipeline.data.subset import read_subset
from pipeline.gan.batches import with_pose
from pipeline.gan.generator_file import load_generator
from pipeline.gan.generators import IMAGE_SIZE
from pipeline.generate.latents import latents
from pipeline.poses.render import pose_maps
from pipeline.poses.skeleton import flip_keypoints
from pipeline.stage import WrongInput, run_stage, stage_arguments


def sample(generator, description, target, options):
    """Return an ImageSet of options["images_per_class"] images per class of `target`, its images a lazy iterable.

    target: the ImageSet of the training images of the data set that the images are for. It gives ReACGAN the classes,
    which must be its own, and SPADE the poses, which may come from another data set than the generator's. An image
    depends on (seed, label, index) and its pose; the batch size changes it by rounding at most (one grey level).
    Raises WrongInput where classes or poses are missing.
    """
    condition, class_names = description["condition"], target.class_names
    if condition == "reacgan" and class_names != description["class_names"]:
        raise WrongInput(
            f"reacgan generator: trained on the classes {_short(description['class_names'])}; expected those of the "
            f"target, {_short(class_names)}; use a generator of this data set, or SPADE"
        )
    poses = None if condition == "reacgan" else class_poses(target, options)
    rows = _rows(class_names, options["images_per_class"], poses)
    return ImageSet(_images(generator, description, rows["label"].to_numpy(), poses, options), rows, class_names)


def class_poses(target, options):
    """Return keypoints (images, 21, 2), class by class: its poses in rotation, each mirrored by an addressed coin."""
    posed, per_class = with_pose(target), options["images_per_class"]
    labels, keypoints = posed.labels, posed.keypoints
    chosen = []
    for label, name in enumerate(target.class_names):
        own = keypoints[labels == label]
        if not len(own):
            raise WrongInput(f"class {name!r}: no training image with a pose; enlarge the subset or drop the class")
        chosen.extend(_mirrored(own[index % len(own)], options["seed"], label, index) for index in range(per_class))
    return np.stack(chosen)


def _mirrored(pose, seed, label, index):
    coin = stream(seed, "mirror", label, index).integers(0, 2)
    return flip_keypoints(pose, IMAGE_SIZE) if coin else pose


def _rows(class_names, per_class, poses):
    index = np.tile(np.arange(per_class), len(class_names))
    label = np.repeat(np.arange(len(class_names)), per_class)
    names = [class_names[number] for number in label]
    files = [f"{name}/{number:06d}.png" for name, number in zip(names, index, strict=True)]
    keypoints = "" if poses is None else [keypoints_json(pose) for pose in poses]
    return pd.DataFrame({"file_name": files, "label": label, "class": names, "keypoints": keypoints})


def _images(generator, description, labels, poses, options):
    """Yield uint8 images (64, 64, 3), class by class, so that a whole set never stands in memory."""
    device = next(generator.parameters()).device
    for start in range(0, len(labels), options["batch_size"]):
        batch = slice(start, start + options["batch_size"])
        z = _latents(labels[batch], start, description["options"]["z_dim"], options)
        condition = torch.tensor(labels[batch]) if poses is None else _maps(poses[batch], description)
        with torch.inference_mode():
            images = generator(z.to(device), condition.to(device))
        yield from to_uint8(images)


def _latents(labels, start, z_dim, options):
    places = enumerate(labels.tolist(), start)
    seed, per_class, truncation = options["seed"], options["images_per_class"], options["truncation"]
    return torch.cat([latents(seed, label, [place % per_class], z_dim, truncation) for place, label in places])


def _maps(poses, description):
    sigma = description["options"]["heatmap_sigma"]
    return pose_maps(description["condition"], torch.tensor(poses), IMAGE_SIZE, sigma)


def to_uint8(images):
    """Round images (B, 3, H, W) in [-1, 1] to uint8 (B, H, W, 3)."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def _short(names):
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def main():
    args = stage_arguments(__doc__, inputs=["generator", "crops", "subset"]).parse_args()
    torch.set_num_threads(args.threads)
    generator, description = load_generator(args.generator)
    generator.to("cuda" if torch.cuda.is_available() else "cpu")
    target = read_subset(args.crops, args.subset, "fit")
    image_set = sample(generator, description, target, args.options)
    write_image_set(args.out, image_set)
    print(
        f"{len(image_set)} images, {args.options['images_per_class']} of each of {len(image_set.class_names)} classes"
    )


if __name__ == "__main__":
    run_stage(main)
