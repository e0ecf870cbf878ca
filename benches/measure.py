"""CPU time of process trees, memory, and medians with their intervals."""
import os
import pathlib
import random
import statistics

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processes():
    """Every process as pid → (parent, ticks of itself and of the children it has waited for)."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:  # gone meanwhile
                continue
            fields = stat.rpartition(")")[2].split()
            found[int(folder.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return found


def tree(root, all_processes):
    """A process and everything below it."""
    members, grew = {root}, True
    while grew:
        grew = False
        for pid, (parent, _) in all_processes.items():
            if parent in members and pid not in members:
                members.add(pid)
                grew = True
    return members


def cpu_seconds(*roots):
    """CPU time that these trees have used so far, user and system."""
    all_processes = processes()
    members = set().union(*(tree(root, all_processes) for root in roots))
    return sum(all_processes[pid][1] for pid in members if pid in all_processes) / TICKS_PER_SECOND


def resident_mb(pid):
    """Memory of one process that is in RAM, in MB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"no VmRSS of {pid}")


def median_with_interval(values):
    """The median and its 95 % interval by resampling; with a fixed seed, so that one set of values has one answer."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(2_000))
    return {"median": statistics.median(values), "low": medians[50], "high": medians[1_949], "samples": values}
