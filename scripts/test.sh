#!/usr/bin/env bash
# Installs what is missing, builds, checks the format and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install.sh

swift format lint --strict --recursive Package.swift Sources Tests
# Release, because a debug build computes some 60 times slower.
swift build -c release --build-tests
swift test -c release --skip-build --disable-swift-testing
