package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// goMod is a module that builds Kubernetes v1.37.2.
const goMod = "module example.com/controlplane\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes v1.37.2\n"

// The scripts stand in for the binaries and for build.sh: they print what the originals print, and write the same files.
const buildScript = `#!/bin/sh
echo building
mkdir -p "$1"
for name in kube-apiserver etcd kubectl; do
	printf '#!/bin/sh\necho Kubernetes v1.37.2\n' >"$1/$name" && chmod 755 "$1/$name"
done
`

func apiServerScript(version string) string { return "#!/bin/sh\necho Kubernetes " + version + "\n" }

// fixture has the folders of one test.
type fixture struct {
	t                   *testing.T
	module, dest, store string
	indexURL            string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{t: t, module: filepath.Join(dir, "module"), dest: filepath.Join(dir, "dest"), store: filepath.Join(dir, "store")}
	f.indexURL = "http://127.0.0.1:1/index.yaml" // nothing listens on port 1: the connection is refused
	f.write(filepath.Join(f.module, "go.mod"), goMod, 0o644)
	f.write(filepath.Join(f.module, "go.sum"), "", 0o644)
	f.write(filepath.Join(f.module, "build.sh"), buildScript, 0o755)
	return f
}

func (f *fixture) write(path, content string, mode os.FileMode) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		f.t.Fatal(err)
	}
}

// install writes binaries of the version into folder, without the ones named by except.
func (f *fixture) install(folder, version string, except ...string) {
	f.t.Helper()
	for _, name := range binaryNames {
		if !strings.Contains(strings.Join(except, " "), name) {
			f.write(filepath.Join(folder, name), apiServerScript(version), 0o755)
		}
	}
}

// installInStore installs a version as setup-envtest does.
func (f *fixture) installInStore(directory, version string, except ...string) {
	f.install(filepath.Join(f.store, "k8s", fmt.Sprintf("%s-%s-%s", directory, thisPlatform().OS, thisPlatform().Arch)), version, except...)
}

// run provides the control plane and returns what was printed.
func (f *fixture) run(args ...string) string {
	f.t.Helper()
	var out bytes.Buffer
	args = append([]string{"--dest", f.dest, "--module", f.module, "--store", f.store, "--index", f.indexURL}, args...)
	if err := run(f.t.Context(), args, &out); err != nil {
		f.t.Fatalf("run(%q): %v\n%s", args, err, out.String())
	}
	return out.String()
}

// wantVersion checks which version of kube-apiserver dest has, and that the others are there.
func (f *fixture) wantVersion(version string) {
	f.t.Helper()
	got, err := inspectBinaries(context.Background(), f.dest)
	if err != nil || got.String() != version {
		f.t.Errorf("dest has %v (%v), want %s", got, err, version)
	}
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the output lacks %q:\n%s", part, text)
		}
	}
}

// releases is a server with an index and its archives.
type releases struct {
	// archive maps a version such as v1.37.0 to the content of its archive.
	archive map[string][]byte
	// serveArchive serves an archive in another way.
	serveArchive func(http.ResponseWriter, *http.Request, []byte)
	wrongHash    bool
}

func serve(t *testing.T, r releases) (indexURL string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	index := "releases:\n"
	for version, content := range r.archive {
		name := fmt.Sprintf("envtest-%s-%s-%s.tar.gz", version, thisPlatform().OS, thisPlatform().Arch)
		sum := sha512.Sum512(content)
		if r.wrongHash {
			sum[0]++
		}
		index += fmt.Sprintf("  %s:\n    %s:\n      hash: %s\n      selfLink: %s/%s\n",
			version, name, hex.EncodeToString(sum[:]), server.URL, name)
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, request *http.Request) {
			if r.serveArchive != nil {
				r.serveArchive(w, request, content)
				return
			}
			w.Write(content)
		})
	}
	mux.HandleFunc("/index.yaml", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, index) })
	return server.URL + "/index.yaml"
}

