#!/usr/bin/env bash
# Darkroom and PyTorch + diffusers (and OpenVINO where it is installed) side by side on two threads: the U-Net of
# google/ddpm-cifar10-32, DiT-S/2, Stable Diffusion 1.5's U-Net, the decoder of its autoencoder, and attention alone. The programs take
# turns, so that a machine whose speed drifts favours none. Of each, the median and the fastest round are printed, with
# their ratios: on a shared machine the fastest tells more of the programs and less of the neighbours.
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
  run train.darkroom-bf16 "$darkroom" bench train --precision bf16 --threads 2 --repeats 3
  run train.pytorch-bf16 "$python" Benchmarks/pytorch_unet.py train --precision bf16 --repeats 3
  run sample.darkroom "$darkroom" bench sample --threads 2 --repeats 7
  run sample.pytorch "$python" Benchmarks/pytorch_unet.py sample --repeats 7
  run sample.pytorch-compiled "$python" Benchmarks/pytorch_unet.py sample --compile --repeats 7
  if [ "$has_openvino" = yes ]; then run sample.openvino "$python" Benchmarks/openvino_unet.py sample --repeats 7; fi
  run dit.darkroom "$darkroom" bench train --preset dit-s-2 --threads 2 --repeats 3
  run dit.pytorch "$python" Benchmarks/pytorch_dit.py train --repeats 3
  run dit.pytorch-compiled "$python" Benchmarks/pytorch_dit.py train --compile --repeats 3
  run dit.darkroom-bf16 "$darkroom" bench train --preset dit-s-2 --precision bf16 --threads 2 --repeats 3
  run dit.pytorch-bf16 "$python" Benchmarks/pytorch_dit.py train --precision bf16 --repeats 3
  run decode.darkroom-bf16 "$darkroom" bench decode --preset vae-kl-f8 --precision bf16 --batch-size 1 --threads 2 --repeats 1
  run decode.darkroom "$darkroom" bench decode --preset vae-kl-f8 --batch-size 1 --threads 2 --repeats 1
  run decode.pytorch "$python" Benchmarks/decoder.py pytorch --repeats 1
  if [ "$has_openvino" = yes ]; then
    run decode.openvino "$python" Benchmarks/decoder.py openvino --repeats 1
    run decode.openvino-bf16 "$python" Benchmarks/decoder.py openvino --precision bf16 --repeats 1
  fi
  run sd15.darkroom "$darkroom" bench sample --preset sd-1.5 --batch-size 2 --threads 2 --repeats 3
  run sd15.darkroom-bf16 "$darkroom" bench sample --preset sd-1.5 --precision bf16 --batch-size 2 --threads 2 --repeats 3
  run sd15.pytorch "$python" Benchmarks/sd15.py pytorch --repeats 3
  run sd15.pytorch-bf16 "$python" Benchmarks/sd15.py pytorch --precision bf16 --repeats 3
  if [ "$has_openvino" = yes ]; then
    run sd15.openvino "$python" Benchmarks/sd15.py openvino --repeats 3
    run sd15.openvino-bf16 "$python" Benchmarks/sd15.py openvino --precision bf16 --repeats 3
  fi
  for tokens in 256 1024 4096; do
    batch=$((4096 / tokens))
    run "attention-$tokens.darkroom" "$darkroom" bench attention --tokens $tokens --batch-size $batch --threads 2
    run "attention-$tokens.pytorch" "$python" Benchmarks/pytorch_attention.py attention --tokens $tokens --batch-size $batch
  done
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
    seconds = [r["seconds_per_image"] for r in rows]
    data[name] = (statistics.median(seconds), min(seconds), max(r["peak_rss_bytes"] for r in rows))
works = (
    ("train", "s an image", "training the 35.7 M parameter U-Net, batch 16, 2 threads"),
    ("sample", "s an image-step", "sampling with it, batch 16, f32, 2 threads"),
    ("dit", "s an image", "training DiT-S/2 on 32x32x4 latents, batch 16, 2 threads"),
    ("decode", "s a picture", "decoding 512x512 with Stable Diffusion's autoencoder, 2 threads"),
    ("sd15", "s a latent", "a guided step of Stable Diffusion 1.5's U-Net, two latents of 64x64x4, 77 states of 768, 2 threads"),
    *((f"attention-{t}", "s a picture", f"attention, 8 heads of 64, {t} tokens, forward and backward, 2 threads")
      for t in (256, 1024, 4096)))
for work, unit, what in works:
    own = data[f"{work}.darkroom"]
    print(f"\n{what}")
    for name, (median, fastest, memory) in sorted(data.items(), key=lambda item: item[1][0]):
        if name.startswith(work + "."):
            print(f"  {name.split('.')[1]:18} {median:.4f} {unit} ({median / own[0]:.2f}x darkroom's time), fastest {fastest:.4f}"
                  f" ({fastest / own[1]:.2f}x), peak {memory / 2**20:.0f} MiB ({own[2] / memory:.2f} is darkroom's share)")
print(f"\nstart to PNG, tiny model, one step: {data['start.darkroom'][0]:.3f} s")
PY
