#!/usr/bin/env bash
# Shows that memory stays flat over long runs, on 2,000 pictures of 32×32: so many updates of training, and 2,000 pictures
# sampled, a file each. Prints resident memory in MiB after 30 s and at the end, and the most of it in between:
#
#     bash scripts/memory.sh [updates, 3000] [folder for what is written, a temporary one]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install.sh

updates=${1:-3000}
work=${2:-$(mktemp -d)}
swift build -c release --product darkroom
program=$PWD/.build/release/darkroom

# Runs a command and watches it.
watch() {
  local name=$1 first="" last=0 most=0 now
  shift
  "$@" &
  local seconds=0
  while sleep 1 && now=$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$!/status" 2>/dev/null) && [ -n "$now" ]; do
    seconds=$((seconds + 1)) last=$now
    if [ $seconds -eq 30 ]; then first=$now; fi
    if [ $seconds -ge 30 ] && [ "$now" -gt $most ]; then most=$now; fi
  done
  wait $!
  echo "$name, $seconds s: ${first:-–} MiB after 30 s, $last MiB at the end, $most MiB at most"
}

"$program" data draw-shapes "$work/shapes" --count 2000
watch "$updates updates of 16 pictures" "$program" train "$work/shapes" --classes folders --resolution 32 --steps "$updates" \
  --quiet --output "$work/run"
watch "2,000 pictures" "$program" sample "$work/run" --count 2000 --sampler ddim --steps 20 --separate --quiet \
  --output "$work/run/sampled.png"
