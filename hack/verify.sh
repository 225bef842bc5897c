#!/usr/bin/env bash
# Checks that generated files, formatting and go.mod files are up to date, that the workflow files of GitHub are valid, and that the patches
# of hack/mutants apply. It regenerates the files, shows any difference, and leaves the new files in the tree to be committed.
#
#   hack/verify.sh MODULE_FOLDER...
set -euo pipefail
cd "$(dirname "$0")/.."

generated=(api/v1alpha1/zz_generated.deepcopy.go config/crd/bases config/rbac/role.yaml config/prometheus/prometheus_rule.yaml docs/reference/api.md docs/reference/plugin.md
	config/argocd/argocd-cm.yaml charts)
failed=0

# fail MESSAGE prints the message and lets the other checks run.
fail() {
	echo "verify: $*" >&2
	failed=1
}

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
for path in "${generated[@]}"; do
	mkdir -p "$before/$(dirname "$path")"
	[ -e "$path" ] && cp -r "$path" "$before/$path"
done
echo "verify: generating"
make --no-print-directory --silent generate
for path in "${generated[@]}"; do
	if ! diff -ruN "$before/$path" "$path"; then
		fail "$path was out of date and has been regenerated: check the difference above and commit it"
	fi
done

echo "verify: formatting"
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	fail "these files are not formatted; run \`make fmt\`:"$'\n'"$unformatted"
fi

for module in "$@"; do
	echo "verify: go.mod and go.sum of $module"
	if ! (cd "$module" && go mod tidy -diff); then
		fail "$module/go.mod or $module/go.sum does not match the code; run \`go mod tidy\` in $module"
	fi
done

# Without shellcheck and pyflakes, which are installed on some machines only.
echo "verify: workflows"
if ! bin/tools/actionlint -shellcheck= -pyflakes=; then
	fail "a file in .github/workflows is invalid; see above"
fi

echo "verify: patches of hack/mutants"
for patch in hack/mutants/*.patch; do
	if ! git apply --check "$patch"; then
		fail "$patch does not apply; regenerate it"
	fi
done

[ "$failed" = 0 ] || exit 1
echo "verify: everything is up to date"
