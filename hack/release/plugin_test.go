package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// completion stands for the completion script.
const completion = "#!/bin/sh\n"

// newPluginSource returns the hello module with its package where the plugin is in the module of the operator.
func newPluginSource(t *testing.T) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "source")
	if err := copySource(hello, filepath.Join(source, pluginPackage)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(source, pluginPackage, "go.mod"), filepath.Join(source, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "LICENSE"), []byte("Apache License"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, pluginPackage, completionScript), []byte(completion), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(source, referencePackage), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, referencePackage, "main.go"), []byte(manPagesProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	return source
}

// manPagesProgram stands for hack/plugin-reference: it takes the same flags.
const manPagesProgram = `package main

import (
	"flag"
	"os"
	"path/filepath"
)

func main() {
	man, date := flag.String("man", "", ""), flag.String("date", "", "")
	flag.Parse()
	if err := os.WriteFile(filepath.Join(*man, "kubectl-dbscaler.1"), []byte("date "+*date), 0o600); err != nil {
		panic(err)
	}
}
`

func TestWritePlugin(t *testing.T) {
	setStamp(t)
	source := newPluginSource(t)
	args := []string{
		"plugin", "--source", source, "--version", "v1.2.3", "--platforms", "linux/amd64,windows/amd64",
		"--base-url", "https://example.com/v1.2.3/",
	}
	out := t.TempDir()
	runRelease(t, append(args, "--out", out)...)

	var manifest krewManifest
	content, err := os.ReadFile(filepath.Join(out, "dbscaler.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Metadata.Name != "dbscaler" || manifest.Spec.Version != "v1.2.3" || len(manifest.Spec.Platforms) != 2 {
		t.Errorf("the manifest is %+v", manifest)
	}
	checkKrewManifest(t, manifest)
	sums, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range manifest.Spec.Platforms {
		name, found := strings.CutPrefix(p.URI, "https://example.com/v1.2.3/")
		archive, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !found {
			t.Fatalf("%s: %v", p.URI, err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(archive)); p.SHA256 != sum || !strings.Contains(string(sums), sum+"  "+name) {
			t.Errorf("%s has the checksum %s, the manifest says %s, SHA256SUMS is\n%s", name, sum, p.SHA256, sums)
		}
	}

	again := t.TempDir()
	runRelease(t, append(args, "--out", again)...)
	for _, name := range []string{"kubectl-dbscaler_linux_amd64.tar.gz", "kubectl-dbscaler_windows_amd64.zip", "dbscaler.yaml", "SHA256SUMS"} {
		first, firstErr := os.ReadFile(filepath.Join(out, name))
		second, secondErr := os.ReadFile(filepath.Join(again, name))
		if firstErr != nil || secondErr != nil || !bytes.Equal(first, second) {
			t.Errorf("%s differs between two builds (%v, %v)", name, firstErr, secondErr)
		}
	}
	checkArchives(t, out)
}

// checkArchives checks the files in the archives for Linux and Windows.
func checkArchives(t *testing.T, folder string) {
	t.Helper()
	file, err := os.Open(filepath.Join(folder, "kubectl-dbscaler_linux_amd64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	compressed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	reader := tar.NewReader(compressed)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, fmt.Sprintf("%s %o", header.Name, header.Mode))
		content, err := io.ReadAll(reader)
		if err != nil || header.Name == completionScript && string(content) != completion ||
			strings.HasSuffix(header.Name, ".1") && string(content) != "date 1764201600" {
			t.Errorf("%s is %q, %v", header.Name, content, err)
		}
	}
	if want := []string{"kubectl-dbscaler 755", "LICENSE 644", "kubectl_complete-dbscaler 755", "man/man1/kubectl-dbscaler.1 644"}; !slices.Equal(files, want) {
		t.Errorf("the archive for Linux has the files %q, want %q", files, want)
	}
	archive, err := zip.OpenReader(filepath.Join(folder, "kubectl-dbscaler_windows_amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 2 || archive.File[0].Name != "kubectl-dbscaler.exe" || archive.File[1].Name != "LICENSE" {
		t.Errorf("the archive for Windows has %d files", len(archive.File))
	}
}
