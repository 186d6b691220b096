#!/usr/bin/env bash
# A data set of a real subject: installs Debian's Noto Color Emoji and what reads it, and writes its bitmaps with their Unicode
# names as captions. bash scripts/emoji.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-emoji}
[ ! -e "$folder" ] || { echo "$folder is there already: name another folder (bash scripts/emoji.sh FOLDER)" >&2; exit 1; }
missing=()
for package in fonts-noto-color-emoji python3-fonttools unicode-data; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}"
  sudo=
  if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
/usr/bin/python3 scripts/emoji.py /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf /usr/share/unicode/emoji/emoji-test.txt "$folder"
