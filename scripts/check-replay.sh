#!/usr/bin/env bash
# Makes pictures with every command and option that decides one, by every sampler, from the tiny models of Tests/Fixtures and some
# trained on the way, has `darkroom replay` make each again from its recipe, and says how many come out identical: all must.
#
#   bash scripts/check-replay.sh [program]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=$(realpath "${1:-.build/release/darkroom}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/made" "$out/models"
models=$PWD/Tests/Fixtures/pipelines
sd=$PWD/Tests/Fixtures/stable-diffusion/sd
sdxl=$PWD/Tests/Fixtures/stable-diffusion/sdxl
edits=$PWD/Tests/Fixtures/edits
pictures=$PWD/Tests/Fixtures/pictures
controls=$PWD/Tests/Fixtures/controlled
made=0

# A command without its --output; what it writes is called by a number of its own. A first word such as .jpg is another kind.
make() {
  local kind=.png
  case $1 in .*) kind=$1 && shift ;; esac
  "$darkroom" "$@" --quiet --output "$out/made/$(printf %03d "$made")$kind"
  made=$((made + 1))
}

train() { "$darkroom" train "$@" --steps 3 --batch-size 4 --threads 1 --preview-every 0 --quiet; }

samplers=(
  ddpm ddim pndm plms euler euler-a heun lms dpm2 dpm2-a dpmpp-2m dpmpp-3m dpmpp-3m-taylor dpmpp-2m-sde dpmpp-2m-karras
  dpmpp-2s dpmpp-3s unipc deis lcm tcd
)
told=(--prompt "a (red:1.2) star" --negative-prompt circle --steps 4)
steered=(--controlnet "$controls/first" --control-image "$controls/first.png")

# Every sampler in pixels, in latents and by a transformer, on a picture of a picture, and in a hole of a picture.
for i in "${!samplers[@]}"; do
  by=(--sampler "${samplers[$i]}" --steps 6 --seed "$i")
  make sample "$models/ddim" "${by[@]}"
  make sample "$models/ldm" "${by[@]}"
  make sample "$models/dit" "${by[@]}" --class "$((i * 40))" --guidance-scale 3
  make img2img "$models/ldm" "$edits/picture-16.png" "${by[@]}" --strength 0.6
  make inpaint "$models/ddim" "$edits/picture-8.png" --mask "$edits/mask-8.png" "${by[@]}"
done

# Guidance in its forms, both generators and precisions, sizes, batches, grids and JPEGs.
dit=("$models/dit" --steps 3 --guidance-scale 4)
make sample "${dit[@]}" --class 3 --class 207 --count 4 --separate
make sample "${dit[@]}" --class 3 --negative-class 5 --count 4 --separate --first-index 9
make sample "${dit[@]}" --class 3 --negative-class 5 --negative-scale 2 --perpendicular-negative
make sample "${dit[@]}" --class 3 --guidance-rescale 0.7 --guidance-start 0.2 --guidance-end 0.8
make sample "${dit[@]}" --class 3 --precision bf16
make sample "$models/ddim" --steps 3 --guidance-scale 2 --autoguidance "$models/ddim"
make sample "$models/ddim" --sampler ddim --eta 1 --steps 4 --seed random
make sample "$models/ddim" --timesteps 900,500,100 --sampler ddpm
make sample "$models/ddim" --sigmas 9,3,0.5 --sampler euler
make sample "$models/ldm" --steps 3 --size 24x32 --count 3 --columns 2 --padding 5
make sample "$models/ldm" --steps 3 --count 6 --separate --batch-size 4 --rng torch
make .jpg sample "$models/ldm" --steps 3 --count 5
make .jpg sample "$models/ldm" --steps 3 --count 3 --separate
make img2img "$models/dit" "$edits/picture-16.png" --class 3 --guidance-scale 2 --steps 3 --count 5 --separate
make img2img "$models/ldm" "$pictures/rgba8.png" --fit pad --steps 3 --count 5 --separate --rng torch
make img2img "$models/ddim" "$edits/picture-8.png" --steps 3 --precision bf16
make inpaint "$models/ldm" "$pictures/palette4.png" --mask-box 3,3,9,9 --steps 3 --count 4
make inpaint "$models/ldm" "$pictures/rgb16.png" --mask-box 3,3,9,9 --crop-to-mask --steps 3 --count 4
make .jpg inpaint "$models/ldm" "$edits/picture-16.png" --mask "$edits/mask-16.png" --paste off --steps 3

# Texts, and ControlNets in every command.
make sample "$sd" "${told[@]}" --count 4 --separate --batch-size 3
make sample "$sd" --prompt "a [red:blue:0.5] star AND a circle" --steps 4 --guidance-rescale 0.5
make sample "$sdxl" "${told[@]}" --count 2
make sample "$sd" "${told[@]}" "${steered[@]}" --control-scale 0.7 --count 3 --separate
make sample "$sd" "${told[@]}" "${steered[@]}" --controlnet "$controls/second" --control-image "$controls/second.png" \
  --control-start 0 --control-start 0.25 --control-end 0.5 --control-end 1
make img2img "$sd" "$edits/picture-16.png" "${told[@]}" "${steered[@]}" --count 3 --separate
make inpaint "$sd" "$edits/picture-16.png" --mask "$edits/mask-16.png" "${told[@]}" "${steered[@]}" --guess-mode --count 3
make interpolate "$sd" --from star --to "blue circle" --frames 4 --steps 3 "${steered[@]}"
make compare "$sd" "${told[@]:0:4}" "${steered[@]}" --samplers ddim,dpmpp-2m --steps 2,3

