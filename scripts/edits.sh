#!/usr/bin/env bash
# Draws samples/edits.png: pictures of samples/shapes inpainted, outpainted and painted over by samples/models/shapes.
#
#   bash scripts/edits.sh [FILE]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=.build/release/darkroom
output=${1:-samples/edits.png}
model=samples/models/shapes
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

cells=()
seed=0
# A picture, the bright shape that is its mask, what it shows, and what is to be made of it.
while IFS='|' read -r picture mask shown other; do
  picture=samples/shapes/$picture.png
  by=(--guidance-scale 4 --steps 50 --seed "$seed" --quiet --output)
  "$darkroom" control mask "samples/shapes/$mask.png" --grow -1 --output "$made/$seed-mask.png"
  cells+=("$picture" "$made/$seed-mask.png")
  for method in blend repaint; do
    "$darkroom" inpaint $model "$picture" --mask "$made/$seed-mask.png" --method $method --prompt "$shown" "${by[@]}" \
      "$made/$seed-$method.png"
    cells+=("$made/$seed-$method.png")
  done
  "$darkroom" inpaint $model "$picture" --expand 8,0,8,0 --method repaint --prompt "$shown" "${by[@]}" "$made/$seed-wider.png"
  cells+=("$made/$seed-wider.png")
  for strength in 0.3 0.5 0.7 0.9; do
    "$darkroom" img2img $model "$picture" --strength $strength --prompt "$other" "${by[@]}" "$made/$seed-$strength.png"
    cells+=("$made/$seed-$strength.png")
  done
  seed=$((seed + 1))
done <<'ROWS'
star/0003|circle/0048|a blue star on a black background|a blue heart on a black background
heart/0007|diamond/0021|a green heart on an orange background|a blue circle on an orange background
ring/0005|square/0067|an orange ring on a purple background|a white star on a purple background
square/0004|triangle/0007|a yellow square on a purple background|a green triangle on a white background
ROWS
labels=()
for label in picture mask blend repaint outpainted 0.3 0.5 0.7 0.9; do labels+=(--column-label "$label"); done
"$darkroom" grid "${cells[@]}" --columns 9 --zoom 3 "${labels[@]}" --output "$output"
