package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// profileSeconds is how long profiles of CPU and of allocations take.
const profileSeconds = 30

// profile writes profiles of CPU, allocations and heap of a process to the folder of the settings, while the test goes on.
func (t *loadTest) profile(ctx context.Context, process, address string) {
	if t.profiles == "" {
		return
	}
	for name, path := range map[string]string{
		"cpu": fmt.Sprintf("profile?seconds=%d", profileSeconds), "allocs": fmt.Sprintf("allocs?seconds=%d", profileSeconds), "heap": "heap",
	} {
		go func() {
			file := filepath.Join(t.profiles, strings.ReplaceAll(process, " ", "-")+"-"+name+".pprof")
			if err := download(ctx, "http://"+address+"/debug/pprof/"+path, file); err != nil {
				t.logf("profile of %s: %v", process, err)
			}
		}()
	}
}

func download(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, response.Body); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
