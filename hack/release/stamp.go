package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// stamp identifies the source of a build.
type stamp struct {
	version  string    // a semantic version with a leading v
	revision string    // hash of the commit; empty if it is unknown
	time     time.Time // time of the commit, which all files get: https://reproducible-builds.org/specs/source-date-epoch/
}

// readStamp reads the stamp of the folder from git. The argument version, and the environment variables SOURCE_DATE_EPOCH (seconds since
// 1970) and REVISION take precedence; where the first two are known, git is not needed.
func readStamp(ctx context.Context, folder, version string) (stamp, error) {
	s := stamp{version: version, revision: os.Getenv("REVISION")}
	if version != "" && !semver.IsValid(version) {
		return s, fmt.Errorf("version %q is not a semantic version such as v1.2.3", version)
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	dirty := false
	if epoch == "" || version == "" {
		var err error
		if epoch, dirty, err = readCommit(ctx, folder, epoch, &s); err != nil {
			return s, fmt.Errorf("%w; without a git checkout set VERSION and SOURCE_DATE_EPOCH", err)
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return s, fmt.Errorf("SOURCE_DATE_EPOCH is not a number of seconds: %w", err)
	}
	s.time = time.Unix(seconds, 0).UTC()
	if s.version == "" {
		s.version = module.PseudoVersion("v0", "", s.time, s.revision[:12])
	}
	if dirty && version == "" {
		s.version += "+dirty"
	}
	return s, nil
}

// readCommit sets revision and version of the stamp from the commit, as far as they are empty. It returns the time of the commit, unless
// that is known already, and whether files differ from the commit.
func readCommit(ctx context.Context, folder, epoch string, s *stamp) (commitTime string, dirty bool, err error) {
	if s.revision == "" {
		if s.revision, err = git(ctx, folder, "rev-parse", "HEAD"); err != nil {
			return "", false, err
		}
	}
	if epoch == "" {
		if epoch, err = git(ctx, folder, "show", "--no-patch", "--format=%ct", "HEAD"); err != nil {
			return "", false, err
		}
	}
	if s.version == "" {
		tags, err := git(ctx, folder, "tag", "--points-at", "HEAD")
		if err != nil {
			return "", false, err
		}
		s.version = newestVersion(strings.Fields(tags))
	}
	changes, err := git(ctx, folder, "status", "--porcelain")
	return epoch, changes != "", err
}

// newestVersion returns the highest semantic version among the tags; empty if there is none.
func newestVersion(tags []string) (newest string) {
	for _, tag := range tags {
		if semver.IsValid(tag) && semver.Compare(tag, newest) > 0 {
			newest = tag
		}
	}
	return newest
}

func git(ctx context.Context, folder string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = folder
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(output)), nil
}
