"""Item-kNN by `implicit`: seconds of training and of the best hundred items for every user, and the quality.

python3 -m venv VENV && VENV/bin/pip install implicit && VENV/bin/python benches/scoring.py INTERACTIONS RUNS NEIGHBOURS...

INTERACTIONS is Amazon Beauty with CAFE's split, whose train part is learnt from. `benches/scoring.rs` calls this.
"""

import csv
import gzip
import os
import sys
import time

import numpy
import scipy.sparse
from implicit.nearest_neighbours import CosineRecommender

path, runs, neighbours = sys.argv[1], int(sys.argv[2]), [int(most) for most in sys.argv[3:]]
users, items, pairs, wanted = {}, {}, [], {}
for row in csv.DictReader(gzip.open(path, "rt")):
    user = users.setdefault(row["user"], len(users))
    item = items.setdefault(row["item"], len(items))
    if row["split"] == "train":
        pairs.append((user, item))
    else:
        wanted.setdefault(user, set()).add(item)
pairs = numpy.array(pairs)
ones = numpy.ones(len(pairs), dtype=numpy.float32)
shape = (len(users), len(items))
matrix = scipy.sparse.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape)
everybody = numpy.arange(len(users))
gain = 1 / numpy.log2(numpy.arange(2, 12))


def run(most):
    started = time.perf_counter()
    model = CosineRecommender(K=most, num_threads=os.cpu_count())
    model.fit(matrix, show_progress=False)
    fitted = time.perf_counter()
    ranked, _ = model.recommend(everybody, matrix, N=100, filter_already_liked_items=True)
    return fitted - started, time.perf_counter() - fitted, ranked


def quality(ranked):
    found = [
        (gain * [item in test for item in ranked[user][:10]]).sum() / gain[: len(test)].sum()
        for user, test in wanted.items()
    ]
    return numpy.mean(found)


for most in neighbours:
    done = sorted((run(most) for _ in range(runs)), key=lambda run: run[0] + run[1])
    fit, recommend, ranked = done[runs // 2]
    together = fit + recommend
    print(f"| implicit, {most} | {fit:.3f} | {recommend:.3f} | {together:.3f} | {quality(ranked):.4f} |")
