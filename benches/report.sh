#!/usr/bin/env bash
# Writes docs/performance.md: runs every benchmark and takes down what it prints, with the machine and how it was measured.
#   ZABLAB_PEERS=FOLDER benches/report.sh
# Without the other simulators (see benches/compare.sh) zablab stands alone in the comparison.
set -euo pipefail
cd "$(dirname "$0")/.."
page=docs/performance.md
new=$(mktemp)

figures() { # the output of a command, as it is
  echo '```text'
  "$@"
  echo '```'
  echo
}
bench() { figures cargo bench --quiet --profile release --bench "$@"; }
load() { cut -d' ' -f1 /proc/loadavg; }

cargo bench --quiet --profile release --no-run 2>/dev/null
began=$(load)
{
  cat <<'INTRO'
# Performance

What zablab costs, measured. This page is written by `benches/report.sh`: nothing in it was typed by hand but the words.

How: every figure is CPU time of the measured process (or a count of instructions), so that a busy machine does not spoil it; where wall
time is told it says so. Programs are built as released (thin LTO, one codegen unit). The digest of every event is on, as always: the
simulator has no way to go without. Single figures vary by some percent from run to run; ratios between simulators are medians of
interleaved rounds.

INTRO
  echo "## The machine"
  echo
  echo "| | |"
  echo "|---|---|"
  echo "| processor | $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p), $(nproc) cores |"
  echo "| system | $(uname -sr) |"
  echo "| compiler | $(rustc --version) |"
  echo "| C library | $(ldd --version 2>&1 | sed -n 1p) |"
  echo "| zablab | version $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | sed -n 1p), release binary of $(cargo build --quiet --release && stat -c %s "${CARGO_TARGET_DIR:-$PWD/target}/release/zablab") bytes |"
  cat <<'COMPARE'

## Beside other simulators

The same two works on each. W1: every node has four pings in flight to random others, which answer; counted are messages. W2: a register on five
servers that commits at three, ten clients in a closed loop, 200 ms of a partition every second; counted are commits. `floor` is a bare
hand-written event loop without digest, faults or processes: what the machine allows. The others run general asynchronous code or
processes with texts as messages; that generality is in their figures, and bugs found are not. `zablab-recorded` keeps every input and effect in memory.
Instructions lie between two sizes, so that starting up cancels out. `benches/compare.sh`

COMPARE
  figures benches/compare.sh --rounds "${ROUNDS:-5}"
  cat <<'KERNEL'
## The simulator alone

`cargo bench --bench kernel`

KERNEL
  bench kernel
  cat <<'ENSEMBLE'
## Ensembles

`benches/load.json`: ten clients with up to eight requests under way each, mixed operations and watches, mild network. The swarm has faults of
every family. `cargo bench --bench ensemble`

ENSEMBLE
  bench ensemble
  cat <<'CHECKERS'
## Checkers

`cargo bench --bench checkers`; the claims on recorded histories, and the histories that other projects recorded: `cargo bench --bench histories`

CHECKERS
  bench checkers
  bench histories
  cat <<'TREE'
## The data tree

`cargo bench --bench tree`

TREE
  bench tree
  cat <<'PAGES'
## Reports and shrinking

`cargo bench --bench pages`

PAGES
  bench pages
  cat <<'PROGRAMS'
## The whole program

`benches/programs.sh`; seeds a minute are by the wall.

PROGRAMS
  figures benches/programs.sh "${SEEDS:-1000}"
  cat <<'GUARD'
## The guard

Continuous integration counts instructions and fails when a work takes over 3 % more of them than the committed file says. Counted is a build without
optimisation across crates, which takes minutes: these figures are higher than those above. `benches/guard.sh`

GUARD
  figures sh -c 'benches/guard.sh || true'
  echo "The machine's load was $began when this began and $(load) when it ended."
} >"$new"
mv "$new" "$page"
chmod 644 "$page"
