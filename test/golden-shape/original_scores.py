"""The original Mage pipeline's scores for a CSV, computed by River, pandas and python-slugify.

usage: python original_scores.py data.csv out.csv      (pip install river==0.26.1 pandas==3.1.1 python-slugify)

Columns in: time, provider, machineID, power. What it does is the published pipeline's: a new Half-Space Trees model a machine, min-max
over the machine's whole table, learn, then score; a row is anomalous above 0.8. pandas before 3.1 may read a number one bit off.
"""
import sys

import pandas as pd
from river.anomaly import HalfSpaceTrees
from slugify import slugify


def original_scores(source, target):
    frame = pd.read_csv(source)
    names = [f"{slugify(row.provider)}-{row.machineID}" for _, row in frame.iterrows()]
    frame = frame.assign(unique_id=names, date=pd.to_datetime(frame["time"]))
    tables = []
    for unique_id in frame["unique_id"].unique():
        table = frame.loc[frame["unique_id"] == unique_id]
        low, high = table["power"].min(), table["power"].max()
        value = (table["power"] - low) / (high - low)
        trees = HalfSpaceTrees(n_trees=5, height=2, window_size=250, seed=1)
        scores = []
        for x in value:
            trees.learn_one({"power": x})
            scores.append(float(trees.score_one({"power": x})))
        columns = {"date": table["date"], "score": scores, "value": value, "is_anomaly": [s > 0.8 for s in scores]}
        tables.append(pd.DataFrame({**columns, "unique_id": unique_id}))
    pd.concat(tables).to_csv(target, index=False, float_format="%.17g")


if __name__ == "__main__":
    original_scores(sys.argv[1], sys.argv[2])
