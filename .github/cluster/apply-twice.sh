#!/usr/bin/env bash
# apply-twice.sh FILE: applying the same file again keeps the model's key, the images and the number of pods.
source "$(dirname "$0")/lib.sh"

kubectl -n llasta create secret generic model-api-key --from-literal=api-key=sesame
kubectl -n llasta rollout restart deployment vllm chatapi
ready

state() {
  kubectl -n llasta get secret model-api-key -o jsonpath='{.data}{"\n"}'
  kubectl -n llasta get deployment -o jsonpath='{range .items[*]}{.metadata.name} {.spec.replicas} {.spec.template.spec.containers[0].image}{"\n"}{end}'
}
state > "$scratch/before"
kubectl apply -f "$1"
kubectl diff -f "$1" || fail "something differs from the file after it was applied"
ready
state > "$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "applying again changed something"

open_tunnel
ask 'Hello!' > "$scratch/answer"
expect_done "$scratch/answer"
