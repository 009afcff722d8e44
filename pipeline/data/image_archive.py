"""An image set of this project (see pipeline.data.archive) as a data set; the drawn hands come this way.

Without a column `group` each image is a group of its own; `landmarks`, or else `keypoints`, may give its pose.
"""

from pipeline.data.archive import read_metadata


def photographs(path):
    """Yield the manifest rows of the image set at `path`."""
    rows, _ = read_metadata(path)
    pose = next((name for name in ("landmarks", "keypoints") if name in rows), None)
    for number, row in enumerate(rows.to_dict("records"), start=2):
        yield {
            "name": row["file_name"],
            "path": f"{path}/{row['file_name']}",
            "class": row["class"],
            "group": row["group"] if "group" in rows else row["file_name"],
            "part": "",
            "landmarks": row[pose] if pose else "",
            "where": f"{path}/metadata.csv, row {number}",
        }
