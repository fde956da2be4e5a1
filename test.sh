#!/usr/bin/env bash
# Builds everything and runs every test; installs what the tests need. Needs only the .NET 10 SDK and Node 20.19 or newer.
# Ends with a line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1

passed=0 failed=0 not_tested=()
say() { printf '\n== %s\n' "$*"; }
die() { printf '\n%s\n%d passed, %d failed\n' "$*" "$passed" "$((failed + 1))"; exit 1; }
# suite NAME PASSED FAILED EXIT-CODE: adds a suite's counts; a suite that failed without a failed test counts as one.
suite() {
  passed=$((passed + $2)) failed=$((failed + $3))
  if [ "$4" -ne 0 ] && [ "$3" -eq 0 ]; then failed=$((failed + 1)); fi
  printf '%s: %d passed, %d failed\n' "$1" "$2" "$3"
}

command -v dotnet >/dev/null || die "There is no 'dotnet' on the PATH. Install the .NET 10 SDK: https://dotnet.microsoft.com/download"
command -v npm >/dev/null || die "There is no 'npm' on the PATH. Install Node.js 20.19 or newer: https://nodejs.org"

# The two Aspire projects need Aspire's packages, which a mirror of nuget.org may lack, wholly or in part.
left_out=
if [ "${Aspire:-}" != false ]; then
  say "Looking for Aspire's packages"
  restores() { dotnet restore Llasta.AppHost.Tests -v quiet > "$restore_log" 2>&1; }
  restore_log=$(mktemp)
  if ! restores; then
    grep -m 3 error "$restore_log"
    export AspireIntegrations=false
    restores || { grep -m 3 error "$restore_log"; export Aspire=false; }
  fi
  rm -f "$restore_log"
fi
if [ "${Aspire:-}" = false ]; then
  left_out="the AppHost, which needs Aspire's packages"
elif [ "${AspireIntegrations:-}" = false ]; then
  left_out="what the AppHost publishes, which needs Aspire.Hosting.Kubernetes and Aspire.Hosting.Python"
fi
if [ -n "$left_out" ]; then
  printf '\n**** NOT BUILT AND NOT TESTED: %s. ****\n' "$left_out"
  not_tested+=("$left_out")
fi

say "Building"
dotnet build Llasta.sln -c Release -v quiet || die "The build failed."

say "Style and structure"
dotnet format Llasta.sln --verify-no-changes --no-restore --severity warn
suite "The style of the C# code" 0 0 $?
node --test eng/map.test.mjs && node eng/map.mjs --check
suite "The map of the projects" 0 0 $?

# dotnet_tests PROJECT: one test project, its closing counts read from the runner's summary.
dotnet_tests() {
  say "$1"
  local log code
  log=$(mktemp)
  dotnet test --project "$1" -c Release --no-build | tee "$log"
  code=$?
  suite "$1" "$(count succeeded "$log")" "$(count failed "$log")" "$code"
  rm -f "$log"
}
count() { sed -nE "s/^ *$1: *([0-9]+).*/\1/p" "$2" | tail -n 1 | grep . || echo 0; }

dotnet_tests Llasta.Tests
[ "${Aspire:-}" = false ] || dotnet_tests Llasta.AppHost.Tests

say "The packaged program"
# As a release makes it, but only the package that runs everywhere. Installed and run outside the repository.
packages=$(mktemp -d)
pack() { dotnet pack Llasta.Web -c Release -p:ToolPackageRuntimeIdentifiers=any -o "$packages" --artifacts-path "$packages/artifacts" -v quiet "$@"; }
pack -r any && pack --no-build &&
  (smoke=$PWD/eng/smoke.mjs && cd "$packages" && NUGET_PACKAGES="$packages/cache" node "$smoke" dotnet tool exec llasta --source "$packages" --yes --)
suite "The packaged program" 0 0 $?
rm -rf "$packages"

# vitest NAME FOLDER: the tests of a folder that has its own package.json, run by Vitest.
vitest() {
  say "$1"
  local log code
  log=$(mktemp)
  (cd "$2" && npm test --silent -- --reporter=default --reporter=json --outputFile.json="$log")
  code=$?
  suite "$1" "$(json "$log" numPassedTests)" "$(json "$log" numFailedTests)" "$code"
  rm -f "$log"
}
json() { node -p "JSON.parse(fs.readFileSync('$1', 'utf8')).$2" 2>/dev/null || echo 0; }

say "The page's style"
(cd Llasta.Web/ui && npm run --silent lint)
suite "The page's style" 0 0 $?
vitest "The page's logic" Llasta.Web/ui
(cd resilience && npm ci --no-audit --no-fund --loglevel=error && npm run --silent typecheck) || die "The resilience tests don't compile."
vitest "Dying processes and broken connections" resilience

say "The page in a browser"
# browser NAME PACKAGE...: prints the path of an installed browser, of one that is downloaded, or of the package manager's.
browser() {
  local name=$1 package sudo
  shift
  node Llasta.Web/ui/e2e/support/browser.mjs "$name" && return
  sudo=$([ "$(id -u)" -eq 0 ] || command -v sudo)
  if command -v apt-get >/dev/null; then $sudo apt-get update -qq >/dev/null; fi
  for package in "$@"; do
    if command -v apt-get >/dev/null; then $sudo apt-get install -y -qq "$package" >/dev/null
    elif command -v dnf >/dev/null; then $sudo dnf install -y -q "$package" >/dev/null
    elif command -v apk >/dev/null; then $sudo apk add -q "$package" >/dev/null
    fi && break
  done
  node Llasta.Web/ui/e2e/support/browser.mjs "$name"
}
browser chromium chromium || die "No browser for the page's tests could be installed. Install Chromium or Chrome, or set CHROMIUM_PATH."
# The main flows also run in these; WebKit is only used if it is installed (webkit2gtk-driver and xvfb in Debian).
browser firefox firefox-esr firefox || not_tested+=("the page in Firefox, which could not be installed")
node Llasta.Web/ui/e2e/support/browser.mjs webkit 2>/dev/null || not_tested+=("the page in WebKit, which is not installed")
report=Llasta.Web/ui/test-results/browser.json
rm -f "$report"
(cd Llasta.Web/ui && npm run --silent browser)
code=$?
suite "The page in a browser" "$(($(json "$report" stats.expected) + $(json "$report" stats.flaky)))" "$(json "$report" stats.unexpected)" "$code"

[ ${#not_tested[@]} -eq 0 ] || printf '\nNOT TESTED: %s.\n' "${not_tested[@]}"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
