package argocdtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// policiesDir is the folder of the Git repository that Argo CD applies, and branch the branch.
const (
	policiesDir = "policies"
	branch      = "main"
)

// repository is a local Git repository.
type repository struct{ folder string }

// newRepository creates a repository with the samples and claims.yaml.
func newRepository(t *testing.T, folder, root string) *repository {
	t.Helper()
	r := &repository{filepath.Join(folder, "repository")}
	if err := os.MkdirAll(filepath.Join(r.folder, policiesDir), 0o700); err != nil {
		t.Fatal(err)
	}
	r.git(t, "init", "--quiet", "--initial-branch="+branch)
	samples, err := filepath.Glob(filepath.Join(root, "config", "samples", "*.yaml"))
	if err != nil || len(samples) < 2 {
		t.Fatalf("samples: %v, %v", samples, err)
	}
	for _, sample := range samples {
		if filepath.Base(sample) != "kustomization.yaml" { // Argo CD would start kustomize
			r.add(t, sample)
		}
	}
	r.add(t, filepath.Join("testdata", "claims.yaml"))
	r.commit(t, "Add the samples and claims")
	return r
}

// policies are the names of the policies in the repository, sorted. A file has the name of its policy.
func (r *repository) policies(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.folder, policiesDir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files { // Glob sorts
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); !strings.HasPrefix(name, "awsaccount-") {
			names = append(names, name)
		}
	}
	return names
}

// url is the address of the repository for Git.
func (r *repository) url() string { return "file://" + r.folder }

// add copies a file into the folder that Argo CD applies.
func (r *repository) add(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.folder, policiesDir, filepath.Base(file)), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// remove removes a file that Argo CD applies.
func (r *repository) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(r.folder, policiesDir, name)); err != nil {
		t.Fatal(err)
	}
}

// commit commits all changes.
func (r *repository) commit(t *testing.T, message string) {
	t.Helper()
	r.git(t, "add", "--all")
	r.git(t, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", message)
}

func (r *repository) git(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = r.folder
	// without the caller's settings, such as hooks, and without the variables of a hook that runs this test
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.folder, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}
