#!/usr/bin/env bash
# Checks that the simulation test detects broken invariants: applies each patch of hack/mutants to a copy of the working tree and
# runs SEEDS seeds (default 200). Fails when a patch does not apply, does not build or is not detected.
# Usage: hack/mutants.sh [SEEDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-200}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
status=0
for patch in hack/mutants/*.patch; do
	name=$(basename "$patch" .patch)
	patch --quiet --directory="$copy" --strip=1 <"$patch" || { echo "$name: the patch does not apply: regenerate it"; exit 1; }
	if ! (cd "$copy" && go build ./... >"$copy/out" 2>&1); then
		echo "$name: does not build: $(head -5 "$copy/out")"
		status=1
	elif (cd "$copy" && go test ./internal/simtest -count=1 -run TestSeeds -seeds="$seeds" >"$copy/out" 2>&1); then
		echo "$name: NOT DETECTED within $seeds seeds"
		status=1
	else
		violation=$(grep -o 'seed [0-9]*: .*' "$copy/out" | sort -t' ' -k2 -n | head -1 || true)
		echo "$name: ${violation:-the test failed without a violation: $(head -5 "$copy/out")}"
		[ -n "$violation" ] || status=1
	fi
	patch --quiet --directory="$copy" --strip=1 --reverse <"$patch"
done
exit $status
