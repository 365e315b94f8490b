#!/usr/bin/env bash
# Tests the report page in a real browser. Installs what is missing where it may, and says plainly what it could not do.
# Exit code 0: passed, or nothing could be tested here and ZABLAB_BROWSER=optional is set; 1: a test failed; 2: something is missing.
set -euo pipefail
cd "$(dirname "$0")"

missing() {
  echo "browser tests did not run: $1" >&2
  [ "${ZABLAB_BROWSER:-required}" = optional ] && exit 0
  exit 2
}

command -v node >/dev/null && command -v npm >/dev/null || {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || missing "node and npm are not installed (version 20 or later)"
  echo "== installing node"
  { apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends nodejs npm; } >/dev/null || missing "node and npm could not be installed"
}

if ! [ -x "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || missing "Chromium is not installed (set CHROMIUM to its path, or install it)"
  echo "== installing Chromium"
  { apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends chromium; } >/dev/null || missing "Chromium could not be installed"
fi

if ! [ -d node_modules ] || [ package-lock.json -nt node_modules ]; then
  echo "== installing the test's packages"
  npm ci --no-audit --no-fund --loglevel=error || missing "the packages of package-lock.json could not be installed"
  touch node_modules
fi

target="${CARGO_TARGET_DIR:-../../target}"
if [ -z "${ZABLAB:-}" ] && ! [ -x "$target/release/zablab" ]; then
  echo "== building zablab"
  (cd ../.. && cargo build --release --quiet)
fi

echo "== form and types of the page's scripts"
npx --no-install prettier --config .prettierrc.json --log-level warn --check ../../src/report/page/*.js ./*.js
npx --no-install tsc --project tsconfig.json

echo "== the page in Chromium"
node --test --test-reporter=spec --test-concurrency=2 *.test.js
