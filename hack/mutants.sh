#!/usr/bin/env bash
# Breaks an invariant on purpose, one patch of hack/mutants after the other, in a copy of the checkout, and wants the simulation
# test to find each: SEEDS plays (200) must be enough.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-200}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
status=0
for patch in hack/mutants/*.patch; do
	name=$(basename "$patch" .patch)
	patch --quiet --directory="$copy" --strip=1 <"$patch" || { echo "$name: the patch does not apply any more: make it anew"; exit 1; }
	if (cd "$copy" && go build ./... && go test ./internal/simtest -count=1 -run TestSeeds -seeds="$seeds" >"$copy/out" 2>&1); then
		echo "$name: NOT FOUND within $seeds seeds"
		status=1
	else
		found=$(grep -o 'seed [0-9]*: .*' "$copy/out" | sort -t' ' -k2 -n | head -1 || true)
		echo "$name: ${found:-it does not build: $(head -5 "$copy/out")}"
		[ -n "$found" ] || status=1
	fi
	patch --quiet --directory="$copy" --strip=1 --reverse <"$patch"
done
exit $status
