package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/simclock"
)

// supervisor runs the operator in a separate process, which the demonstration can kill and start again.
type supervisor struct {
	kubeconfig, endpoint string
	clock                simclock.Scaled
	log                  *os.File
	// ledger is the file for its decisions; empty writes none.
	ledger string

	mu      sync.Mutex
	process *os.Process
	exited  chan struct{}
}

// start starts the operator. The process logs to the supervisor's log file.
func (s *supervisor) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{operatorCommand, "--ledger-file", s.ledger}, clockFlags(s.clock)...)...)
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+s.kubeconfig, "AWS_ENDPOINT_URL="+s.endpoint, "AWS_ACCESS_KEY_ID=demo", "AWS_SECRET_ACCESS_KEY=demo",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the operator: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log has the cause; here only the exit matters
		close(exited)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.exited = cmd.Process, exited
	return nil
}

// pid returns the id of the current process.
func (s *supervisor) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Pid
}

// isRunning reports whether the operator's process is running.
func (s *supervisor) isRunning() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// kill ends the operator with SIGKILL and waits until it has exited.
func (s *supervisor) kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Kill() // it may have exited already
	<-s.exited
}

// residentBytes returns the resident memory of the operator's process. It is known only where /proc exists.
func (s *supervisor) residentBytes() (int64, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib * 1024, err == nil
		}
	}
	return 0, false
}

// drawKillTimes draws n random simulated times, from start on for duration, at which the operator is killed.
func drawKillTimes(n int, seed int64, start time.Time, duration time.Duration) []time.Time {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	times := make([]time.Time, n)
	for i := range times {
		times[i] = start.Add(time.Duration(random.Int64N(int64(duration))))
	}
	return times
}

// runKubectl runs kubectl and writes the command and its indented output to out. Paths are shown relative to the project folder.
func runKubectl(ctx context.Context, out io.Writer, binary, kubeconfig, projectDir string, args ...string) error {
	fmt.Fprintf(out, "$ kubectl %s\n", strings.ReplaceAll(strings.Join(args, " "), projectDir+string(filepath.Separator), ""))
	cmd := exec.CommandContext(ctx, binary, append([]string{"--kubeconfig", kubeconfig}, args...)...)
	text, err := cmd.CombinedOutput()
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		fmt.Fprintf(out, "  %s\n", lines.Text())
	}
	if err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// findProjectDir returns the folder that holds go.mod: the working directory or the nearest one above it.
func findProjectDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod in the working directory or above it: run the command in the project folder")
		}
	}
}
