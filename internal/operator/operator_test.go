package operator

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name    string
		options Options
		says    string
	}{
		{"as installed", Options{Concurrency: 4, Speed: 1}, ""},
		{"nobody works", Options{Concurrency: 0, Speed: 1}, "concurrency must be from 1 to 64, not 0"},
		{"too many work", Options{Concurrency: 65, Speed: 1}, "concurrency must be from 1 to 64, not 65"},
		{"time stands still", Options{Concurrency: 4}, "speed must be above 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.options.Validate()
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}
