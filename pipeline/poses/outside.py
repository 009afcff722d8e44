"""What a detector reads besides photographs and published weights: files of a person's own, which may be edited."""

from pipeline.data.outside import folder_digest


def own_files_digest(options):
    """Return a hash of OpenPose's files, or of mmpose's configuration where it is a file; "" for other detectors.

    options: a data set's for poses. What a configuration builds on (`_base_`) is not looked into.
    """
    place = None
    if options["detector"] == "openpose_json":
        place = options["folder"]
    elif options["detector"] == "mmpose":
        place = options["mmpose"]["config"]
    return "" if place is None else folder_digest(place)
