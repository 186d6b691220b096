#!/usr/bin/env bash
# From a fresh machine to pictures: installs what is missing, builds, trains a small class-conditional U-Net on the shapes in
# samples/, and writes a grid of sampled PNGs. Under six minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install.sh

swift build -c release --product darkroom
darkroom=.build/release/darkroom
run=${1:-demo}

if [ -e "$run/training/state.safetensors" ]; then
  echo "$run holds a run already: name another folder (bash scripts/demo.sh NAME) or remove it." >&2
  exit 1
fi
"$darkroom" train samples/shapes --classes folders --preset tiny-32 --resolution 16 --prediction v_prediction \
  --steps 4000 --learning-rate 2e-3 --ema 0.995 --preview-every 2000 --output "$run"
"$darkroom" sample "$run" --count 32 --columns 8 --sampler ddim --steps 40 --guidance-scale 2 --output "$run/grid.png"
"$darkroom" info "$run/grid.png"
echo "the pictures: $run/grid.png (a column each: circle cross diamond heart ring square star triangle)"
