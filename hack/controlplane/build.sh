#!/usr/bin/env bash
# Builds kube-apiserver, etcd and kubectl from their Go modules into the folder DEST. A stamp file in DEST identifies the module files
# and the toolchain of the build; while they are unchanged nothing is built. With an empty module cache the build takes about 6 minutes
# on two cores.
#
#   hack/controlplane/build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
cd "$(dirname "$0")"

stamp=$(cat go.mod go.sum build.sh <(go version) | sha256sum | cut -d' ' -f1)
if [ "$(cat "$dest/.stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
rm -f "$dest/.stamp"

# component-base reports this version to clients. When it is not set, the version is v0.0.0-master.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
ldflags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	ldflags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
	ldflags+=" -X $package.gitTreeState=clean"
done

# build NAME PACKAGE compiles one binary and shows the number of compiled packages. The go command does not print packages from the
# build cache, so the total is an upper bound.
build() {
	local name=$1 package=$2 total started=$SECONDS
	echo "control plane: $name"
	total=$(go list -deps "$package" | wc -l)
	CGO_ENABLED=0 go build -v -trimpath -ldflags "$ldflags" -o "$dest/$name" "$package" 2>&1 |
		awk -v total="$total" -v name="$name" -v tty="$([ -t 1 ] && echo 1 || echo 0)" '
			/^go: downloading/ { next }
			/^[A-Za-z0-9_.\/-]+$/ {
				done++
				if (tty) { printf "\r  compiled %d of at most %d packages", done, total; fflush() }
				else if (done % 200 == 0) { printf "  compiled %d of at most %d packages\n", done, total; fflush() }
				next
			}
			{ print }
			END { if (tty && done) print "" }'
	[ -x "$dest/$name" ] || { echo "control plane: building $name failed; see the errors above" >&2; exit 1; }
	echo "  $name: $(du -h "$dest/$name" | cut -f1) in $((SECONDS - started)) s"
}

echo "control plane: building Kubernetes $version and etcd from source into $dest (once; about 6 minutes on two cores)"
go mod download 2>&1 | tail -n 5
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kubectl k8s.io/kubernetes/cmd/kubectl
echo "$stamp" >"$dest/.stamp"
