#!/usr/bin/env bash
# Asks one question through the Service and fails unless the answer ends as done.
set -euo pipefail

kubectl -n llasta port-forward svc/chatbot 8080:8080 > /dev/null &
tunnel=$!
trap 'kill "$tunnel"' EXIT
curl --silent --fail --output /dev/null --retry 30 --retry-delay 1 --retry-connrefused http://localhost:8080/health

curl --silent --fail http://localhost:8080/api/model
answer=$(curl --silent --fail --no-buffer http://localhost:8080/api/chat \
  -H 'Content-Type: application/json' \
  -d '{"messages":[{"role":"user","content":"Hello!"}],"thinking":true}')
echo "$answer" | tail -n 4
grep -q '"state":"done"' <<< "$answer"
