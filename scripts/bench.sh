#!/usr/bin/env bash
# Darkroom and PyTorch + diffusers (and OpenVINO where it is installed) side by side: the U-Net of google/ddpm-cifar10-32,
# batch 16, f32, two threads. The programs take turns, so that a machine whose speed drifts favours none; medians and their
# ratios are printed.
#
#   DARKROOM_BENCH_PYTHON=<python with torch and diffusers> bash scripts/bench.sh [rounds]
#
# Without the variable a virtual environment is made in .build-bench-venv (6 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}

python=${DARKROOM_BENCH_PYTHON:-.build-bench-venv/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv .build-bench-venv
  .build-bench-venv/bin/pip install --quiet torch diffusers transformers openvino
  python=.build-bench-venv/bin/python
fi
swift build -c release --product darkroom
darkroom=.build/release/darkroom
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

run() { # name, command …
  local name=$1
  shift
  echo "· $name" >&2
  "$@" 2>/dev/null | grep '^{' >>"$results/$name"
}

has_openvino=$("$python" -c 'import openvino' 2>/dev/null && echo yes || echo no)
for _ in $(seq "$rounds"); do
  run train.darkroom "$darkroom" bench train --threads 2 --repeats 3
  run train.pytorch "$python" Benchmarks/pytorch_unet.py train --repeats 3
  run train.pytorch-compiled "$python" Benchmarks/pytorch_unet.py train --compile --repeats 3
  run sample.darkroom "$darkroom" bench sample --threads 2 --repeats 7
  run sample.pytorch "$python" Benchmarks/pytorch_unet.py sample --repeats 7
  run sample.pytorch-compiled "$python" Benchmarks/pytorch_unet.py sample --compile --repeats 7
  if [ "$has_openvino" = yes ]; then run sample.openvino "$python" Benchmarks/openvino_unet.py --repeats 7; fi
  # Start to PNG: a tiny model, one step, the whole process.
  for _ in 1 2 3 4 5; do
    run start.darkroom "$python" - "$darkroom" <<'PY'
import json, os, subprocess, sys, tempfile, time
with tempfile.TemporaryDirectory() as folder:
    start = time.perf_counter()
    subprocess.run([sys.argv[1], "sample", "Tests/Fixtures/pipelines/ddim", "--steps", "1", "--output",
                    os.path.join(folder, "o.png")], check=True)
    print(json.dumps({"seconds_per_image": time.perf_counter() - start, "peak_rss_bytes": 0}))
PY
  done
done

python3 - "$results" <<'PY'
import json, os, statistics, sys
data = {}
for name in sorted(os.listdir(sys.argv[1])):
    rows = [json.loads(line) for line in open(os.path.join(sys.argv[1], name))]
    data[name] = (statistics.median(r["seconds_per_image"] for r in rows), max(r["peak_rss_bytes"] for r in rows))
for work, unit in (("train", "s an image"), ("sample", "s an image-step")):
    own = data[f"{work}.darkroom"]
    print(f"\n{work}: the 35.7 M parameter U-Net, batch 16, f32, 2 threads")
    for name, (seconds, memory) in sorted(data.items(), key=lambda item: item[1][0]):
        if name.startswith(work + "."):
            print(f"  {name.split('.')[1]:18} {seconds:.4f} {unit}  ({seconds / own[0]:.2f}x darkroom's time)"
                  f"  peak {memory / 2**20:6.0f} MiB ({own[1] / memory:.2f} is darkroom's share)")
print(f"\nstart to PNG, tiny model, one step: {data['start.darkroom'][0]:.3f} s")
PY
