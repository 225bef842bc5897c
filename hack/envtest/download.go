package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/remote"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
)

// downloadSettings say whether and how a version is downloaded.
type downloadSettings struct {
	allowed  bool
	indexURL string
	stall    time.Duration // the download ends when nothing arrives for so long
	limit    time.Duration // the download ends after so long
}

// fetch downloads the newest patch version of the wanted minor version, as setup-envtest does, and installs it in the folder of
// setup-envtest. The library compares the archive with the SHA-512 of the index.
func (p provider) fetch(ctx context.Context, wanted kubernetesVersion) (binarySource, error) {
	if p.storeDir == "" {
		return binarySource{}, errors.New("there is no home folder to install it in")
	}
	ctx = logr.NewContext(ctx, logr.Discard())
	installed := store.NewAt(p.storeDir)
	if err := installed.Initialize(ctx); err != nil {
		return binarySource{}, err
	}
	archive, err := os.CreateTemp("", "envtest-")
	if err != nil {
		return binarySource{}, err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()

	version, err := p.download.fetchArchive(ctx, wanted, archive)
	if err != nil {
		return binarySource{}, err
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return binarySource{}, err
	}
	item := store.Item{Version: version, Platform: thisPlatform()}
	if err := installed.Add(ctx, item, archive); err != nil {
		return binarySource{}, err
	}
	return inspectItem(ctx, installed, item, wanted)
}

// fetchArchive writes the archive of the newest patch version to out. The error says so when one of the two time limits ended it.
func (s downloadSettings) fetchArchive(ctx context.Context, wanted kubernetesVersion, out io.Writer) (versions.Concrete, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, fmt.Errorf("it is not complete after %s", s.limit))
	defer cancel()
	ctx, watch := watchProgress(ctx, s.stall)
	defer watch.stop()

	client := &remote.HTTPClient{Log: logr.Discard(), IndexURL: s.indexURL}
	version, platform, err := findVersion(ctx, client, wanted)
	if err == nil {
		watch.progress()
		err = client.GetVersion(ctx, version, platform, io.MultiWriter(out, watch))
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return version, err
}

// findVersion returns the newest version in the index that matches, and its archive for this platform.
func findVersion(ctx context.Context, client remote.Client, wanted kubernetesVersion) (versions.Concrete, versions.PlatformItem, error) {
	sets, err := client.ListVersions(ctx) // the newest version first
	if err != nil {
		return versions.Concrete{}, versions.PlatformItem{}, err
	}
	for _, set := range sets {
		if !wanted.selector().Matches(set.Version) {
			continue
		}
		for _, platform := range set.Platforms {
			if platform.Platform == thisPlatform() {
				return set.Version, platform, nil
			}
		}
	}
	return versions.Concrete{}, versions.PlatformItem{}, fmt.Errorf("the index has no version %s for %s", wanted.minor(), thisPlatform())
}

// progressWatch cancels a context when there is no progress for a while. Each write to it is progress.
type progressWatch struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

// watchProgress returns a context that is canceled when there is no progress for the duration stall.
func watchProgress(ctx context.Context, stall time.Duration) (context.Context, *progressWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing arrived for %s", stall)) })
	return ctx, &progressWatch{cancel: cancel, timer: timer, stall: stall}
}

func (w *progressWatch) progress() { w.timer.Reset(w.stall) }

// Write implements io.Writer.
func (w *progressWatch) Write(data []byte) (int, error) {
	w.progress()
	return len(data), nil
}

// stop releases the timer and the context.
func (w *progressWatch) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}
