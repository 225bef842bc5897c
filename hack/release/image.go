package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// mainVersion is the variable of a program that gets its version.
	mainVersion = "main.version"
	// imageUser is the user and group of the operator: the number of "nonroot" in distroless images. Kubernetes can check a number only.
	imageUser = "65532:65532"
	// certificatesPath is where Go looks for CA certificates first.
	certificatesPath = "etc/ssl/certs/ca-certificates.crt"
)

// digests is the content of digests.json, for scripts that sign the image.
type digests struct {
	Image     string            `json:"image"`     // digest of the index
	Platforms map[string]string `json:"platforms"` // digest of the image of each platform
}

// programName returns the name of the program in the image: that of its folder, or dbscaler for the main package of the module.
func (s settings) programName() string {
	if name := path.Base(s.pkg); name != "." {
		return name
	}
	return "dbscaler"
}

// writeImage builds the image and writes it into the folder s.out: the OCI layout oci, an archive such as dbscaler.tar for `docker load`
// and `kind load image-archive`, and digests.json. It pushes the image if s.push is set.
func writeImage(ctx context.Context, s settings, out io.Writer) error {
	tag, err := name.NewTag(s.image)
	if err != nil {
		return err
	}
	index, err := buildIndex(ctx, s, s.source, "")
	if err != nil {
		return err
	}
	found, err := readDigests(index)
	if err != nil {
		return err
	}
	if s.compare != "" && s.compare != found.Image {
		return fmt.Errorf("the digest is %s instead of %s: the source, the version or the Go version (here %s) differ",
			found.Image, s.compare, runtime.Version())
	}
	if err := writeFiles(s, tag, index, found); err != nil {
		return err
	}
	fmt.Fprintf(out, "image: %s %s of %s, in %s\n", s.stamp.version, found.Image, s.stamp.time.Format("2006-01-02 15:04:05"), s.out)
	for _, p := range s.platforms {
		fmt.Fprintf(out, "  %s %s\n", p, found.Platforms[p.String()])
	}
	if !s.push {
		return nil
	}
	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("pushing %s: %w", tag, err)
	}
	fmt.Fprintf(out, "image: pushed %s\n", tag.Digest(found.Image))
	return nil
}

// buildIndex builds the image of each platform from the source in folder.
func buildIndex(ctx context.Context, s settings, folder, cache string) (v1.ImageIndex, error) {
	toolchain, err := goVersion(ctx, folder)
	if err != nil {
		return nil, err
	}
	labels := imageLabels(s.stamp, s.programName(), toolchain)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range s.platforms {
		if p.os != "linux" {
			return nil, fmt.Errorf("platform %s: the image can be built for linux only", p)
		}
		image, err := buildImage(ctx, s, labels, build{
			folder: folder, pkg: s.pkg, versionVar: mainVersion, platform: p, cache: cache,
		})
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	annotated, ok := mutate.Annotations(index, labels).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("the annotated index is no index")
	}
	return annotated, nil
}

// imageLabels returns the labels of each image and the annotations of the index:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md
func imageLabels(s stamp, program, toolchain string) map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":         program,
		"org.opencontainers.image.description":   "Keeps AWS RDS and Aurora databases the right size",
		"org.opencontainers.image.source":        "https://github.com/dbscaler/dbscaler",
		"org.opencontainers.image.documentation": "https://github.com/dbscaler/dbscaler/tree/main/docs",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       s.version,
		"org.opencontainers.image.created":       s.time.Format("2006-01-02T15:04:05Z"),
		"dbscaler.io/go-version":                 toolchain, // which a second build of the image needs
	}
	if s.revision != "" {
		labels["org.opencontainers.image.revision"] = s.revision
	}
	return labels
}

// buildImage builds the image of one platform: the CA certificates, and the binary, which has the time zones in it.
func buildImage(ctx context.Context, s settings, labels map[string]string, b build) (v1.Image, error) {
	folder, err := os.MkdirTemp("", "dbscaler-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	binaryPath := filepath.Join(folder, s.programName())
	if err := b.compile(ctx, s.stamp.version, binaryPath); err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(binaryPath)
	if err != nil {
		return nil, err
	}
	var additions []mutate.Addendum
	for _, file := range []imageFile{
		{path: certificatesPath, mode: 0o444, content: rootCertificates(), comment: "CA certificates of Mozilla"},
		{path: s.programName(), mode: 0o555, content: binary, comment: "a static binary"},
	} {
		layer, err := newLayer(s.stamp, file)
		if err != nil {
			return nil, err
		}
		additions = append(additions, mutate.Addendum{Layer: layer, History: v1.History{
			Created: v1.Time{Time: s.stamp.time}, CreatedBy: "hack/release", Comment: file.comment,
		}})
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: b.platform.os, Architecture: b.platform.arch, Created: v1.Time{Time: s.stamp.time},
		Config: v1.Config{Entrypoint: []string{"/" + s.programName()}, User: imageUser, WorkingDir: "/", Labels: labels},
		RootFS: v1.RootFS{Type: "layers"},
	}); err != nil {
		return nil, err
	}
	return mutate.Append(image, additions...)
}

// imageFile is a file in the image.
type imageFile struct {
	path    string
	mode    int64
	content []byte
	comment string
}

// newLayer returns a layer with the file and its folders, which belong to root and have the time of the stamp.
func newLayer(s stamp, file imageFile) (v1.Layer, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, folder := range parents(file.path) {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: s.time, Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: file.path, Mode: file.mode, ModTime: s.time, Size: int64(len(file.content)), Format: tar.FormatUSTAR,
	}
	if err := writer.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := writer.Write(file.content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
}

// parents returns the folders of a path, from the outermost.
func parents(file string) (folders []string) {
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		folders = slices.Insert(folders, 0, folder)
	}
	return folders
}

// readDigests returns the digest of the index and of its images.
func readDigests(index v1.ImageIndex) (digests, error) {
	digest, err := index.Digest()
	if err != nil {
		return digests{}, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return digests{}, err
	}
	found := digests{Image: digest.String(), Platforms: map[string]string{}}
	for _, image := range manifest.Manifests {
		found.Platforms[image.Platform.String()] = image.Digest.String()
	}
	return found, nil
}

// writeFiles replaces the image in the folder s.out.
func writeFiles(s settings, tag name.Tag, index v1.ImageIndex, found digests) error {
	oci := filepath.Join(s.out, "oci")
	if err := os.RemoveAll(oci); err != nil {
		return err
	}
	if err := os.MkdirAll(oci, 0o755); err != nil {
		return err
	}
	written, err := layout.Write(oci, empty.Index)
	if err != nil {
		return err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": tag.TagStr()}
	if err := written.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return err
	}
	content, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.out, "digests.json"), append(content, '\n'), 0o644); err != nil {
		return err
	}
	image, err := localImage(index, found)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(filepath.Join(s.out, s.programName()+".tar"), tag, image)
}

// localImage returns the image for the architecture of this machine, or else the first one.
func localImage(index v1.ImageIndex, found digests) (v1.Image, error) {
	wanted, ok := found.Platforms["linux/"+runtime.GOARCH]
	if !ok {
		manifest, err := index.IndexManifest()
		if err != nil {
			return nil, err
		}
		wanted = manifest.Manifests[0].Digest.String()
	}
	digest, err := v1.NewHash(wanted)
	if err != nil {
		return nil, err
	}
	return index.Image(digest)
}
