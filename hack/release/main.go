// Command release builds what a release of dbscaler consists of. Each command gives the same bytes for the same commit and Go version, in
// whatever folder and at whatever time it runs.
//
//	release image   the container image, for several platforms; no container engine is needed
//	release sbom    the software bill of materials of each binary in the image, as CycloneDX
//	release plugin  the archives of the kubectl plugin, their checksums, and the manifest for krew
//	release check   builds the image in two folders and compares the digests
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// settings are the flags of all commands.
type settings struct {
	source    string // folder of the module that is released
	out       string // folder that gets the files
	platforms []platform
	stamp     stamp

	pkg     string // package of the program in the image, relative to source
	image   string // name and tag of the image
	push    bool
	compare string // digest that the image must have; or empty
	fresh   bool   // check only: the second build has an empty build cache
	baseURL string // plugin only: URL of the folder of the archives
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

// run executes the command that the first argument names.
func run(ctx context.Context, args []string, out io.Writer) error {
	commands := map[string]func(context.Context, settings, io.Writer) error{
		"image": writeImage, "sbom": writeSBOMs, "plugin": writePlugin, "check": checkReproducible,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return fmt.Errorf("the first argument must be image, sbom, plugin or check")
	}
	s, err := parseSettings(ctx, args)
	if err != nil {
		return err
	}
	return commands[args[0]](ctx, s, out)
}

// parseSettings reads the flags of the command, and from git what they do not say.
func parseSettings(ctx context.Context, args []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("release "+args[0], flag.ContinueOnError)
	flags.StringVar(&s.source, "source", ".", "folder of the module that is released")
	flags.StringVar(&s.out, "out", "", "folder that gets the files; required, but for check")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "platforms, separated by commas")
	version := flags.String("version", "", "version; by default the tag of the commit, or one with its time and hash")
	flags.StringVar(&s.pkg, "package", ".", "package of the program in the image, such as ./hack/rdssim")
	flags.StringVar(&s.image, "image", "dbscaler:latest", "name and tag of the image")
	flags.BoolVar(&s.push, "push", false, "push the image to its registry, with the credentials of docker login")
	flags.StringVar(&s.compare, "compare", "", "digest that the image must have")
	flags.BoolVar(&s.fresh, "fresh", false, "check: compile everything again for the second build")
	flags.StringVar(&s.baseURL, "base-url", "", "plugin: URL of the folder that the archives will be downloaded from")
	if err := flags.Parse(args[1:]); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.out == "" && args[0] != "check" {
		return s, fmt.Errorf("--out is required")
	}
	for text := range strings.SplitSeq(*platforms, ",") {
		p, err := parsePlatform(text)
		if err != nil {
			return s, err
		}
		s.platforms = append(s.platforms, p)
	}
	var err error
	s.stamp, err = readStamp(ctx, s.source, *version)
	return s, err
}
