#!/usr/bin/env bash
# Installs the chart with the simulator, tests it, upgrades it, fails to upgrade it, rolls it back and removes it.
source "$(dirname "$0")/lib.sh"

chart=aspire-manifests/chart
kubectl create namespace llasta
kubectl label namespace llasta pod-security.kubernetes.io/enforce=restricted

chat() {
  open_tunnel
  ask 'Hello!' > "$scratch/answer"
  expect_done "$scratch/answer"
  close_tunnel
}

helm install llasta "$chart" --namespace llasta --set sim.enabled=true --wait --timeout 5m
helm --namespace llasta test llasta --logs
chat

# Numbers, as an operator writes them.
helm upgrade llasta "$chart" --namespace llasta --reset-then-reuse-values --wait --timeout 5m \
  --set chatapi.env.Chat__MaxConcurrentTurns=256 --set model.apiKey=12345
[ "$(kubectl -n llasta get configmap chatapi-config -o jsonpath='{.data.Chat__MaxConcurrentTurns}')" = 256 ] || fail "the setting didn't arrive"
chat

helm upgrade llasta "$chart" --namespace llasta --reset-then-reuse-values --set model.contextWindow=16k 2> "$scratch/refusal" && fail "16k was taken"
grep contextWindow "$scratch/refusal"

helm upgrade llasta "$chart" --namespace llasta --reset-then-reuse-values --wait --timeout 60s --set chatbot.image.tag=0.0.0-missing && fail "a missing image was rolled out"
chat
helm --namespace llasta rollback llasta --wait --timeout 5m
ready
chat

helm --namespace llasta uninstall llasta --wait
[ -z "$(kubectl -n llasta get deployment,service,configmap,networkpolicy,pvc -l app.kubernetes.io/name=llasta -o name)" ] || fail "something stayed"
kubectl delete namespace llasta
