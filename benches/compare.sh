#!/usr/bin/env bash
# zablab's kernel beside other simulators on the same two works, interleaved: ratios by CPU time (medians) and by instructions.
#   benches/compare.sh [--peers FOLDER] [--rounds N] [--lines FILE] [--no-instructions]
# FOLDER (or $ZABLAB_PEERS) is a Cargo workspace with the packages peer-floor, peer-madsim, peer-turmoil and peer-anysystem, whose
# programs take `w1 NODES MESSAGES SEED` and `w2 COMMITS SEED` and print a JSON line; $PEERS_TARGET is where they are built.
# --lines keeps every measurement as a JSON line (default: compare.jsonl in Cargo's target folder).
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${ZABLAB_PEERS:-} rounds=5 target=${CARGO_TARGET_DIR:-$PWD/target} counts=yes
lines=$target/compare.jsonl
while [ $# -gt 0 ]; do
  case "$1" in
  --peers) peers=$2 && shift 2 ;;
  --rounds) rounds=$2 && shift 2 ;;
  --lines) lines=$2 && shift 2 ;;
  --no-instructions) counts=no && shift ;;
  *) sed -n '2,6p' "$0" >&2 && exit 2 ;;
  esac
done
if [ "$counts" = yes ] && ! command -v valgrind >/dev/null; then
  echo "no instructions are counted: valgrind is not installed" >&2
  counts=no
fi

# ----- The programs.
kernel=$(cargo build --quiet --release --bench kernel --message-format=json | sed -n 's/.*"name":"kernel".*"executable":"\([^"]*\)".*/\1/p')
declare -A program=([zablab]="$kernel" [zablab-recorded]="$kernel")
names=(zablab zablab-recorded)
if [ -z "$peers" ] || ! [ -f "$peers/Cargo.toml" ]; then
  echo "zablab is measured alone: --peers or ZABLAB_PEERS names no folder with the other simulators" >&2
else
  built=${PEERS_TARGET:-$target/peers}
  for peer in floor madsim turmoil anysystem; do
    # One at a time: each gets the features it asks for and no other's. Their folder's own Cargo configuration holds.
    if (cd "$peers" && CARGO_TARGET_DIR=$built cargo build --quiet --locked --release -p "peer-$peer") &&
      "$built/release/peer-$peer" $([ $peer != floor ] || echo wheel chacha8) w1 3 10 1 >/dev/null 2>&1; then
      program[$peer]=$built/release/peer-$peer
      names+=("$peer")
    else
      echo "$peer is left out: it does not build or run here" >&2
    fi
  done
fi

# How a simulator is called: NAME WORK NODES SIZE.
command_of() {
  local size="$2 $3 $4"
  [ "$2" = w1 ] || size="w2 $4"
  case "$1" in
  zablab) echo "$kernel $size" ;;
  zablab-recorded) echo "$kernel $size recorded" ;;
  floor) echo "${program[floor]} wheel chacha8 $size 1" ;;
  *) echo "${program[$1]} $size 1" ;;
  esac
}

# The value of a numeric field of a JSON line.
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

# What a work counts.
unit() { [ "$1" = w1 ] && echo msgs || echo commits; }

# How much a simulator is given in a round: some tenths of a second to a few seconds.
size() {
  case "$1 $2 $3" in
  "turmoil w1 128") echo 40000 ;;
  zablab*" w1 "* | "floor w1 "*) echo 2000000 ;;
  *" w1 "*) echo 200000 ;;
  zablab*" w2 "* | "floor w2 "*) echo 200000 ;;
  *" w2 "*) echo 20000 ;;
  esac
}

works=("w1 3" "w1 16" "w1 128" "w2 15")
: >"$lines"
for round in $(seq "$rounds"); do
  for work in "${works[@]}"; do
    for name in "${names[@]}"; do
      # shellcheck disable=SC2086 # two words
      line=$($(command_of "$name" $work "$(size "$name" $work)"))
      echo "{\"round\":$round,\"name\":\"$name\",\"of\":\"$work\",\"per_cpu_s\":$(echo "$line" | field "$(unit "${work% *}")_per_s"),\"line\":$line}" >>"$lines"
    done
  done
done

median() { # NAME WORK
  grep "\"round\":[0-9]*,\"name\":\"$1\",\"of\":\"$2\"" "$lines" | field per_cpu_s | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

table() { # a title, then per work and simulator what the function prints, then how many times the first is better
  printf '%-28s' "$1"
  for work in "${works[@]}"; do printf '%22s' "${work/ 15/}"; done
  echo
  for name in "${names[@]}"; do
    printf '%-28s' "$name"
    for work in "${works[@]}"; do
      value=$("$2" "$name" "$work") first=$("$2" zablab "$work")
      [ -n "$value" ] && awk -v v="$value" -v f="$first" -v s="$3" 'BEGIN { r = s > 0 ? f / v : v / f; printf "%13d %7.2fx", v, r }' || printf '%22s' "-"
    done
    echo
  done
}

table "per CPU second, zablab is" median 1

# ----- Instructions.
[ "$counts" = yes ] || exit 0

# Instructions of one run and what was done in it.
counted() {
  local told line
  told=$(mktemp)
  # shellcheck disable=SC2046 # words of a command
  line=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null $(command_of "$@") 2>"$told")
  echo "$(sed -n 's/.*Collected : *\([0-9]*\).*/\1/p' "$told") $(echo "$line" | field "$(unit "$2")")"
  rm "$told"
}

# Two sizes, so that starting up cancels out; of w2 both are whole cycles of faults at that simulator's rate.
sizes() {
  case "$1 $2" in
  zablab*" w1" | "floor w1") echo 20000 60000 ;;
  zablab*" w2" | "floor w2") echo 2000 6000 ;;
  "madsim w2") echo 570 1710 ;;
  "turmoil w2") echo 920 2760 ;;
  "anysystem w2") echo 850 2550 ;;
  *) echo 2000 6000 ;;
  esac
}

for work in "${works[@]}"; do
  for name in "${names[@]}"; do
    read -r small large <<<"$(sizes "$name" "${work% *}")"
    # shellcheck disable=SC2086 # two words
    read -r few done_few <<<"$(counted "$name" $work "$small")"
    # shellcheck disable=SC2086 # two words
    read -r many done_many <<<"$(counted "$name" $work "$large")"
    echo "{\"name\":\"$name\",\"of\":\"$work\",\"instructions_per_$(unit "${work% *}" | sed 's/s$//')\":$(((many - few) / (done_many - done_few)))}" >>"$lines"
  done
done

instructions() { # NAME WORK
  grep "{\"name\":\"$1\",\"of\":\"$2\"" "$lines" | field 'instructions_per_[a-z]*'
}

echo
table "instructions per message or commit, zablab has" instructions 0
