package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// hello is a small module that stands in for the operator.
var hello = filepath.Join("testdata", "hello")

// setStamp sets what identifies the source, so that no git is needed.
func setStamp(t *testing.T) {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1764201600")
	t.Setenv("REVISION", "0123456789abcdef0123456789abcdef01234567")
}

// runRelease runs a command and returns what it printed.
func runRelease(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("release %q: %v\n%s", args, err, out.String())
	}
	return out.String()
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// newRegistry starts a registry and returns its address.
func newRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestImage_PushedWithTheSameDigest pushes the image to a registry over HTTP, pulls it, and compares it with the layout and the archive.
func TestImage_PushedWithTheSameDigest(t *testing.T) {
	setStamp(t)
	out := t.TempDir()
	reference := newRegistry(t) + "/team/dbscaler:v1.2.3"
	printed := runRelease(t, "image", "--source", hello, "--out", out, "--version", "v1.2.3", "--image", reference, "--push")

	var want digests
	readJSON(t, filepath.Join(out, "digests.json"), &want)
	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the pulled index is invalid: %v", err)
	}
	got, err := readDigests(index)
	if err != nil || got.Image != want.Image || len(got.Platforms) != 2 {
		t.Errorf("pulled %+v (%v), want %+v", got, err, want)
	}
	if !strings.Contains(printed, tag.Digest(want.Image).String()) {
		t.Errorf("the output lacks the digest of what was pushed:\n%s", printed)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		digest, err := v1.NewHash(got.Platforms["linux/"+arch])
		if err != nil {
			t.Fatal(err)
		}
		image, err := index.Image(digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, arch)
	}

	path, err := layout.ImageIndexFromPath(filepath.Join(out, "oci"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := path.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest.String() != want.Image {
		t.Errorf("the OCI layout has %+v (%v), want %s", manifest, err, want.Image)
	}
	local, err := tarball.ImageFromPath(filepath.Join(out, "dbscaler.tar"), &tag)
	if err != nil {
		t.Fatalf("the archive for docker load lacks %s: %v", tag, err)
	}
	if err := validate.Image(local); err != nil {
		t.Errorf("the archive is invalid: %v", err)
	}
}

// checkImage checks what the image of an architecture says and has.
func checkImage(t *testing.T, image v1.Image, arch string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != arch || config.Config.User != "65532:65532" ||
		len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/dbscaler" || len(config.Config.Env) != 0 {
		t.Errorf("%s: the configuration is %+v", arch, config)
	}
	created := time.Unix(1764201600, 0).UTC()
	if !config.Created.Equal(created) {
		t.Errorf("%s: created at %s, want %s", arch, config.Created, created)
	}
	for label, want := range map[string]string{
		"org.opencontainers.image.version":  "v1.2.3",
		"org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
		"org.opencontainers.image.created":  "2025-11-27T00:00:00Z",
		"org.opencontainers.image.licenses": "Apache-2.0",
	} {
		if got := config.Config.Labels[label]; got != want {
			t.Errorf("%s: label %s is %q, want %q", arch, label, got, want)
		}
	}
	if config.Config.Labels["dbscaler.io/go-version"] == "" {
		t.Errorf("%s: no Go version in the labels", arch)
	}
	files := extractImage(t, image, created)
	if len(files) != 2 {
		t.Errorf("%s: the image has %d files, want the binary and the certificates", arch, len(files))
	}
	checkStatic(t, files["dbscaler"], arch)
	checkCertificates(t, files[certificatesPath])
}

// extractImage returns the files of an image, and checks owner and time of each.
func extractImage(t *testing.T, image v1.Image, created time.Time) map[string][]byte {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for archive := tar.NewReader(content); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if header.Uid != 0 || header.Gid != 0 || header.Uname != "" || !header.ModTime.Equal(created) || header.Mode&0o022 != 0 {
				t.Errorf("%s has the owner %d:%d (%q), mode %o and time %s",
					header.Name, header.Uid, header.Gid, header.Uname, header.Mode, header.ModTime)
			}
			if header.Typeflag == tar.TypeReg {
				if files[header.Name], err = io.ReadAll(archive); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return files
}

// checkStatic checks that the binary is for the architecture and needs no dynamic linker.
func checkStatic(t *testing.T, binary []byte, arch string) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		t.Fatalf("%s: %v", arch, err)
	}
	defer file.Close()
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; file.Machine != want {
		t.Errorf("%s: the binary is for %s", arch, file.Machine)
	}
	for _, program := range file.Progs {
		if program.Type == elf.PT_INTERP || program.Type == elf.PT_DYNAMIC {
			t.Errorf("%s: the binary is not static: it has %s", arch, program.Type)
		}
	}
}

