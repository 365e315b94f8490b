#!/usr/bin/env bash
# Crates as students have them: every exercise's crate compiles offline against this checkout, its test included, and the solutions of
# tests/course that are there in Rust, too, get the grades of those in Python to the point.
#   tests/course/crates.sh            what is graded is linked to a library that is built first, as .ci/run builds it
#   tests/course/crates.sh --cargo    what is graded is built by cargo as its lab.json says, which takes minutes
# Cargo would compile the library once more for these crates: a path dependency outside of the workspace is another package to it than
# the workspace's own, whatever the target folder and the profile.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
release=$target/release
zablab=$release/zablab
how=${1:-linked}

# Optimised across crates, a library is no object code that rustc could link.
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo build --release --quiet

work=$target/course/crates
rm -rf "$work"
mkdir -p "$work"
printf 'the secret of this course' >"$work/secret"

echo "a crate of each exercise compiles"
for lab in labs/*/; do
  lab=$(basename "$lab")
  "$zablab" course new "$lab" "$work/$lab" >/dev/null
  CARGO_TARGET_DIR=$target/course cargo check --offline --quiet --all-targets --manifest-path "$work/$lab/Cargo.toml"
done

# Two steps of cargo's, without the library.
cat >"$work/link.sh" <<EOF
set -e
compile() { rustc --edition 2024 -C opt-level=3 --extern zablab="$release/libzablab.rlib" -L dependency="$release/deps" "\$@"; }
compile --crate-type rlib --crate-name solution src/lib.rs
compile --crate-name answers --extern solution=libsolution.rlib src/main.rs
EOF

# Lines of a grade: student, lab, standing, score of, part, passed, points, rule.
grade() { # FOLDER TABLE
  "$zablab" course grade "$1" --seeds 12 --secret-file "$work/secret" --csv "$2" >"$work/said" || [ $? -eq 1 ] || { cat "$work/said"; return 1; }
}

command -v python3 >/dev/null || echo "solutions in Rust are not compared with those in Python: python3 is not installed" >&2
for source in tests/course/*/*/solution.rs; do
  python=$(dirname "$source")
  lab=$(basename "$(dirname "$python")") name=$(basename "$python")
  mine=$work/solutions/$lab/$name
  mkdir -p "$work/solutions/$lab"
  "$zablab" course new "$lab" "$mine" >/dev/null
  cp "$source" "$mine/src/lib.rs"
  if [ "$how" = --cargo ]; then
    mkdir -p "$target/course/built"
    ln -s "$target/course/built" "$mine/target"
  else
    echo "{ \"lab\": \"$lab\", \"build\": [\"sh\", \"$work/link.sh\"], \"run\": [\"./answers\"] }" >"$mine/lab.json"
  fi
  grade "$mine" "$work/rust.csv"
  case $name in
    reference) right="^$name,$lab,passed,100,100," ;;
    wasteful-*) right="^$name,$lab,passed,[0-9.]*,100," ;;
    *) right="^$name,$lab,failed,[0-9.]*,100," ;;
  esac
  if sed 1d "$work/rust.csv" | grep -qv "$right"; then
    echo "$source: expected $right" >&2
    cat "$work/said" >&2
    exit 1
  fi
  if command -v python3 >/dev/null; then
    grade "$python" "$work/python.csv"
    diff "$work/python.csv" "$work/rust.csv" || { echo "$source: graded otherwise than solution.py" >&2; exit 1; }
  fi
  sed -n "2s/^\([^,]*\),\([^,]*\),\([^,]*\),\([^,]*\),\([^,]*\),.*/\2 \1: \3, \4 of \5 points/p" "$work/rust.csv"
done
