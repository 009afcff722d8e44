"""An image set of this project (see pipeline.data.archive) as a data set; the drawn hands come this way.

Without a column `group` each image is a group of its own; `landmarks`, or else `keypoints`, may give its pose.
"""

from pipeline.data.archive import read_keypoints, read_metadata
from pipeline.stage import WrongInput


def photographs(path):
    """Yield the manifest rows of the image set at `path`."""
    rows, _ = read_metadata(path)
    pose = next((name for name in ("landmarks", "keypoints") if name in rows), None)
    for number, row in enumerate(rows.to_dict("records"), start=2):
        where = f"{path}/metadata.csv, row {number}"
        if pose and row[pose] and read_keypoints(row[pose]) is None:
            raise WrongInput(f"{where}: {pose} {row[pose]!a:.60}; expected JSON [[x, y] * 21] in pixels; mend it")
        yield {
            "name": row["file_name"],
            "path": f"{path}/{row['file_name']}",
            "class": row["class"],
            "group": (row["group"].strip() if "group" in rows else "") or row["file_name"],
            "part": "",
            "landmarks": row[pose] if pose else "",
            "where": where,
        }