// checkCertificates checks that the file has the CA certificates of AWS, and many others: https://www.amazontrust.com/repository/
func checkCertificates(t *testing.T, file []byte) {
	t.Helper()
	missing := map[string]bool{"Amazon Root CA 1": true, "Amazon Root CA 2": true, "Amazon Root CA 3": true, "Amazon Root CA 4": true}
	count := 0
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		delete(missing, certificate.Subject.CommonName)
		count++
	}
	if len(missing) > 0 || count < 100 {
		t.Errorf("of %d certificates, these are missing: %v", count, missing)
	}
}

// TestImage_OfAnotherPackage checks the names of the program and of the archive.
func TestImage_OfAnotherPackage(t *testing.T) {
	setStamp(t)
	out := t.TempDir()
	runRelease(t, "image", "--source", newPluginSource(t), "--package", pluginPackage, "--version", "v1.2.3", "--platforms", "linux/amd64",
		"--image", "plugin:v1", "--out", out)
	image, err := tarball.ImageFromPath(filepath.Join(out, "kubectl-dbscaler.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil || config.Config.Entrypoint[0] != "/kubectl-dbscaler" {
		t.Errorf("the entrypoint is %v (%v)", config, err)
	}
	if files := extractImage(t, image, time.Unix(1764201600, 0)); files["kubectl-dbscaler"] == nil {
		t.Error("the image lacks /kubectl-dbscaler")
	}
}

// TestCheck_SameDigestWithAnEmptyBuildCache compiles everything twice, from two folders.
func TestCheck_SameDigestWithAnEmptyBuildCache(t *testing.T) {
	setStamp(t)
	printed := runRelease(t, "check", "--source", hello, "--version", "v1.2.3", "--platforms", "linux/amd64", "--fresh")
	if strings.Count(printed, "sha256:") != 2 {
		t.Errorf("want two digests:\n%s", printed)
	}
}

// TestImage_DigestDependsOnSourceAndStamp guards the other tests: a digest that never changes would satisfy them.
func TestImage_DigestDependsOnSourceAndStamp(t *testing.T) {
	setStamp(t)
	changed := filepath.Join(t.TempDir(), "changed")
	if err := copySource(hello, changed); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(changed, "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() { println(\"bye\") }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for title, args := range map[string][]string{
		"source":           {"--source", hello, "--version", "v1.2.3"},
		"another version":  {"--source", hello, "--version", "v1.2.4"},
		"another source":   {"--source", changed, "--version", "v1.2.3"},
		"another platform": {"--source", hello, "--version", "v1.2.3", "--platforms", "linux/arm64"},
	} {
		out := t.TempDir()
		runRelease(t, append([]string{"image", "--platforms", "linux/amd64", "--out", out}, args...)...)
		var result digests
		readJSON(t, filepath.Join(out, "digests.json"), &result)
		if other, exists := found[result.Image]; exists {
			t.Errorf("%s and %s have the same digest", title, other)
		}
		found[result.Image] = title
	}
}

func TestImage_ComparesTheDigest(t *testing.T) {
	setStamp(t)
	args := []string{"image", "--source", hello, "--version", "v1.2.3", "--platforms", "linux/amd64", "--out", t.TempDir()}
	err := run(t.Context(), append(args, "--compare", "sha256:00"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "instead of sha256:00") {
		t.Errorf("another digest: %v", err)
	}
}

func TestRun_RefusesInvalidArguments(t *testing.T) {
	setStamp(t)
	for want, args := range map[string][]string{
		"must be image, sbom, plugin or check": {"images"},
		"--out is required":                    {"image", "--version", "v1.2.3"},
		"not a semantic version":               {"check", "--version", "1.2.3"},
		`platform "linux" is not like`:         {"check", "--version", "v1.2.3", "--platforms", "linux"},
		"for linux only":                       {"check", "--version", "v1.2.3", "--source", hello, "--platforms", "darwin/arm64"},
		"unexpected argument":                  {"check", "--version", "v1.2.3", "now"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("release %q: %v, want %q", args, err, want)
		}
	}
}
