"""The workloads behind every figure of the README, side by side in one run.

    .venv/bin/python -m benchmarks [--quick] [--only NAME] [--profile NAME]

A real server process, a real client (`wrk`), one embedded Postgres under both the
server and what it is compared with.
"""
