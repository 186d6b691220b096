#!/usr/bin/env bash
# Writes the man pages of darkroom and its commands to .build/manual; man -l .build/manual/darkroom.1 shows one.
set -euo pipefail
cd "$(dirname "$0")/.."
swift package -c release generate-manual --multi-page
mkdir -p .build/manual
cp .build/plugins/GenerateManual/outputs/darkroom/*.1 .build/manual/
ls .build/manual
