package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// platform is an operating system and an architecture, as Go names them.
type platform struct{ os, arch string }

func parsePlatform(text string) (platform, error) {
	os, arch, found := strings.Cut(text, "/")
	if !found || os == "" || arch == "" || strings.Contains(arch, "/") {
		return platform{}, fmt.Errorf("platform %q is not like linux/amd64", text)
	}
	return platform{os, arch}, nil
}

func (p platform) String() string { return p.os + "/" + p.arch }

// build is one compilation.
type build struct {
	folder     string // of the module
	pkg        string // the package, relative to folder
	versionVar string // the variable that gets the version, such as main.version
	platform   platform
	cache      string // folder of the build cache; empty for that of the user
}

// binarySettings are the variables of the environment that could change a binary. They are those of Go by default.
var binarySettings = []string{
	"CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOENV=off", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	"GODEBUG=",
}

// keptSettings are those that say where Go gets modules from. GOENV=off would lose them where they are set by `go env -w`.
var keptSettings = []string{
	"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOTOOLCHAIN", "GOMODCACHE", "GOCACHE",
}

// compile builds a static binary at path. Paths, symbols, build id and version control do not get into it, so that it depends on the
// source, the version and the toolchain only.
func (b build) compile(ctx context.Context, version, path string) error {
	environment, err := buildEnvironment(ctx)
	if err != nil {
		return err
	}
	environment = append(environment, "GOOS="+b.platform.os, "GOARCH="+b.platform.arch)
	if b.cache != "" {
		environment = append(environment, "GOCACHE="+b.cache)
	}
	flags := "-s -w -buildid="
	if version != "" {
		flags += " -X " + b.versionVar + "=" + version
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", path, b.pkg)
	command.Dir, command.Env = b.folder, environment
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s of %s for %s: %w\n%s", b.pkg, b.folder, b.platform, err, output)
	}
	return nil
}

// buildEnvironment returns the environment of the process with the settings that a build must have. Later entries take precedence.
func buildEnvironment(ctx context.Context) ([]string, error) {
	environment := os.Environ()
	output, err := exec.CommandContext(ctx, "go", append([]string{"env"}, keptSettings...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := strings.Split(strings.TrimSuffix(string(output), "\n"), "\n")
	for n, name := range keptSettings {
		environment = append(environment, name+"="+values[n])
	}
	return slices.Concat(environment, binarySettings), nil
}

// goVersion returns the version of the toolchain that builds the folder, such as go1.26.8.
func goVersion(ctx context.Context, folder string) (string, error) {
	command := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	command.Dir = folder
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go env GOVERSION: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
