#!/usr/bin/env bash
# Renders the chart once for each set of values beside this script. The tests read the renderings, so they need no Helm;
# a rendering names the digest of what it was made from, and a test fails when the chart has changed since.
# Helm makes them where it is installed. Otherwise render.go does, with Go and the Debian packages
# golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev.
set -euo pipefail
cd "$(dirname "$0")/../../.."

chart=aspire-manifests/chart
here=Llasta.Tests/Manifests/Renderings

render() { # [VALUES]
  if command -v helm > /dev/null; then
    helm template llasta "$chart" --namespace llasta ${1:+-f "$1"}
  else
    GO111MODULE=off GOPATH=/usr/share/gocode go run "$here/render.go" "$chart" llasta llasta ${1:+"$1"}
  fi
}

# The same digest as ChartRendering.Digest makes: of sha256sum's lines for the chart's files and the values.
digest() { # [VALUES]
  { find "$chart" -type f; [ -z "${1:-}" ] || echo "$1"; } | LC_ALL=C sort -u | xargs sha256sum | sha256sum | cut -d ' ' -f 1
}

write() { # NAME [VALUES]
  {
    echo "# Made by render.sh: helm template llasta $chart --namespace llasta${2:+ -f $2}"
    echo "# Inputs: $(digest "${2:-}")"
    render "${2:-}"
  } > "$here/$1.tmp"
  mv "$here/$1.tmp" "$here/$1.yaml"
  echo "$here/$1.yaml"
}

write default
write openshift "$chart/values-openshift.yaml"
for values in "$here"/*.values.yaml; do
  write "$(basename "$values" .values.yaml)" "$values"
done
