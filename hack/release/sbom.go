package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// certificatesModule is the module that the CA certificates of the image come from.
const certificatesModule = "golang.org/x/crypto/x509roots/fallback"

// writeSBOMs builds the operator for each platform and writes dbscaler_OS_ARCH.cdx.json into the folder s.out.
func writeSBOMs(ctx context.Context, s settings, out io.Writer) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	certificates, err := findOwnDependency(certificatesModule)
	if err != nil {
		return err
	}
	for _, p := range s.platforms {
		path := filepath.Join(s.out, fmt.Sprintf("dbscaler_%s_%s.cdx.json", p.os, p.arch))
		bom, err := describeBuild(ctx, s, p)
		if err != nil {
			return err
		}
		addDependency(bom, certificates)
		if err := writeBOM(path, bom); err != nil {
			return err
		}
		fmt.Fprintf(out, "sbom: %s with %d components\n", path, len(*bom.Components))
	}
	return nil
}

// describeBuild builds the operator for the platform and describes the binary.
func describeBuild(ctx context.Context, s settings, p platform) (*cdx.BOM, error) {
	folder, err := os.MkdirTemp("", "dbscaler-sbom-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "dbscaler")
	b := build{folder: s.source, pkg: s.pkg, versionVar: mainVersion, platform: p}
	if err := b.compile(ctx, s.stamp.version, path); err != nil {
		return nil, err
	}
	return describeBinary(path, s.stamp)
}

// describeBinary returns the bill of materials of a Go binary: its modules and the standard library, as the linker has recorded them.
// Nothing depends on the time or place: the serial number derives from the content.
func describeBinary(path string, s stamp) (*cdx.BOM, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	main := newComponent(cdx.ComponentTypeApplication, info.Main.Path, s.version, "")
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}} // of the binary
	main.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	main.Properties = buildProperties(info, s)

	bom := cdx.NewBOM()
	bom.SpecVersion, bom.JSONSchema = cdx.SpecVersion1_6, "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.SerialNumber = serialNumber(sum)
	bom.Metadata = &cdx.Metadata{Timestamp: s.time.Format(time.RFC3339), Component: &main}
	bom.Components = &[]cdx.Component{}
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &[]string{}}}

	addDependency(bom, newComponent(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"), ""))
	for _, dependency := range info.Deps {
		addDependency(bom, moduleComponent(dependency))
	}
	return bom, nil
}

// addDependency adds a component that the main one depends on. A binary does not record which module needs which other one.
func addDependency(bom *cdx.BOM, component cdx.Component) {
	*bom.Components = append(*bom.Components, component)
	all := *bom.Dependencies
	*all[0].Dependencies = append(*all[0].Dependencies, component.BOMRef)
	*bom.Dependencies = append(all, cdx.Dependency{Ref: component.BOMRef})
}

// moduleComponent describes a module, or what replaces it.
func moduleComponent(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	return newComponent(cdx.ComponentTypeLibrary, module.Path, module.Version, module.Sum)
}

// newComponent describes a version of a module. Its sum is that of go.sum: h1, and the SHA-256 of a list of the files, as base64.
func newComponent(kind cdx.ComponentType, path, version, sum string) cdx.Component {
	purl := "pkg:golang/" + path + "@" + url.QueryEscape(version) // as in https://github.com/package-url/purl-spec
	component := cdx.Component{Type: kind, BOMRef: purl, PackageURL: purl, Name: path, Version: version}
	if encoded, found := strings.CutPrefix(sum, "h1:"); found {
		if hash, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			component.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(hash)}}
		}
	}
	return component
}

// buildProperties are the settings that the toolchain recorded, for example GOARCH, and the commit.
func buildProperties(info *buildinfo.BuildInfo, s stamp) *[]cdx.Property {
	properties := []cdx.Property{{Name: "dbscaler:go:version", Value: info.GoVersion}}
	for _, setting := range info.Settings {
		if strings.HasPrefix(setting.Key, "GO") || setting.Key == "CGO_ENABLED" {
			properties = append(properties, cdx.Property{Name: "dbscaler:go:" + setting.Key, Value: setting.Value})
		}
	}
	if s.revision != "" {
		properties = append(properties, cdx.Property{Name: "dbscaler:revision", Value: s.revision})
	}
	return &properties
}

// serialNumber makes a UUID of the custom version 8 (RFC 9562) from a checksum.
func serialNumber(sum [sha256.Size]byte) string {
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// findOwnDependency describes a module that this program depends on.
func findOwnDependency(path string) (cdx.Component, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cdx.Component{}, fmt.Errorf("this program has no build information")
	}
	for _, dependency := range info.Deps {
		if dependency.Path == path {
			return moduleComponent(dependency), nil
		}
	}
	return cdx.Component{}, fmt.Errorf("this program does not depend on %s", path)
}

func writeBOM(path string, bom *cdx.BOM) error {
	var content bytes.Buffer
	encoder := cdx.NewBOMEncoder(&content, cdx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(bom); err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return os.WriteFile(path, content.Bytes(), 0o644)
}
