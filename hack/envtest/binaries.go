package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
)

// binaryNames are the programs that tests and the demo start.
var binaryNames = []string{"kube-apiserver", "etcd", "kubectl"}

// inspectTimeout is how long kube-apiserver may take to print its version. It is long, because the file is large and machines are slow.
const inspectTimeout = time.Minute

// kubernetesVersion is a version of Kubernetes.
type kubernetesVersion struct{ major, minorNumber, patch int }

var versionPattern = regexp.MustCompile(`v(\d+)\.(\d+)\.(\d+)`)

// parseVersion finds a version such as v1.37.2 in the text.
func parseVersion(text string) (kubernetesVersion, error) {
	match := versionPattern.FindStringSubmatch(text)
	if match == nil {
		return kubernetesVersion{}, fmt.Errorf("no version such as v1.37.2 in %q", text)
	}
	var numbers [3]int
	for n := range numbers {
		number, err := strconv.Atoi(match[n+1])
		if err != nil {
			return kubernetesVersion{}, fmt.Errorf("version %q: %w", match[0], err)
		}
		numbers[n] = number
	}
	return kubernetesVersion{numbers[0], numbers[1], numbers[2]}, nil
}

func (v kubernetesVersion) String() string {
	return fmt.Sprintf("v%d.%d.%d", v.major, v.minorNumber, v.patch)
}

// minor returns the version without the patch, such as 1.37.
func (v kubernetesVersion) minor() string { return fmt.Sprintf("%d.%d", v.major, v.minorNumber) }

// selector matches every patch version of the minor version.
func (v kubernetesVersion) selector() versions.Spec {
	return versions.Spec{Selector: versions.PatchSelector{Major: v.major, Minor: v.minorNumber, Patch: versions.AnyPoint}}
}

func thisPlatform() versions.Platform {
	return versions.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// readWantedVersion reads which version of Kubernetes go.mod in the folder module builds.
func readWantedVersion(module string) (kubernetesVersion, error) {
	path := filepath.Join(module, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return kubernetesVersion{}, err
	}
	file, err := modfile.ParseLax(path, content, nil)
	if err != nil {
		return kubernetesVersion{}, err
	}
	for _, require := range file.Require {
		if require.Mod.Path == "k8s.io/kubernetes" {
			return parseVersion(require.Mod.Version)
		}
	}
	return kubernetesVersion{}, fmt.Errorf("%s does not require k8s.io/kubernetes", path)
}

// computeStamp computes what build.sh writes into .stamp, which identifies the module files and the toolchain of a build.
func computeStamp(ctx context.Context, module string) (string, error) {
	hash := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "build.sh"} {
		content, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		hash.Write(content)
	}
	command := exec.CommandContext(ctx, "go", "version")
	command.Dir = module
	toolchain, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go version: %w", err)
	}
	hash.Write(toolchain)
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// inspectBinaries checks that the folder has all binaries, runs kube-apiserver to see whether it works on this machine, and returns its
// version.
func inspectBinaries(ctx context.Context, folder string) (kubernetesVersion, error) {
	for _, name := range binaryNames {
		info, err := os.Stat(filepath.Join(folder, name))
		if errors.Is(err, os.ErrNotExist) {
			return kubernetesVersion{}, fmt.Errorf("%s has no %s", folder, name)
		}
		if err != nil {
			return kubernetesVersion{}, err
		}
		if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return kubernetesVersion{}, fmt.Errorf("%s in %s is not executable", name, folder)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	output, err := exec.CommandContext(ctx, filepath.Join(folder, "kube-apiserver"), "--version").CombinedOutput()
	if err != nil {
		return kubernetesVersion{}, fmt.Errorf("%s --version: %w: %s", filepath.Join(folder, "kube-apiserver"), err,
			strings.TrimSpace(string(output)))
	}
	return parseVersion(string(output))
}
