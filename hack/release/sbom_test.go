package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/xeipuuv/gojsonschema"
)

var testStamp = stamp{version: "v1.2.3", revision: "0123456789abcdef", time: time.Unix(1764201600, 0).UTC()}

// TestDescribeBinary_HasAllModules compares the bill of materials of this test with what `go version -m` prints about it.
func TestDescribeBinary_HasAllModules(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bom := encodeAndDecode(t, path)
	versions, hashes := map[string]string{}, map[string]bool{}
	for _, component := range *bom.Components {
		versions[component.Name] = component.Version
		hashes[component.Name] = component.Hashes != nil
	}
	output, err := exec.CommandContext(t.Context(), "go", "version", "-m", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) >= 3 && fields[0] == "dep" {
			count++
			if versions[fields[1]] != fields[2] || !hashes[fields[1]] {
				t.Errorf("%s %s is missing, or has no checksum", fields[1], fields[2])
			}
		}
	}
	if count < 5 || len(versions) != count+1 {
		t.Errorf("the bill has %d components, want %d modules and the standard library", len(versions), count)
	}
	if !strings.HasPrefix(versions["std"], "1.") {
		t.Errorf("the standard library has the version %q", versions["std"])
	}
	if main := bom.Metadata.Component; main.PackageURL != "pkg:golang/github.com/dbscaler/dbscaler/hack/release@v1.2.3" {
		t.Errorf("the main component is %s", main.PackageURL)
	}
	if dependencies := *(*bom.Dependencies)[0].Dependencies; len(dependencies) != len(*bom.Components) {
		t.Errorf("the main component depends on %d of %d components", len(dependencies), len(*bom.Components))
	}
}

// encodeAndDecode writes the bill of materials of a binary twice, checks that the files are equal, and reads one.
func encodeAndDecode(t *testing.T, path string) *cdx.BOM {
	t.Helper()
	var content []byte
	for range 2 {
		bom, err := describeBinary(path, testStamp)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "bom.cdx.json")
		if err := writeBOM(file, bom); err != nil {
			t.Fatal(err)
		}
		previous := content
		if content, err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		if previous != nil && !bytes.Equal(previous, content) {
			t.Error("two bills of materials of one binary differ")
		}
	}
	decoded := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(content), cdx.BOMFileFormatJSON).Decode(decoded); err != nil {
		t.Fatal(err)
	}
	validateSchema(t, content)
	return decoded
}

// validateSchema validates a bill of materials with the JSON schema of CycloneDX, which the module of the library contains.
func validateSchema(t *testing.T, content []byte) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := "file://" + filepath.ToSlash(filepath.Join(strings.TrimSpace(string(output)), "schema"))
	loader := gojsonschema.NewSchemaLoader()
	for url, file := range map[string]string{
		"http://cyclonedx.org/schema/spdx.schema.json":     "/spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "/jsf-0.82.schemax.json",
	} {
		if err := loader.AddSchema(url, gojsonschema.NewReferenceLoader(folder+file)); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := loader.Compile(gojsonschema.NewReferenceLoader(folder + "/bom-1.6.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := schema.Validate(gojsonschema.NewBytesLoader(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range result.Errors() {
		t.Errorf("the bill of materials violates the schema: %s", violation)
	}
}

func TestWriteSBOMs_OneForEachPlatform(t *testing.T) {
	setStamp(t)
	out := t.TempDir()
	runRelease(t, "sbom", "--source", hello, "--out", out, "--version", "v1.2.3")
	for _, arch := range []string{"amd64", "arm64"} {
		var bom cdx.BOM
		readJSON(t, filepath.Join(out, "dbscaler_linux_"+arch+".cdx.json"), &bom)
		if bom.Metadata.Timestamp != "2025-11-27T00:00:00Z" || !strings.HasPrefix(bom.SerialNumber, "urn:uuid:") {
			t.Errorf("%s: timestamp %s, serial number %s", arch, bom.Metadata.Timestamp, bom.SerialNumber)
		}
		found := map[string]string{}
		for _, property := range *bom.Metadata.Component.Properties {
			found[property.Name] = property.Value
		}
		if found["dbscaler:go:GOARCH"] != arch || found["dbscaler:go:CGO_ENABLED"] != "0" {
			t.Errorf("%s: the properties are %v", arch, found)
		}
		names := map[string]bool{}
		for _, component := range *bom.Components {
			names[component.Name] = true
		}
		if !names["std"] || !names[certificatesModule] {
			t.Errorf("%s: the components are %v, want the standard library and the CA certificates", arch, names)
		}
	}
}
