#!/usr/bin/env bash
# All pods are replaced while an answer streams. It is shorter than the drain, so it ends as done.
source "$(dirname "$0")/lib.sh"

open_tunnel
ask 'Write 600 words about rivers.' > "$scratch/answer" &
answer=$!
wait_for_tokens "$scratch/answer"
kubectl -n llasta rollout restart deployment vllm chatapi chatbot
wait "$answer" || fail "the stream broke"
expect_done "$scratch/answer"

ready
close_tunnel
open_tunnel
ask 'Hello!' > "$scratch/answer"
expect_done "$scratch/answer"
