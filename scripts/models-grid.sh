#!/usr/bin/env bash
# The README's first picture: what the kept models draw, a row a prompt and what it is led away from, a column a guidance scale.
# bash scripts/models-grid.sh [OUTPUT]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=${DARKROOM:-$PWD/.build/release/darkroom}
output=${1:-samples/models.png}
scales=(1 2 4 7.5)
# model; prompt; negative prompt
rows=(
  "shapes;a red star on a blue background;"
  "shapes;a green heart on a white background;"
  "shapes;a yellow [star|circle] on a purple background;"
  "shapes;a yellow [star|circle] on a purple background;a yellow star on a purple background"
  "emoji;grinning cat with smiling eyes;"
  "emoji;red heart;"
  "emoji;[red heart|green heart];"
  "emoji;[red heart|green heart];green heart"
)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cells=() labels=()
for row in "${!rows[@]}"; do
  IFS=';' read -r model prompt negative <<<"${rows[row]}"
  [ -d "samples/models/$model" ] || continue
  for scale in "${scales[@]}"; do
    cell=$folder/$row-$scale.png
    against=()
    if [ -n "$negative" ] && [ "$scale" != 1 ]; then against=(--negative-prompt "$negative"); fi
    "$darkroom" sample "samples/models/$model" --prompt "$prompt" "${against[@]}" --guidance-scale "$scale" --count 3 --columns 3 \
      --seed 5 --quiet --output "$cell"
    cells+=("$cell")
  done
  # "a [star|circle]", which alternates between both step by step, is lettered "a star or circle".
  label=${prompt//[\[\]]/}
  if [ -n "$negative" ]; then labels+=(--row-label "not $negative"); else labels+=(--row-label "${label//|/ or }"); fi
done
columns=()
for scale in "${scales[@]}"; do columns+=(--column-label "guidance $scale"); done
"$darkroom" grid "${cells[@]}" "${columns[@]}" "${labels[@]}" --zoom 2 --padding 4 --output "$output"
