#!/usr/bin/env bash
# Runs every fuzz target of the module for the same time. Go stores a failing input in testdata of the package.
# Usage: hack/fuzz.sh [DURATION], default 20s
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-20s}
count=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "==> $package $target for $duration"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package"
		count=$((count + 1))
	done
done
echo "$count fuzz targets passed, $duration each"