// newArchive returns an archive as controller-tools publishes it.
func newArchive(t *testing.T, version string, names ...string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	compressed := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(compressed)
	for _, name := range names {
		content := apiServerScript(version)
		header := &tar.Header{Name: "controller-tools/envtest/" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestProvide_TakesTheNamedFolder(t *testing.T) {
	f := newFixture(t)
	assets := filepath.Join(t.TempDir(), "assets")
	f.install(assets, "v1.37.1")
	wantText(t, f.run("--assets", assets), "v1.37.1 in "+assets)
	if _, err := os.Stat(f.dest); err == nil {
		t.Error("dest was created although another folder was named")
	}

	older := filepath.Join(t.TempDir(), "older")
	f.install(older, "v1.30.0")
	wantText(t, f.run("--assets", older), "the tests are written for Kubernetes 1.37")

	incomplete := filepath.Join(t.TempDir(), "incomplete")
	f.install(incomplete, "v1.37.1", "kubectl")
	err := run(t.Context(), []string{"--dest", f.dest, "--module", f.module, "--assets", incomplete}, &bytes.Buffer{})
	if err == nil {
		t.Fatal("a folder without kubectl was accepted")
	}
	wantText(t, err.Error(), "has no kubectl", "unset it")
}

func TestProvide_KeepsWhatWasBuilt(t *testing.T) {
	f := newFixture(t)
	f.install(f.dest, "v1.37.2")
	stamp, err := computeStamp(t.Context(), f.module)
	if err != nil {
		t.Fatal(err)
	}
	f.write(filepath.Join(f.dest, ".stamp"), stamp+"\n", 0o644)
	f.installInStore("1.37.5", "v1.37.5")
	wantText(t, f.run(), "v1.37.2", "built from Go modules before")

	// Other module files need another build, unless a suitable version is installed.
	f.write(filepath.Join(f.module, "go.sum"), "changed\n", 0o644)
	wantText(t, f.run(), "v1.37.5 of envtest, which is installed in")
	f.wantVersion("v1.37.5")
}

func TestProvide_TakesTheNewestInstalledVersion(t *testing.T) {
	f := newFixture(t)
	f.installInStore("1.37.0", "v1.37.0")
	f.installInStore("1.37.3", "v1.37.3")
	f.installInStore("1.37.4", "v1.37.4", "kubectl") // incomplete
	f.installInStore("1.36.9", "v1.36.9")
	f.installInStore("1.38.0", "v1.38.0")
	wantText(t, f.run(), "v1.37.3 of envtest, which is installed in")
	f.wantVersion("v1.37.3")

	// The copy is used until another minor version is wanted, also when setup-envtest has removed its files.
	if err := os.RemoveAll(f.store); err != nil {
		t.Fatal(err)
	}
	wantText(t, f.run(), "v1.37.3 of envtest in "+f.dest)
	f.write(filepath.Join(f.module, "go.mod"), strings.ReplaceAll(goMod, "v1.37.2", "v1.38.0"), 0o644)
	f.installInStore("1.38.0", "v1.38.0")
	wantText(t, f.run(), "v1.38.0 of envtest, which is installed in")
}

func TestProvide_RejectsAnInstalledVersionThatDoesNotRun(t *testing.T) {
	f := newFixture(t)
	f.installInStore("1.37.0", "v1.37.0")
	broken := filepath.Join(f.store, "k8s", fmt.Sprintf("1.37.0-%s-%s", thisPlatform().OS, thisPlatform().Arch), "kube-apiserver")
	f.write(broken, "#!/bin/sh\necho no such instruction >&2\nexit 1\n", 0o755)
	wantText(t, f.run("--download=false"), "cannot be used", "no such instruction", "building")
	f.wantVersion("v1.37.2")
}

func TestProvide_Downloads(t *testing.T) {
	f := newFixture(t)
	f.indexURL = serve(t, releases{archive: map[string][]byte{
		"v1.36.2": newArchive(t, "v1.36.2", binaryNames...),
		"v1.37.0": newArchive(t, "v1.37.0", binaryNames...),
		"v1.37.1": newArchive(t, "v1.37.1", binaryNames...),
		"v1.38.0": newArchive(t, "v1.38.0", binaryNames...),
	}})
	wantText(t, f.run(), "v1.37.1 of envtest, downloaded in")
	f.wantVersion("v1.37.1")

	// The version is installed for setup-envtest too: another folder gets it without a download.
	f.indexURL = "http://127.0.0.1:1/index.yaml"
	f.dest = filepath.Join(t.TempDir(), "other")
	wantText(t, f.run(), "v1.37.1 of envtest, which is installed in")
}

// TestProvide_Builds has the reasons why nothing is downloaded. hang blocks until the client is gone.
func TestProvide_Builds(t *testing.T) {
	hang := func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() }
	stall := []string{"--stall", "50ms"}
	complete := map[string][]byte{"v1.37.1": newArchive(t, "v1.37.1", binaryNames...)}
	tests := []struct {
		name  string
		index func(*testing.T) string
		args  []string
		want  string // a part of the reason
	}{
		{name: "the server refuses the connection", index: func(*testing.T) string { return "http://127.0.0.1:1/index.yaml" }, want: "refused"},
		{name: "the server does not answer", args: stall, want: "nothing arrived for 50ms", index: func(t *testing.T) string {
			server := httptest.NewServer(http.HandlerFunc(hang))
			t.Cleanup(server.Close)
			return server.URL
		}},
		{name: "the server denies access", want: "403", index: func(t *testing.T) string {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
			t.Cleanup(server.Close)
			return server.URL
		}},
		{name: "a proxy answers with a page", want: "unmarshal", index: func(t *testing.T) string {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>sign in</html>") }))
			t.Cleanup(server.Close)
			return server.URL
		}},
		{name: "the archive stops in the middle", args: stall, want: "nothing arrived for 50ms", index: func(t *testing.T) string {
			return serve(t, releases{archive: complete, serveArchive: func(w http.ResponseWriter, request *http.Request, content []byte) {
				w.Write(content[:len(content)/2])
				w.(http.Flusher).Flush()
				hang(w, request)
			}})
		}},
		{name: "the limit is over", args: []string{"--limit", "50ms"}, want: "not complete after 50ms", index: func(t *testing.T) string {
			return serve(t, releases{archive: complete, serveArchive: func(w http.ResponseWriter, request *http.Request, _ []byte) {
				hang(w, request)
			}})
		}},
		{name: "the checksum differs", want: "checksum", index: func(t *testing.T) string {
			return serve(t, releases{archive: complete, wrongHash: true})
		}},
		{name: "the archive lacks kubectl", want: "has no kubectl", index: func(t *testing.T) string {
			return serve(t, releases{archive: map[string][]byte{"v1.37.1": newArchive(t, "v1.37.1", "kube-apiserver", "etcd")}})
		}},
		{name: "the index lacks the minor version", want: "the index has no version 1.37", index: func(t *testing.T) string {
			return serve(t, releases{archive: map[string][]byte{"v1.38.0": newArchive(t, "v1.38.0", binaryNames...)}})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.indexURL = test.index(t)
			f.write(filepath.Join(f.dest, recordFile), "v1.36.0\n", 0o644)
			wantText(t, f.run(test.args...), "no download of envtest 1.37", test.want, "building")
			f.wantVersion("v1.37.2")
			if _, err := os.Stat(filepath.Join(f.dest, recordFile)); err == nil {
				t.Error("the record of an earlier version is still there")
			}
		})
	}
}

func TestProvide_MakesNoRequestWhenNotAllowed(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the index was requested") }))
	t.Cleanup(server.Close)
	f.indexURL = server.URL
	wantText(t, f.run("--download=false"), "building")
}

func TestProvide_ReportsThatTheBuildFailed(t *testing.T) {
	f := newFixture(t)
	f.write(filepath.Join(f.module, "build.sh"), "#!/bin/sh\nexit 3\n", 0o755)
	err := run(t.Context(), []string{"--dest", f.dest, "--module", f.module, "--store", f.store, "--download=false"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("run: %v, want exit status 3", err)
	}
}

// TestWatchProgress plays a slow download with the clock of a synctest bubble: data every 9 seconds, three times, then none.
func TestWatchProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		ctx, watch := watchProgress(t.Context(), 10*time.Second)
		defer watch.stop()
		for range 3 {
			time.Sleep(9 * time.Second)
			if ctx.Err() != nil {
				t.Fatalf("canceled after %s although data arrived", time.Since(started))
			}
			if _, err := watch.Write([]byte("data")); err != nil {
				t.Fatal(err)
			}
		}
		<-ctx.Done()
		if got := time.Since(started); got != 37*time.Second {
			t.Errorf("canceled after %s, want 10s after the last data: 37s", got)
		}
	})
}

// TestComputeStamp_AsBuildScript lets the real build.sh compare the stamp: it ends without a build only if they are equal. Without a
// module proxy a build fails at once.
func TestComputeStamp_AsBuildScript(t *testing.T) {
	module := filepath.Join("..", "controlplane")
	stamp, err := computeStamp(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	dest := t.TempDir()
	if err := os.WriteFile(filepath.Join(dest, ".stamp"), []byte(stamp+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(module, "build.sh"), dest)
	command.Env = append(os.Environ(), "GOPROXY=off", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-mod=mod")
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("build.sh started a build: %v\n%s", err, output)
	}
}

func TestReadWantedVersion_OfThisRepository(t *testing.T) {
	version, err := readWantedVersion(filepath.Join("..", "controlplane"))
	if err != nil || version.major != 1 || version.minorNumber < 30 {
		t.Errorf("got %v, %v", version, err)
	}
}
