package app

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// reportArchive collects the files of a report, redacted.
type reportArchive struct {
	redactor *redactor
	names    []string
	files    map[string]string
	problems []string
}

func newReportArchive() *reportArchive {
	return &reportArchive{redactor: newRedactor(), files: map[string]string{}}
}

// add adds a file. The lines of logs and of a ledger are JSON.
func (a *reportArchive) add(name, text string) {
	if _, exists := a.files[name]; !exists {
		a.names = append(a.names, name)
	}
	if strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".jsonl") {
		a.files[name] = a.redactor.redactLines(text)
		return
	}
	a.files[name] = a.redactor.redact(text)
}

// addProblem notes something that could not be read.
func (a *reportArchive) addProblem(format string, args ...any) {
	a.problems = append(a.problems, a.redactor.redact(fmt.Sprintf(format, args...)))
}

// addObjects adds a file with objects, without what may contain secrets: see cleanObject.
func (a *reportArchive) addObjects(name string, objects []unstructured.Unstructured) error {
	var out bytes.Buffer
	for n := range objects {
		cleanObject(&objects[n])
		text, err := yaml.Marshal(objects[n].Object)
		if err != nil {
			return err
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	a.add(name, out.String())
	return nil
}

// lastApplied is the annotation in which kubectl apply keeps the whole object, with the values of variables.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// cleanObject removes managedFields, the copy of the object that kubectl apply keeps, and the values of environment variables.
func cleanObject(o *unstructured.Unstructured) {
	o.SetManagedFields(nil)
	if annotations := o.GetAnnotations(); annotations != nil {
		delete(annotations, lastApplied)
		o.SetAnnotations(annotations)
	}
	removeEnvironment(o.Object)
}

// removeEnvironment replaces the values of the environment variables of all containers in a document.
func removeEnvironment(value any) {
	switch v := value.(type) {
	case map[string]any:
		if variables, isList := v["env"].([]any); isList {
			for _, variable := range variables {
				if fields, isMap := variable.(map[string]any); isMap {
					if _, hasValue := fields["value"]; hasValue {
						fields["value"] = "redacted"
					}
				}
			}
		}
		for _, field := range v {
			removeEnvironment(field)
		}
	case []any:
		for _, item := range v {
			removeEnvironment(item)
		}
	}
}

// write writes the archive. An existing file is replaced only by force; a file that is not complete is removed.
func (a *reportArchive) write(path string, force bool, now time.Time) (err error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	name := path
	if force {
		flags, name = os.O_WRONLY|os.O_CREATE|os.O_TRUNC, path+".part" // the old file stays until the new one is complete
	}
	file, err := os.OpenFile(name, flags, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return asInputError(fmt.Errorf("%s exists: choose another --output, or replace it with --force", path))
	case errors.Is(err, fs.ErrNotExist):
		return asInputError(fmt.Errorf("the folder %s does not exist: create it, or choose another --output", filepath.Dir(path)))
	case err != nil:
		return asInputError(err)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err == nil && name != path {
			err = os.Rename(name, path)
		}
		if err != nil {
			err = errors.Join(err, os.Remove(name))
		}
	}()
	archive := zip.NewWriter(file)
	for _, name := range a.names {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: now.UTC()})
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte(a.files[name])); err != nil {
			return err
		}
	}
	return archive.Close()
}
