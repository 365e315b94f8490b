#!/usr/bin/env bash
# Counts instructions under callgrind and holds them against benches/instructions/<architecture>.json: fails when a work takes over
# 3 % more of them, says so when it takes over 3 % fewer. What is counted lies between two sizes of a work, so starting up cancels out.
#   benches/guard.sh            compare
#   benches/guard.sh --update   write the file anew
# No clock is read: a busy machine counts the same. Another compiler or C library may not; the file names those it was written with.
set -euo pipefail
cd "$(dirname "$0")/.."
file=benches/instructions/$(uname -m).json
limit=30 # in thousandths
if ! command -v valgrind >/dev/null; then
  echo "instructions are not counted: valgrind is not installed" >&2
  exit 0
fi

# The release profile without what takes minutes; .ci/run has compiled it so.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
counted=$(cargo build --quiet --release --bench counted --message-format=json | sed -n 's/.*"name":"counted".*"executable":"\([^"]*\)".*/\1/p')
compiler=$(rustc --version)
library=$(ldd --version 2>&1 | sed -n 1p)

# Instructions of one run, then how much was done. Processors differ in which of the C library's copying loops they take.
run() {
  local told
  told=$(mktemp)
  done=$(GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load \
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$counted" "$1" "$2" 2>"$told")
  echo "$(sed -n 's/.*Collected : *\([0-9]*\).*/\1/p' "$told") $done"
  rm "$told"
}

# Instructions for one more of what a work does.
marginal() { # WORK SMALL LARGE
  local few many done_few done_many
  read -r few done_few <<<"$(run "$1" "$2")"
  read -r many done_many <<<"$(run "$1" "$3")"
  echo $(((many - few) / (done_many - done_few)))
}

works=(
  "kernel-w1 message 20000 60000"
  "kernel-w2 commit 2000 6000"
  "ensemble event 500 1500"
  "checker operation 10000 20000"
)
before() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$file" 2>/dev/null || true; }

status=0 written="{"$'\n'"  \"compiler\": \"$compiler\","$'\n'"  \"library\": \"$library\""
for entry in "${works[@]}"; do
  read -r work unit small large <<<"$entry"
  now=$(marginal "$work" "$small" "$large")
  written+=","$'\n'"  \"$work\": $now"
  then=$(before "$work")
  if [ -z "$then" ]; then
    printf '%-12s %7d instructions per %s\n' "$work" "$now" "$unit"
    continue
  fi
  change=$(((now - then) * 1000 / then))
  percent=$([ "$change" -lt 0 ] && echo - || echo +)$((${change#-} / 10)).$((${change#-} % 10))
  printf '%-12s %7d instructions per %-10s %6s %% to %d' "$work" "$now" "$unit" "$percent" "$then"
  if [ "$change" -gt "$limit" ]; then
    echo ": slower"
    status=1
  elif [ "$change" -lt "-$limit" ]; then
    echo ": faster; benches/guard.sh --update keeps it"
  else
    echo
  fi
done

if [ "${1:-}" = --update ]; then
  echo "$written"$'\n'"}" >"$file"
elif [ "$status" = 1 ]; then
  if [ "$compiler" != "$(before compiler)" ] || [ "$library" != "$(before library)" ]; then
    echo "$file was written with $(before compiler) and $(before library), here are $compiler and $library: no failure"
    status=0
  else
    echo "more than 3 % slower than $file says; if that has to be, benches/guard.sh --update and say why in the commit"
  fi
elif ! [ -f "$file" ]; then
  echo "no figures are kept for this architecture: benches/guard.sh --update writes $file"
fi
exit "$status"
