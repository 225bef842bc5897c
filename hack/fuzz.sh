#!/usr/bin/env bash
# Runs every fuzz target of the module for so long each: hack/fuzz.sh 30s. What one finds is kept in its package's testdata.
set -euo pipefail
cd "$(dirname "$0")/.."
length=${1:-20s}
count=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "==> $package $target for $length"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$length" "$package"
		count=$((count + 1))
	done
done
echo "$count fuzz targets passed, $length each"
