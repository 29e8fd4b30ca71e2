"""Item-kNN by `implicit`: seconds of training and of the best hundred items for every user.

python3 -m venv VENV && VENV/bin/pip install implicit && VENV/bin/python benches/scoring.py PAIRS

PAIRS has a user and an item a line, as numbers from 0. `benches/scoring.rs` writes it and calls this.
"""

import os
import sys
import time

import numpy
import scipy.sparse
from implicit.nearest_neighbours import CosineRecommender

pairs = numpy.loadtxt(sys.argv[1], dtype=numpy.int64)
ones = numpy.ones(len(pairs), dtype=numpy.float32)
matrix = scipy.sparse.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])))
users = numpy.arange(matrix.shape[0])

started = time.perf_counter()
model = CosineRecommender(K=200, num_threads=os.cpu_count())
model.fit(matrix, show_progress=False)
fit = time.perf_counter() - started

started = time.perf_counter()
items, _ = model.recommend(users, matrix, N=100, filter_already_liked_items=True)
recommend = time.perf_counter() - started

print(f"fit {fit:.2f}\nrecommend {recommend:.2f} ({items.shape[0]} users)\nsum {fit + recommend:.2f}")
