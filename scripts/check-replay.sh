#!/usr/bin/env bash
# Makes 200 pictures with every command that samples, by every sampler, from the tiny models of Tests/Fixtures, has
# `darkroom replay` make each again from its recipe, and says how many come out identical.
#
#   bash scripts/check-replay.sh [program]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=$(realpath "${1:-.build/release/darkroom}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
models=$PWD/Tests/Fixtures/pipelines
sd=$PWD/Tests/Fixtures/stable-diffusion/sd
edits=$PWD/Tests/Fixtures/edits
controls=$PWD/Tests/Fixtures/controlled
made=0

# A command without its --output, and how many pictures it makes; more than one are files of their own.
make() {
  local count=$1
  shift
  "$darkroom" "$@" --quiet --output "$out/$(printf %03d "$made").png"
  made=$((made + count))
}

samplers=(
  ddpm ddim pndm plms euler euler-a heun lms dpm2 dpm2-a dpmpp-2m dpmpp-3m dpmpp-3m-taylor dpmpp-2m-sde dpmpp-2m-karras
  dpmpp-2s dpmpp-3s unipc deis lcm tcd
)
told=(--prompt "a (red:1.2) star" --negative-prompt circle --steps 4)
steered=(--controlnet "$controls/first" --control-image "$controls/first.png")

# 21 samplers in pixels, in latents and by a transformer, a picture of a picture each, and a hole of a picture: 105.
for i in "${!samplers[@]}"; do
  by=(--sampler "${samplers[$i]}" --steps 6 --seed "$i")
  make 1 sample "$models/ddim" "${by[@]}"
  make 1 sample "$models/ldm" "${by[@]}"
  make 1 sample "$models/dit" "${by[@]}" --class "$((i * 40))" --guidance-scale 3
  make 1 img2img "$models/ldm" "$edits/picture-16.png" "${by[@]}" --strength 0.6
  make 1 inpaint "$models/ddim" "$edits/picture-8.png" --mask "$edits/mask-8.png" "${by[@]}"
done

# Guidance in its forms, prompts, ControlNets, both generators, sizes and batches: 58.
dit=("$models/dit" --steps 3 --guidance-scale 4)
make 4 sample "${dit[@]}" --class 3 --class 207 --count 4 --separate
make 4 sample "${dit[@]}" --class 3 --negative-class 5 --count 4 --separate --first-index 9
make 1 sample "${dit[@]}" --class 3 --negative-class 5 --negative-scale 2 --perpendicular-negative
make 1 sample "${dit[@]}" --class 3 --guidance-rescale 0.7 --guidance-start 0.2 --guidance-end 0.8
make 1 sample "$models/ddim" --steps 3 --guidance-scale 2 --autoguidance "$models/ddim"
make 1 sample "$models/ddim" --sampler ddim --eta 1 --steps 4 --seed random
make 1 sample "$models/ddim" --timesteps 900,500,100 --sampler ddpm
make 1 sample "$models/ldm" --steps 3 --size 24x32 --count 3 --columns 2
make 6 sample "$models/ldm" --steps 3 --count 6 --separate --batch-size 4 --rng torch
make 6 sample "$sd" "${told[@]}" --count 6 --separate --batch-size 5
make 4 sample "$sd" "${told[@]}" "${steered[@]}" --control-scale 0.7 --count 4 --separate
make 4 img2img "$sd" "$edits/picture-16.png" "${told[@]}" "${steered[@]}" --count 4 --separate
make 4 inpaint "$sd" "$edits/picture-16.png" --mask "$edits/mask-16.png" "${told[@]}" "${steered[@]}" --guess-mode --count 4
make 5 img2img "$models/dit" "$edits/picture-16.png" --class 3 --guidance-scale 2 --steps 3 --count 5 --separate
make 5 img2img "$models/ldm" "$PWD/Tests/Fixtures/pictures/rgba8.png" --fit pad --steps 3 --count 5 --separate --rng torch
make 5 inpaint "$models/ldm" "$PWD/Tests/Fixtures/pictures/palette4.png" --mask-box 3,3,9,9 --steps 3 --count 5
make 5 inpaint "$models/ldm" "$PWD/Tests/Fixtures/pictures/rgb16.png" --mask-box 3,3,9,9 --crop-to-mask --steps 3 --count 5

# Every way to paint a hole: 32.
for fill in original blur noise nothing; do
  for strength in 0.5 1; do
    for method in blend repaint; do
      hole=(inpaint "$models/ldm" "$edits/picture-16.png" --steps 4 --fill "$fill" --strength "$strength" --method "$method")
      make 1 "${hole[@]}" --mask "$edits/mask-16.png" --feather 1
      make 1 "${hole[@]}" --expand 4,0,4,8 --seed 3
    done
  done
done

# Comparisons: 5.
for seed in 1 2 3; do make 1 compare "$models/ddim" --samplers ddim,euler,unipc --steps 2,4 --seed "$seed"; done
make 1 compare "$models/dit" --class 3 --guidance-scale 2 --samplers ddim,heun --steps 2,3
make 1 compare "$sd" "${told[@]:0:4}" "${steered[@]}" --samplers ddim,dpmpp-2m --steps 2,3

identical=0
for picture in "$out"/*.png; do
  if "$darkroom" replay "$picture" >"$out/said" 2>&1; then identical=$((identical + 1)); else cat "$out/said" >&2; fi
done
pictures=$(find "$out" -name '*.png' | wc -l)
echo "$identical of $pictures identical"
[ "$identical" -eq "$pictures" ] && [ "$pictures" -eq 200 ]