# Comparisons.
for seed in 1 2 3; do make compare "$models/ddim" --samplers ddim,euler,unipc --steps 2,4 --seed "$seed"; done
make compare "$models/dit" --class 3 --guidance-scale 2 --samplers ddim,heun --steps 2,3

# Every way to paint a hole.
for fill in original blur noise nothing; do
  for strength in 0.5 1; do
    for method in blend repaint; do
      hole=(inpaint "$models/ldm" "$edits/picture-16.png" --steps 4 --fill "$fill" --strength "$strength" --method "$method")
      make "${hole[@]}" --mask "$edits/mask-16.png" --feather 1
      make "${hole[@]}" --expand 4,0,4,8 --seed 3
    done
  done
done

# Near others, between others, and from noise that was found.
by=(--steps 4 --seed 5)
"$darkroom" sample "$models/dit" "${by[@]}" --class 3 --output "$out/models/one.png" --quiet
"$darkroom" img2img "$models/ldm" "$edits/picture-16.png" "${by[@]}" --output "$out/models/two.png" --quiet
"$darkroom" sample "$sd" "${told[@]}" "${steered[@]}" --output "$out/models/three.png" --quiet
for source in one two three; do
  make variations "$out/models/$source.png" --count 3
  make variations "$out/models/$source.png" --count 2 --separate --variation-strength 0.6
done
make sample "$models/ldm" "${by[@]}" --variation-seed 9 --variation-strength 0.2
make interpolate "$models/ddim" --seeds 1,2,3 --frames 5 --steps 3
make interpolate "$models/ddim" --seeds 1,2 --frames 4 --steps 3 --separate
make interpolate "$models/dit" --from 3 --to 207 --frames 4 --steps 3 --guidance-scale 2 --animate
make interpolate "$models/ldm" --seeds 4,5 --frames 3 --steps 3 --columns 1
"$darkroom" invert "$models/ldm" "$edits/picture-16.png" --steps 4 --output "$out/models/noise.safetensors" --quiet \
  >"$out/said"
make sample "$models/ldm" --latents "$out/models/noise.safetensors" --sampler ddim --steps 4
make img2img "$models/ldm" "$edits/picture-16.png" --latents "$out/models/noise.safetensors" --steps 4

# The way there, each way a picture too, and a second pass.
way() { echo "$out/made/$(printf %03d "$made")-way.png"; }
make sample "$models/ddim" "${by[@]}" --count 2 --columns 1 --save-steps "$(way)"
make sample "$models/dit" "${by[@]}" --class 5 --save-steps "$(way)" --steps-show noisy --steps-animate
make img2img "$models/ldm" "$edits/picture-16.png" "${by[@]}" --save-steps "$(way)"
make inpaint "$models/ldm" "$edits/picture-16.png" --mask "$edits/mask-16.png" "${by[@]}" --save-steps "$(way)"
make sample "$models/ddim" "${by[@]}" --upscale 2 --sampler euler-a --count 2
make sample "$models/ldm" "${by[@]}" --upscale 1.5 --upscale-mode pixels --upscale-strength 0.6 --count 2 --separate
make sample "$sd" "${told[@]}" "${steered[@]}" --upscale 2

# Models that this program trained: led by a classifier, told captions, steered by a ControlNet.
"$darkroom" data draw-shapes "$out/models/shapes" --count 24 --size 16 --outlines "$out/models/outlines" 2>"$out/said"
tiny='"sample_size": 16, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4'
echo "{$tiny, \"add_attention\": false, \"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\"],
  \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\"]}" >"$out/models/plain.json"
echo "{\"_class_name\": \"UNet2DConditionModel\", $tiny, \"in_channels\": 3, \"out_channels\": 3, \"cross_attention_dim\": 16,
  \"attention_head_dim\": 2, \"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],
  \"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"]}" >"$out/models/told.json"
cd "$out/models"
train shapes --config plain.json --resolution 16 --output plain
train classifier shapes --classes folders --config plain.json --resolution 16 --output guide
train shapes --config told.json --captions metadata --resolution 16 --output told
for model in plain told; do
  train controlnet "$model" shapes --conditions outlines --learning-rate 1e-2 --output "$model-outlines"
done
led=(--classifier guide --classifier-scale 2 --class star --steps 4)
make sample plain "${led[@]}" --count 3 --separate
make img2img plain shapes/star/0000.png "${led[@]}" --sampler ddim
make inpaint plain shapes/star/0000.png --mask-box 3,3,8,8 "${led[@]}"
make compare plain --classifier guide --class star --samplers ddpm,ddim --steps 2,3
make interpolate plain --seeds 1,2 --frames 3 "${led[@]}"
outline=(--steps 4 --control-image outlines/star/0001.png --controlnet)
make sample plain "${outline[@]}" plain-outlines --count 2 --separate
make inpaint plain shapes/star/0001.png --mask-box 3,3,8,8 "${outline[@]}" plain-outlines
make sample told --prompt "a red star on a blue background" "${outline[@]}" told-outlines --guidance-scale 3
make img2img told shapes/star/0001.png --prompt "a red star" "${outline[@]}" told-outlines
make sample told --prompt "a red star" --negative-prompt "a blue star" --steps 4 --count 3

identical=0 pictures=0
for picture in "$out"/made/*; do
  pictures=$((pictures + 1))
  if "$darkroom" replay "$picture" >"$out/said" 2>&1; then identical=$((identical + 1)); else cat "$out/said" >&2; fi
done
echo "$identical of $pictures identical"
[ "$identical" -eq "$pictures" ] && [ "$pictures" -ge 200 ]
