#!/usr/bin/env python3
"""Measures the goals side by side and prints them: run.py [--quick] [G1 G2 G3 G3b G6 G8 BOARD NETWORK].

Nothing is asserted but that every answer is right: a figure counts only when bytes, headers and rows were compared.
Absolute figures drift with the machine; the ratios are what to look at. Results go to target/bench/results.json too.
"""
import json
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import time

import goal_board
import goal_catalogue
import goal_drain
import goal_identical
import goal_proxy
import goal_start
import goal_submission
import servers

GOALS = {"G1": goal_catalogue.run, "G2": goal_submission.run, "G3": goal_proxy.run, "G3b": goal_identical.run, "G8": goal_start.run}
# minutes of making data, and figures of the database alone: only when named
BY_NAME = {"BOARD": goal_board.run, "G6": goal_drain.run}
# several at once
GROUPS = {"NETWORK": ["G3", "G3b", "G6"]}


def main():
    words = sys.argv[1:]
    quick = "--quick" in words
    every = GOALS | BY_NAME
    wanted = [name for word in words for name in GROUPS.get(word, [word]) if name in every] or list(GOALS)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="onedoor-bench."))
    folder.chmod(0o755)
    results = []
    try:
        for name in wanted:
            print(f"{name} …", file=sys.stderr, flush=True)
            results += every[name](folder, quick)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "quick": quick,
        "postgres_settings": servers.POSTGRES_SETTINGS,
        "results": results,
    }
    file = servers.ROOT / "target/bench/results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    show(report)
    print(f"\n{file.relative_to(servers.ROOT)}")


def show(report):
    print(f"{report['machine']['cores']} cores, PostgreSQL with {', '.join(report['postgres_settings'])}"
          + (", QUICK: too short to quote" if report["quick"] else "") + "\n")
    print(f"{'goal':5} {'what':62} {'median':>10} {'95 % interval':>21}  aim")
    for row in report["results"]:
        interval = f"{row['low']:.2f} … {row['high']:.2f}"
        print(f"{row['goal']:5} {row['what']:62} {row['median']:10.2f} {interval:>21}  {row['aim']}")


if __name__ == "__main__":
    main()
