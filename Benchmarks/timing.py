"""What the programs of the comparison have in common: options, rounds, and the line of JSON that bench.sh reads."""
import argparse
import json
import resource
import statistics
import time


def parse(works, batch_size=16):
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="OpenVINO alone")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--tokens", type=int, default=256, help="attention alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return options


def report(run, options, warm=2):
    seconds = []
    for _ in range(options.repeats + warm):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "seconds_per_image": statistics.median(seconds[warm:]) / options.batch_size,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
