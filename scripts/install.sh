#!/usr/bin/env bash
# Installs the system libraries that Darkroom is built on, where they are missing. Sourced by demo.sh and test.sh.
set -euo pipefail

if ! command -v swift >/dev/null; then
  echo "Swift is missing: install Swift 6.3 from https://www.swift.org/install/linux/ and run this again." >&2
  exit 1
fi
missing=()
for package in libpng-dev libjpeg-dev; do
  # libjpeg-dev may be provided by libjpeg62-turbo-dev under its own name.
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}"
  sudo=
  if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq "${missing[@]}"
fi
