#!/usr/bin/env bash
# kubectl port-forward holds a pod of the page. When the chat API's pods are killed in mid-answer, the answer breaks off, and
# the same tunnel carries the next one.
source "$(dirname "$0")/lib.sh"

open_tunnel
ask 'Write 1200 words about rivers.' > "$scratch/answer" &
answer=$!
wait_for_tokens "$scratch/answer"
kubectl -n llasta delete pod -l app.kubernetes.io/component=chatapi --grace-period=0 --force
wait "$answer" || true
! grep -q '"state":"done"' "$scratch/answer" || fail "the answer ended before the pods did"
ready

kill -0 "$tunnel" 2> /dev/null || { cat "$scratch/tunnel"; fail "port-forward ended with the chat API's pods"; }
ask 'Hello!' > "$scratch/answer"
expect_done "$scratch/answer"
