#!/usr/bin/env bash
# Runs libFuzzer, which comes with Swift's clang, over the readers of PNG, JPEG, safetensors, JSON and text (prompts and
# tokenizers), one after another:
#
#     bash scripts/fuzz.sh [seconds a reader, 600] [readers, "png jpeg safetensors json text"]
#
# It starts from Tests/Fuzz/corpus, collects what reaches further in .build-fuzz/corpus, and ends with an error where a
# reader crashed, hung or took more than 2 GB; the input then lies in .build-fuzz. KEEP=1 adds the fewest files of at most
# 200 bytes that reach further to the committed corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install.sh

seconds=${1:-600}
readers=${2:-png jpeg safetensors json text}
export DARKROOM_FUZZ=1  # adds the product Fuzz to Package.swift
flags=(-c release --sanitize fuzzer --scratch-path .build-fuzz)
nice swift build "${flags[@]}" --product Fuzz
program=$(swift build "${flags[@]}" --show-bin-path)/Fuzz

for reader in $readers; do
  export DARKROOM_FUZZ_TARGET=$reader
  seeds=Tests/Fuzz/corpus/$reader
  work=.build-fuzz/corpus/$reader
  mkdir -p "$work"
  echo "== $reader, $seconds s"
  nice "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix=".build-fuzz/$reader-" "$work" "$seeds" 2> >(grep -vE '^#[0-9]+\s+(NEW|REDUCE)' >&2)
  if [ -n "${KEEP:-}" ]; then "$program" -set_cover_merge=1 -max_len=200 "$seeds" "$work" 2>/dev/null; fi
done
