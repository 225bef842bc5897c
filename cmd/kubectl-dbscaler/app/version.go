package app

import "runtime/debug"

// version is set by the linker when hack/release builds the plugin.
var version string

// buildVersion returns the version of the release, or else the one that `go build` reads from git.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
