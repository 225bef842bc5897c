package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
)

// recordFile is a file in dest with the version of the envtest binaries that were copied there, such as v1.37.0. Binaries that were
// built have the file .stamp of build.sh instead.
const recordFile = ".envtest"

// provider provides the control plane.
type provider struct {
	dest     string // the folder that gets the binaries
	assets   string // a folder that has them, used instead of dest; or empty
	module   string // the folder of the module that builds them
	storeDir string // the folder of setup-envtest; or empty
	download downloadSettings
	build    func(context.Context) error
	out      io.Writer
}

// provide takes the first way that works, and prints it.
func (p provider) provide(ctx context.Context) error {
	wanted, err := readWantedVersion(p.module)
	if err != nil {
		return err
	}
	if p.assets != "" && p.assets != p.dest {
		return p.checkAssets(ctx, wanted)
	}
	if way := p.findPresent(ctx, wanted); way != "" {
		p.say("%s", way)
		return nil
	}
	source, err := p.findInstalled(ctx, wanted)
	if err == nil {
		if err = p.copyBinaries(ctx, source); err == nil {
			p.say("Kubernetes %s of envtest, which is installed in %s", source.version, source.folder)
			return nil
		}
	}
	if !errors.Is(err, errNoneInstalled) {
		p.say("the installed version of envtest cannot be used: %v", err)
	}
	if p.download.allowed {
		started := time.Now()
		if source, err = p.fetch(ctx, wanted); err == nil {
			if err = p.copyBinaries(ctx, source); err == nil {
				p.say("Kubernetes %s of envtest, downloaded in %.0f s into %s", source.version, time.Since(started).Seconds(), source.folder)
				return nil
			}
		}
		if ctx.Err() != nil { // the user ended the program
			return context.Cause(ctx)
		}
		p.say("no download of envtest %s (%v): building it from Go modules; ENVTEST_DOWNLOAD=0 makes no attempt to download", wanted.minor(), err)
	}
	if err := os.Remove(filepath.Join(p.dest, recordFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return p.build(ctx)
}

// checkAssets checks the folder that the user has named. Another Kubernetes version than the wanted one may be intended.
func (p provider) checkAssets(ctx context.Context, wanted kubernetesVersion) error {
	version, err := inspectBinaries(ctx, p.assets)
	if err != nil {
		return fmt.Errorf("KUBEBUILDER_ASSETS cannot be used: %w; unset it, or let it name another folder", err)
	}
	p.say("Kubernetes %s in %s, as KUBEBUILDER_ASSETS says", version, p.assets)
	if version.minor() != wanted.minor() {
		p.say("the tests are written for Kubernetes %s, and some of them may fail with %s", wanted.minor(), version.minor())
	}
	return nil
}

// findPresent says what dest already has; nothing if that is missing or of another version.
func (p provider) findPresent(ctx context.Context, wanted kubernetesVersion) string {
	version, err := inspectBinaries(ctx, p.dest)
	if err != nil {
		return ""
	}
	if stamp, err := os.ReadFile(filepath.Join(p.dest, ".stamp")); err == nil {
		if expected, err := computeStamp(ctx, p.module); err == nil && strings.TrimSpace(string(stamp)) == expected {
			return fmt.Sprintf("Kubernetes %s in %s, built from Go modules before", version, p.dest)
		}
	}
	recorded, err := os.ReadFile(filepath.Join(p.dest, recordFile))
	if err == nil && strings.TrimSpace(string(recorded)) == version.String() && version.minor() == wanted.minor() {
		return fmt.Sprintf("Kubernetes %s of envtest in %s", version, p.dest)
	}
	return ""
}

// binarySource is a folder with complete binaries of the wanted version.
type binarySource struct {
	folder  string
	version kubernetesVersion
}

var errNoneInstalled = errors.New("none is installed")

// findInstalled finds the newest patch version that setup-envtest has installed. The error is errNoneInstalled if there is none.
func (p provider) findInstalled(ctx context.Context, wanted kubernetesVersion) (binarySource, error) {
	if p.storeDir == "" {
		return binarySource{}, errNoneInstalled
	}
	installed := store.NewAt(p.storeDir)
	items, err := installed.List(logr.NewContext(ctx, logr.Discard()), store.Filter{Version: wanted.selector(), Platform: thisPlatform()})
	if err != nil || len(items) == 0 { // the folder is missing, as a rule
		return binarySource{}, errNoneInstalled
	}
	err = nil
	for _, item := range items {
		source, broken := inspectItem(ctx, installed, item, wanted)
		if broken == nil {
			return source, nil
		}
		err = errors.Join(err, broken)
	}
	return binarySource{}, err
}

// inspectItem checks an installed version.
func inspectItem(ctx context.Context, installed *store.Store, item store.Item, wanted kubernetesVersion) (binarySource, error) {
	folder, err := installed.Path(item)
	if err != nil {
		return binarySource{}, err
	}
	version, err := inspectBinaries(ctx, folder)
	if err != nil {
		return binarySource{}, err
	}
	if version.minor() != wanted.minor() {
		return binarySource{}, fmt.Errorf("%s has %s instead of %s", folder, version, item.Version)
	}
	return binarySource{folder: folder, version: version}, nil
}

// copyBinaries copies the binaries into dest and records their version. They are copied and not linked, because a later build writes
// into the files that it finds.
func (p provider) copyBinaries(ctx context.Context, source binarySource) error {
	if err := os.MkdirAll(p.dest, 0o755); err != nil {
		return err
	}
	for _, stale := range []string{".stamp", recordFile} {
		if err := os.Remove(filepath.Join(p.dest, stale)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for _, name := range binaryNames {
		if err := copyFile(filepath.Join(source.folder, name), filepath.Join(p.dest, name)); err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	if _, err := inspectBinaries(ctx, p.dest); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dest, recordFile), []byte(source.version.String()+"\n"), 0o644)
}

// copyFile replaces the executable file to by a copy of from.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".copy-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

func (p provider) say(format string, args ...any) {
	fmt.Fprintf(p.out, "control plane: "+format+"\n", args...)
}
