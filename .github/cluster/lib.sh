# Functions for the scripts in this folder, which try a deployment in the cluster that kubectl points to.
# shellcheck shell=bash
set -euo pipefail

page=http://localhost:8080
scratch=$(mktemp -d)
tunnel=

cleanup() {
  [ -z "$tunnel" ] || kill "$tunnel" 2> /dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Waits until all three Deployments run what they were last told to run.
ready() {
  for deployment in vllm chatapi chatbot; do
    kubectl -n llasta rollout status "deployment/$deployment" --timeout 300s
  done
}

# Opens the documented way in, and waits until the page answers through it.
open_tunnel() {
  kubectl -n llasta port-forward svc/chatbot 8080:8080 > "$scratch/tunnel" 2>&1 &
  tunnel=$!
  curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "$page/health" \
    || { cat "$scratch/tunnel"; fail "the page doesn't answer"; }
}

close_tunnel() {
  kill "$tunnel" 2> /dev/null || true
  wait "$tunnel" 2> /dev/null || true
  tunnel=
}

# ask QUESTION: prints the event stream of the answer, as far as it comes.
ask() {
  curl --silent --show-error --fail-with-body --no-buffer "$page/api/chat" -H 'Content-Type: application/json' \
    -d "{\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}],\"thinking\":false}"
}

# expect_done FILE: fails unless the stream in the file ended as done.
expect_done() {
  tail -n 4 "$1"
  grep -q '"state":"done"' "$1" || fail "the answer didn't end as done"
}

# wait_for_tokens FILE: waits until an answer streams into the file.
wait_for_tokens() {
  for _ in $(seq 60); do
    [ "$(grep -c '^data: "' "$1")" -lt 10 ] || return 0
    sleep 0.5
  done
  cat "$1"
  fail "no answer began"
}
