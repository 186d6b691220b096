#!/usr/bin/env bash
# How often a model of captioned shapes draws what it is told: 200 prompts, judged by classifiers that learned from real renders,
# one of shapes, one of their colours and one of backgrounds. bash scripts/check-shapes.sh MODEL [GUIDANCE [FOLDER]]
set -euo pipefail
cd "$(dirname "$0")/.."
darkroom=$PWD/.build/release/darkroom
model=${1:?name the folder of a model}
guidance=${2:-4}
folder=${3:-.build/check-shapes}
mkdir -p "$folder"

# Renders that the model has not learned from. A caption is "a red star on a blue background".
if [ ! -e "$folder/ground/config.json" ]; then
  rm -rf "$folder/renders" "$folder"/by-*
  "$darkroom" data draw-shapes "$folder/renders" --count 4096 --seed 555
  tr -d '",}' <"$folder/renders/metadata.jsonl" | while read -r _ file _ _ colour shape _ _ ground _; do
    for place in "shape/$shape" "colour/$colour" "ground/$ground"; do
      mkdir -p "$folder/by-$place"
      ln -sf "$PWD/$folder/renders/$file" "$folder/by-$place/${file/\//-}"
    done
  done
  for kind in shape colour ground; do
    "$darkroom" train classifier "$folder/by-$kind" --classes folders --resolution 32 --clean --steps 500 --preview-every 0 \
      --output "$folder/$kind"
  done
fi

# Prompts in the colours and pairs that there are, shapes taking turns.
[ -e "$folder/wanted" ] || "$darkroom" data draw-shapes "$folder/wanted" --count 200 --seed 99
tr -d '{}"' <"$folder/wanted/metadata.jsonl" | sed 's/.*text: //' >"$folder/prompts.txt"
rm -rf "$folder/drawn" && mkdir "$folder/drawn"
"$darkroom" sample "$model" --prompts-file "$folder/prompts.txt" --guidance-scale "$guidance" --steps 50 --seed 1 \
  --separate --output "$folder/drawn/p.png"
for kind in shape colour ground; do
  "$darkroom" evaluate classify "$folder/$kind" "$folder"/drawn/*.png | grep '\.png' | cut -f2 >"$folder/$kind.txt"
done
paste -d ' ' "$folder/prompts.txt" "$folder"/{shape,colour,ground}.txt | awk '
  { shape += $3 == $8; colour += $2 == $9; ground += $6 == $10; both += $3 == $8 && $2 == $9
    all += $3 == $8 && $2 == $9 && $6 == $10 }
  END { n = NR / 100
    printf "%d prompts: shape %.1f %%, colour %.1f %%, background %.1f %%; shape and colour %.1f %%, all three %.1f %%\n",
      NR, shape / n, colour / n, ground / n, both / n, all / n }'
