#!/usr/bin/env bash
# What the released program costs as a whole: its size, starting up, sweeps of 60-second swarm seeds by jobs, memory over many seeds.
#   benches/programs.sh [SEEDS]      the most seeds of a sweep, default 1000; performance goals speak of 10000
# CPU time is user plus system of the processes; seeds a minute are by the wall and mean little on a busy machine: what several
# processors can play is told by seeds a CPU minute.
set -euo pipefail
cd "$(dirname "$0")/.."
most=${1:-1000}
cargo build --quiet --release
zablab=${CARGO_TARGET_DIR:-$PWD/target}/release/zablab
TIMEFORMAT='%U %S %R'

# Milliseconds of CPU time a call, of the best of five rounds of a hundred.
start_up() {
  for _ in 1 2 3 4 5; do
    { time for _ in $(seq 100); do "$@" >/dev/null; done; } 2>&1 | awk '{ printf "%.2f\n", ($1 + $2) * 10 }'
  done | sort -n | head -1
}

echo "program              bytes   CPU ms/start"
printf '%-16s %9s %14s\n' "true" - "$(start_up "$(type -P true)")"
printf '%-16s %9s %14s\n' "zablab --help" "$(stat -c %s "$zablab")" "$(start_up "$zablab" --help)"
if command -v hyperfine >/dev/null; then
  printf '%-16s %9s %14s   (%s)\n' "hyperfine --help" "$(stat -Lc %s "$(command -v hyperfine)")" "$(start_up hyperfine --help)" "$(hyperfine --version)"
fi

# A sweep in the background, whose largest memory is looked up until it ends: JOBS SEEDS; CPU s, wall s and KiB.
sweep() {
  local largest=0 now pid told
  told=$(mktemp)
  {
    time {
      "$zablab" sweep scenarios/swarm.json --set limits.virtual_ms=60000 --seeds "0..$2" --jobs "$1" >/dev/null &
      pid=$!
      while now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        largest=$now
        sleep 0.1
      done
      wait "$pid"
    }
  } 2>"$told"
  awk -v kib="$largest" '{ printf "%.2f %.2f %d\n", $1 + $2, $3, kib }' "$told"
  rm "$told"
}

echo
echo "sweep: jobs    seeds   CPU ms/seed   seeds/CPU minute   seeds/minute   largest memory, KiB"
row() {
  local cpu wall kib
  read -r cpu wall kib <<<"$(sweep "$1" "$2")"
  awk -v jobs="$1" -v seeds="$2" -v cpu="$cpu" -v wall="$wall" -v kib="$kib" \
    'BEGIN { printf "%11d %8d %13.1f %18d %14d %21d\n", jobs, seeds, cpu * 1000 / seeds, seeds * 60 / cpu, seeds * 60 / wall, kib }'
}
row 1 100
row 2 100
for seeds in 200 1000 2000 10000; do
  [ "$seeds" -gt "$most" ] || row 2 "$seeds"
done
