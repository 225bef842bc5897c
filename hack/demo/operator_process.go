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

// supervisor runs the operator in a process of its own, and starts it again when it was killed.
type supervisor struct {
	kubeconfig, endpoint string
	clock                simclock.Scaled
	log                  *os.File

	mu      sync.Mutex
	process *os.Process
	exited  chan struct{}
}

// start starts the operator. Its log goes to the supervisor's log file.
func (s *supervisor) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, operatorCommand,
		"--origin", s.clock.Origin.Format(time.RFC3339Nano), "--start", s.clock.Start.Format(time.RFC3339Nano),
		"--speed", strconv.FormatFloat(s.clock.Speed, 'g', -1, 64))
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+s.kubeconfig, "AWS_ENDPOINT_URL="+s.endpoint, "AWS_ACCESS_KEY_ID=demo", "AWS_SECRET_ACCESS_KEY=demo",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the operator: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log; what matters is that it did
		close(exited)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.exited = cmd.Process, exited
	return nil
}

// pid is the process that runs now.
func (s *supervisor) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Pid
}

// isRunning says whether the operator's process is there.
func (s *supervisor) isRunning() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// kill ends the operator at once, as kill -9 does, and waits until it is gone.
func (s *supervisor) kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Kill() // it may have ended by itself
	<-s.exited
}

// residentBytes is how much memory the operator's process has resident, where the machine tells.
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

// drawKillTimes draws the simulated moments at which the operator is killed.
func drawKillTimes(n int, seed int64, start time.Time, length time.Duration) []time.Time {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	times := make([]time.Time, n)
	for i := range times {
		times[i] = start.Add(time.Duration(random.Int64N(int64(length))))
	}
	return times
}

// runKubectl runs kubectl and shows what it says, indented. Paths are shown from the project's folder.
func runKubectl(ctx context.Context, out io.Writer, binary, kubeconfig, root string, args ...string) error {
	fmt.Fprintf(out, "$ kubectl %s\n", strings.ReplaceAll(strings.Join(args, " "), root+string(filepath.Separator), ""))
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

// findProjectDir is the folder that holds go.mod, here or above.
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
			return "", errors.New("run it from the project's folder: there is no go.mod here or above")
		}
	}
}
