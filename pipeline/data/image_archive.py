"""An image set of this project (see pipeline.data.archive) as a data set; the drawn hands come this way."""

from pipeline.data.archive import read_metadata


def photographs(path):
    """Yield the manifest rows of the image set at `path`."""
    rows, _ = read_metadata(path)
    for number, row in enumerate(rows.to_dict("records"), start=2):
        yield {
            "name": row["file_name"],
            "path": f"{path}/{row['file_name']}",
            "class": row["class"],
            "group": row["group"],
            "part": "",
            "landmarks": row["landmarks"],
            "where": f"{path}/metadata.csv, row {number}",
        }
