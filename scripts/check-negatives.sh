#!/usr/bin/env bash
# Whether negative prompts remove what they name: a model of captioned shapes is asked for one of two, its prompt alternating between
# them step by step, and led away from the first; the classifiers of check-shapes.sh (run that first) count how many pictures still
# are of it. bash scripts/check-negatives.sh MODEL [PICTURES [FOLDER]]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=${DARKROOM:-$PWD/.build/release/darkroom}
model=${1:?name the folder of a model}
count=${2:-16}
folder=${3:-.build/check-shapes}
drawn=$folder/negatives

share() { # kind, whether there is a negative prompt, option …
  local kind=$1 isLed=$2 of=0 named=0 pair found
  shift 2
  for pair in $([ "$kind" = shape ] && echo star/circle heart/square ring/triangle cross/diamond || echo red/blue blue/white white/black black/red); do
    local both="[${pair%/*}|${pair#*/}]" one=${pair%/*} prompt negative
    if [ "$kind" = shape ]; then
      prompt="a yellow $both on a purple background" negative="a yellow $one on a purple background"
    else
      prompt="a green ring on a $both background" negative="a green ring on a $one background"
    fi
    rm -rf "$drawn" && mkdir -p "$drawn"
    local against=()
    if [ "$isLed" = yes ]; then against=(--negative-prompt "$negative"); fi
    "$darkroom" sample "$model" --prompt "$prompt" "${against[@]}" --count "$count" --seed 3 --steps 25 --separate --quiet \
      --output "$drawn/p.png" "$@"
    found=$("$darkroom" evaluate classify "$folder/$kind" "$drawn"/*.png | grep '\.png' | cut -f2 | grep -c "^$one$" || true)
    of=$((of + count)) named=$((named + found))
  done
  awk -v kind="$kind" -v led="$isLed" -v what="$*" -v named=$named -v of=$of \
    'BEGIN { printf "%s, negative prompt: %s, %s: %.0f %% of %d\n", kind, led, what, 100 * named / of, of }'
}

for kind in shape ground; do
  for scale in 2 4; do
    share $kind no --guidance-scale $scale
    share $kind yes --guidance-scale $scale
  done
  for strength in 0.5 1; do share $kind yes --guidance-scale 4 --negative-scale $strength; done
done
