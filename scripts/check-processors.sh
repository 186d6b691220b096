#!/usr/bin/env bash
# Whether the kernels give the same bits on all processors of this machine, and, compiled for aarch64 and run by qemu, on
# NEON. Needs clang; for aarch64 lld and Debian's libc6-dev-arm64-cross, libgcc-12-dev-arm64-cross and qemu-user-static.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mapfile -t sources < <(find Sources/CKernels -name '*.c')
flags=(-O2 -ISources/CKernels/include -ISources/CKernels)

clang "${flags[@]}" Tests/Processors/same_bits.c "${sources[@]}" -lm -lpthread -o "$out/native"
"$out/native" | tee "$out/bits"

cross=/usr/aarch64-linux-gnu
gcc=$(ls -d /usr/lib/gcc-cross/aarch64-linux-gnu/* 2>/dev/null | tail -1 || true)
if [ -d "$cross/include" ] && [ -n "$gcc" ] && command -v qemu-aarch64-static >/dev/null; then
  arm=(clang --target=aarch64-linux-gnu --sysroot=/ -isystem "$cross/include" "${flags[@]}")
  for source in Tests/Processors/same_bits.c "${sources[@]}"; do
    "${arm[@]}" -c "$source" -o "$out/$(basename "$source" .c).o"
  done
  "${arm[@]}" -fuse-ld=lld -static -nostdlib -L"$gcc" -L"$cross/lib" "$cross/lib/crt1.o" "$cross/lib/crti.o" "$out"/*.o \
    -lm -lpthread -Wl,--start-group -lgcc -lgcc_eh -lc -Wl,--end-group "$cross/lib/crtn.o" -o "$out/arm"
  qemu-aarch64-static "$out/arm" | sed 's/^/aarch64 /' | tee -a "$out/bits"
else
  echo "no aarch64: its C library, libgcc or qemu-user-static is missing" >&2
fi

if [ "$(sed -E 's/^(aarch64 )?[a-z0-9]+ //' "$out/bits" | sort -u | wc -l)" -ne 1 ]; then
  echo "the processors differ" >&2
  exit 1
fi
echo "all alike"
