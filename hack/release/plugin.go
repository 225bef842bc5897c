package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// The kubectl plugin in its module. The name of a krew plugin is that of its command without "kubectl-".
const (
	pluginName    = "dbscaler"
	pluginPackage = "./cmd/kubectl-dbscaler"
	pluginVersion = "github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app.version"
	// completionScript is what kubectl runs to complete the arguments of the plugin, if it is in the PATH.
	completionScript = "kubectl_complete-dbscaler"
)

// krewManifest is the manifest of a plugin: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
type krewManifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   krewName `json:"metadata"`
	Spec       krewSpec `json:"spec"`
}

type krewName struct {
	Name string `json:"name"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Caveats          string         `json:"caveats"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector krewSelector `json:"selector"`
	URI      string       `json:"uri"`
	SHA256   string       `json:"sha256"`
	Bin      string       `json:"bin"`
}

type krewSelector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// writePlugin builds the plugin for each platform. It writes the archives, SHA256SUMS and dbscaler.yaml, the manifest for krew, into the
// folder s.out.
func writePlugin(ctx context.Context, s settings, out io.Writer) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	license, err := os.ReadFile(filepath.Join(s.source, "LICENSE"))
	if err != nil {
		return err
	}
	completion, err := os.ReadFile(filepath.Join(s.source, pluginPackage, completionScript))
	if err != nil {
		return err
	}
	manPages, err := buildManPages(ctx, s)
	if err != nil {
		return err
	}
	manifest := newKrewManifest(s.stamp.version)
	var sums strings.Builder
	for _, p := range s.platforms {
		binary, err := buildPlugin(ctx, s, p)
		if err != nil {
			return err
		}
		files := []archiveFile{{name: "kubectl-dbscaler", mode: 0o755, content: binary}, {name: "LICENSE", mode: 0o644, content: license}}
		name, pack := fmt.Sprintf("kubectl-dbscaler_%s_%s.tar.gz", p.os, p.arch), packTar
		if p.os == "windows" { // which has neither sh nor man
			files[0].name += ".exe"
			name, pack = strings.TrimSuffix(name, ".tar.gz")+".zip", packZip
		} else {
			files = append(files, archiveFile{name: completionScript, mode: 0o755, content: completion})
			files = append(files, manPages...)
		}
		archive, err := pack(s.stamp, files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.out, name), archive, 0o644); err != nil {
			return err
		}
		sum := fmt.Sprintf("%x", sha256.Sum256(archive))
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, krewPlatform{
			Selector: krewSelector{MatchLabels: map[string]string{"os": p.os, "arch": p.arch}},
			URI:      strings.TrimSuffix(s.baseURL, "/") + "/" + name, SHA256: sum, Bin: files[0].name,
		})
		fmt.Fprintf(out, "plugin: %s\n", filepath.Join(s.out, name))
	}
	content, err := yaml.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.out, pluginName+".yaml"), content, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

func newKrewManifest(version string) krewManifest {
	return krewManifest{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Metadata: krewName{Name: pluginName},
		Spec: krewSpec{
			Version: version, Homepage: "https://github.com/dbscaler/dbscaler",
			ShortDescription: "Watch and control the scaling of AWS databases",
			Description: "Shows what dbscaler does with RDS and Aurora databases and why. Pauses, overrides and approves its changes.\n" +
				"Drafts policies, checks what they need, from the IAM role to the quota, and replays recorded metrics with a policy, to\n" +
				"compare it with other autoscalers.\n",
			// krew puts only the plugin itself into the PATH: https://github.com/kubernetes-sigs/krew/issues/812
			Caveats: "To complete names of policies in the shell, on Linux and macOS:\n" +
				`  cp "${KREW_ROOT:-$HOME/.krew}"/store/dbscaler/*/` + completionScript + ` "${KREW_ROOT:-$HOME/.krew}/bin"` + "\n",
		},
	}
}

// buildPlugin returns the binary for the platform.
func buildPlugin(ctx context.Context, s settings, p platform) ([]byte, error) {
	folder, err := os.MkdirTemp("", "dbscaler-plugin-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "kubectl-dbscaler")
	b := build{folder: s.source, pkg: pluginPackage, versionVar: pluginVersion, platform: p}
	if err := b.compile(ctx, s.stamp.version, path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// archiveFile is a file in an archive.
type archiveFile struct {
	name    string
	mode    os.FileMode
	content []byte
}

// packTar returns a compressed tar archive whose files have the time of the stamp.
func packTar(s stamp, files []archiveFile) ([]byte, error) {
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	writer := tar.NewWriter(compressed)
	for _, file := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: file.name, Mode: int64(file.mode), ModTime: s.time, Size: int64(len(file.content)), Format: tar.FormatUSTAR,
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

// packZip returns a zip archive whose files have the time of the stamp.
func packZip(s stamp, files []archiveFile) ([]byte, error) {
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: s.time}
		header.SetMode(file.mode)
		entry, err := writer.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
