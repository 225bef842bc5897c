package app

import (
	"strings"
	"testing"
)

func TestPlugin_PrintsItsVersion(t *testing.T) {
	version = "v1.2.3"
	t.Cleanup(func() { version = "" })
	out, _, err := runPlugin(t, nil, "", "--version")
	if err != nil || strings.TrimSpace(out) != "kubectl dbscaler version v1.2.3" {
		t.Errorf("got %q, %v", out, err)
	}
}
