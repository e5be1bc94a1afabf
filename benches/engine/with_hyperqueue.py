"""Runs a graph with HyperQueue: server and one worker in this process, history and logs on. Prints milliseconds from submission to end.

`with_hyperqueue.py FOLDER CORES` reads the graph from standard input: for each task those that it waits for, as JSON. Exits 3 where HyperQueue
is not there.
"""
import json
import os
import sys
import time

try:
    from hyperqueue import Job, LocalCluster
    from hyperqueue.cluster import WorkerConfig
except ImportError:
    sys.exit(3)

# The cluster prints a table of its own to standard output.
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
graph = json.load(sys.stdin)
job = Job(default_workdir=sys.argv[1])
tasks = []
for upstream in graph:
    tasks.append(job.program(["/bin/true"], deps=[tasks[up] for up in upstream]))
with LocalCluster(worker_config=WorkerConfig(cores=int(sys.argv[2]))) as cluster:
    client = cluster.client()
    begun = time.perf_counter()
    client.wait_for_jobs([client.submit(job)])
    print((time.perf_counter() - begun) * 1e3, file=answer, flush=True)
