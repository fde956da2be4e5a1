#!/usr/bin/env bash
# Makes the archives of a release: one per platform, with the program and the licence. The same input makes the same bytes.
#
#   eng/archives.sh PROGRAMS OUT VERSION     PROGRAMS has a folder program-<platform> for each platform
set -euo pipefail
programs=$(realpath "$1") out=$(realpath "$2") version=$3
cd "$(dirname "$0")/.."
date=$(git log -1 --format=%cI)

for folder in "$programs"/program-*; do
  platform=${folder##*/program-}
  name="llasta-$version-$platform"
  stage=$(mktemp -d)
  install -D -m 755 -t "$stage/$name" "$folder"/llasta*
  install -m 644 -t "$stage/$name" LICENSE
  find "$stage" -exec touch --date "$date" {} +
  if [ -e "$stage/$name/llasta.exe" ]; then
    (cd "$stage" && TZ=UTC zip --quiet --recurse-paths -X "$out/$name.zip" "$name")
  else
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --directory "$stage" "$name" | gzip --best --no-name > "$out/$name.tar.gz"
  fi
  rm -r "$stage"
done
ls -l "$out"
