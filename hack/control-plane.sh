#!/usr/bin/env bash
# Puts kube-apiserver, etcd and kubectl into the folder DEST: an installed version of envtest, a download, or a build from Go modules.
# hack/envtest chooses, and ASSETS names a folder that is used instead. With CI=true they are always built, so that a run of CI depends on
# Go modules only; ENVTEST_DOWNLOAD=1 overrides that, and ENVTEST_DOWNLOAD=0 makes no attempt to download.
#
#   hack/control-plane.sh DEST [ASSETS]
set -euo pipefail

dest=${1:?usage: control-plane.sh DEST [ASSETS]}
assets=${2:-$dest}
hack=$(cd "$(dirname "$0")" && pwd)

build_from_source() {
	rm -f "$dest/.envtest"
	"$hack/controlplane/build.sh" "$dest"
	exit
}

if [ "$assets" = "$dest" ] && [ "${CI:-}" = true ] && [ "${ENVTEST_DOWNLOAD:-}" != 1 ]; then
	build_from_source
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! CGO_ENABLED=0 go build -C "$hack/envtest" -o "$folder/envtest" .; then
	if [ "$assets" != "$dest" ]; then
		exit 0
	fi
	echo "control plane: hack/envtest cannot be built: building the control plane from Go modules" >&2
	build_from_source
fi
download=true
case ${ENVTEST_DOWNLOAD:-} in
0 | no | false) download=false ;;
esac
"$folder/envtest" --dest "$dest" --assets "$assets" --module "$hack/controlplane" "--download=$download"
