// Command envtest provides kube-apiserver, etcd and kubectl for tests and the demo, in the folder that --dest names. It takes the first
// of these ways that works, and prints which one:
//
//  1. the folder that --assets names, or binaries that are in --dest already
//  2. a version that setup-envtest has installed on this machine
//  3. a download by setup-envtest, which ends when nothing arrives for --stall, and at --limit in any case
//  4. a build from Go modules, by hack/controlplane/build.sh
//
// Ways 2 and 3 must have the Kubernetes minor version that way 4 would build.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/tools/setup-envtest/remote"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "control plane: %v\n", err)
		os.Exit(1)
	}
}

// run provides the control plane as the flags say.
func run(ctx context.Context, args []string, out io.Writer) error {
	p := provider{out: out, download: downloadSettings{}}
	flags := flag.NewFlagSet("envtest", flag.ContinueOnError)
	flags.StringVar(&p.dest, "dest", "", "folder that gets the binaries; required")
	flags.StringVar(&p.assets, "assets", "", "folder that has the binaries, to be used instead of --dest")
	flags.StringVar(&p.module, "module", "", "folder of the module that builds the binaries: hack/controlplane; required")
	flags.StringVar(&p.storeDir, "store", "", "folder of the versions that setup-envtest has installed; by default that of setup-envtest")
	allowed := flags.Bool("download", true, "download a version if none is installed")
	flags.StringVar(&p.download.indexURL, "index", remote.DefaultIndexURL, "URL of the index of versions")
	flags.DurationVar(&p.download.stall, "stall", 10*time.Second, "end the download when nothing arrives for so long")
	flags.DurationVar(&p.download.limit, "limit", 3*time.Minute, "end the download after so long")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if p.dest == "" || p.module == "" {
		return fmt.Errorf("--dest and --module are required")
	}
	p.download.allowed = *allowed
	if p.storeDir == "" {
		// Without a home folder there is no installed version, and none can be installed.
		p.storeDir, _ = store.DefaultStoreDir()
	}
	p.build = func(ctx context.Context) error { return runBuild(ctx, p.module, p.dest, out) }
	return p.provide(ctx)
}

// runBuild runs build.sh of the folder module, which builds the binaries into dest.
func runBuild(ctx context.Context, module, dest string, out io.Writer) error {
	command := exec.CommandContext(ctx, filepath.Join(module, "build.sh"), dest)
	command.Stdout, command.Stderr = out, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("building from source: %w", err)
	}
	return nil
}
