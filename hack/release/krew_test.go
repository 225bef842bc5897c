package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// maxShortDescription is the width that "kubectl krew search" leaves for a short description: it cuts longer ones.
const maxShortDescription = 50

var (
	krewNamePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	krewSHA256      = regexp.MustCompile(`^[a-f0-9]{64}$`)
	krewPlatforms   = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}
)

// checkKrewManifest checks a manifest by what krew refuses (internal/index/validation of krew), and by what the reviewers of krew-index ask
// for ("Plugin Naming Guide", "Writing Krew plugin manifests").
func checkKrewManifest(t *testing.T, m krewManifest) {
	t.Helper()
	s := m.Spec
	if m.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || m.Kind != "Plugin" {
		t.Errorf("krew does not read a %s of %s", m.Kind, m.APIVersion)
	}
	if !krewNamePattern.MatchString(m.Metadata.Name) || strings.HasPrefix(m.Metadata.Name, "kube") {
		t.Errorf("the name %s must be in kebab-case and not repeat kube", m.Metadata.Name)
	}
	if !semver.IsValid(s.Version) || semver.Canonical(s.Version) != strings.SplitN(s.Version, "+", 2)[0] {
		t.Errorf("the version %s must be a semantic version with three numbers", s.Version)
	}
	if s.ShortDescription == "" || len(s.ShortDescription) > maxShortDescription || strings.ContainsAny(s.ShortDescription, "\r\n") ||
		strings.HasSuffix(s.ShortDescription, ".") || strings.Contains(strings.ToLower(s.ShortDescription), "kubectl") {
		t.Errorf("the short description %q must be a few words in one line", s.ShortDescription)
	}
	if s.Homepage == "" || s.Description == "" || len(s.Platforms) == 0 {
		t.Errorf("the manifest lacks its home page, its description or platforms: %+v", s)
	}
	for _, p := range s.Platforms {
		labels := p.Selector.MatchLabels
		if len(labels) != 2 || !slices.Contains(krewPlatforms, labels["os"]+"/"+labels["arch"]) {
			t.Errorf("the selector %v is none of a platform of krew", labels)
		}
		isArchive := strings.HasSuffix(p.URI, ".tar.gz") || strings.HasSuffix(p.URI, ".zip")
		if !strings.HasPrefix(p.URI, "https://") || !isArchive || !krewSHA256.MatchString(p.SHA256) {
			t.Errorf("krew cannot install %s with the checksum %s", p.URI, p.SHA256)
		}
		if isWindows := labels["os"] == "windows"; p.Bin == "" || strings.HasSuffix(p.Bin, ".exe") != isWindows {
			t.Errorf("on %s, krew links only the file bin, which is %q", labels["os"], p.Bin)
		}
	}
	if !strings.Contains(s.Caveats, "/store/"+m.Metadata.Name+"/*/"+completionScript) {
		t.Errorf("krew does not put %s into the PATH, and the caveats do not say how:\n%s", completionScript, s.Caveats)
	}
}
