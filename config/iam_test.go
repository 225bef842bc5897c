package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// TestIAM_EveryDocumentIsValid parses every document in config/iam: trust policies by their name, and identity policies.
func TestIAM_EveryDocumentIsValid(t *testing.T) {
	files, err := filepath.Glob("iam/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files in config/iam (error %v), want at least 6", len(files), err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(file), "trust-") {
			_, err = rdssim.ParseTrustPolicy(document)
		} else {
			_, err = rdssim.ParsePolicy(document)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
