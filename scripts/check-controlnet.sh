#!/usr/bin/env bash
# Whether a ControlNet puts shapes where outlines are: draws scattered shapes with their outlines, trains a model of them that knows
# their classes and nothing of where they lie, trains a ControlNet on the pairs, and holds what both draw for 200 outlines that
# neither has seen against the filled outlines, with control and without.
#
#   bash scripts/check-controlnet.sh [FOLDER]      # what is there already is not trained again
#
# Needs python3 with numpy and Pillow. Exits with 1 unless the mean IoU is at least 0.8 with control and below 0.3 without.
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=.build/release/darkroom
folder=${1:-.build/check-controlnet}
python=${PYTHON:-python3}
"$python" -c 'import numpy, PIL' 2>/dev/null || {
  echo "$python lacks numpy or Pillow: install python3-numpy and python3-pil, or name another by PYTHON=" >&2
  exit 1
}
mkdir -p "$folder"

if [ ! -e "$folder/held-out" ]; then
  "$darkroom" data draw-shapes "$folder/shapes" --layout scattered --size 16 --count 4096 --seed 1 --outlines "$folder/outlines"
  "$darkroom" data draw-shapes "$folder/held-out" --layout scattered --size 16 --count 200 --seed 2 \
    --outlines "$folder/held-out-outlines"
fi
if [ ! -e "$folder/model/model_index.json" ]; then
  "$darkroom" train "$folder/shapes" --classes folders --preset tiny-32 --resolution 16 --prediction v_prediction --steps 4000 \
    --learning-rate 2e-3 --ema 0.995 --preview-every 0 --output "$folder/model"
fi
if [ ! -e "$folder/control/config.json" ]; then
  time "$darkroom" train controlnet "$folder/model" "$folder/shapes" --classes folders --conditions "$folder/outlines" \
    --steps 6000 --learning-rate 2e-3 --warmup 100 --ema 0.999 --label-dropout 0.25 --preview-every 0 --output "$folder/control"
fi

# One outline a picture, each with its class and a seed of its own, the same with control and without.
rm -rf "$folder/with" "$folder/without"
mkdir "$folder/with" "$folder/without"
seed=0
for outline in "$folder"/held-out-outlines/*/*.png; do
  class=$(basename "$(dirname "$outline")")
  name=$class-$(basename "$outline")
  by=(--class "$class" --guidance-scale 2 --sampler ddim --steps 25 --seed "$seed" --quiet)
  "$darkroom" sample "$folder/model" "${by[@]}" --controlnet "$folder/control" --control-image "$outline" --output "$folder/with/$name"
  "$darkroom" sample "$folder/model" "${by[@]}" --output "$folder/without/$name"
  seed=$((seed + 1))
done

# Two of each class to look at.
shown=()
for place in held-out-outlines/CLASS/ with/CLASS- without/CLASS-; do
  for class in circle cross diamond heart ring square star triangle; do
    for number in 0002 0013; do shown+=("$folder/${place/CLASS/$class}$number.png"); done
  done
done
"$darkroom" grid "${shown[@]}" --columns 16 --zoom 3 --row-label outline --row-label control --row-label none \
  --output "$folder/outlines.png"
"$python" scripts/outline-iou.py "$folder/held-out-outlines" "$folder/with" "$folder/without"
