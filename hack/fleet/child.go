package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// childStartTimeout is how long a process may take until it says where it listens.
	childStartTimeout = time.Minute
	// childStopTimeout is how long a process may take to end after it was asked to.
	childStopTimeout = 10 * time.Second
	// headerTimeout is the maximum time in which a client must send the header of a request.
	headerTimeout = 10 * time.Second
)

// child is a process of this program. It ends when its standard input is closed, and so also when this process is killed.
type child struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.Closer
	log     *os.File
	exited  chan struct{}
	address string // that its first line of output names
}

// startChild starts this program again with a subcommand and waits for its first line of output, which is where it listens. Its
// standard error goes to a file of the folder.
func startChild(ctx context.Context, folder, name string, environment, args []string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(folder + "/" + name + ".log")
	if err != nil {
		return nil, err
	}
	c := &child{name: name, cmd: exec.Command(self, args...), log: log, exited: make(chan struct{})}
	c.cmd.Env, c.cmd.Stderr = append(os.Environ(), environment...), log
	input, errIn := c.cmd.StdinPipe()
	output, errOut := c.cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, c.cmd.Start()); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	c.stdin = input
	first := make(chan string, 1)
	go func() {
		reader := bufio.NewReader(output)
		line, _ := reader.ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, reader)
		_ = c.cmd.Wait() // the log has the cause; here only the exit matters
		close(c.exited)
	}()
	timeout := time.NewTimer(childStartTimeout)
	defer timeout.Stop()
	select {
	case c.address = <-first:
	case <-timeout.C:
	case <-ctx.Done():
	}
	if c.address == "" {
		c.kill()
		return nil, fmt.Errorf("%s did not start; see %s", name, log.Name())
	}
	return c, nil
}

// pid is the id of the process.
func (c *child) pid() int { return c.cmd.Process.Pid }

// isRunning reports whether the process has not ended.
func (c *child) isRunning() bool {
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// kill ends the process with SIGKILL and waits until it has ended.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended already
	<-c.exited
	_ = c.log.Close()
}

// stop asks the process to end, and kills it when it does not.
func (c *child) stop() {
	_ = c.stdin.Close()
	timeout := time.NewTimer(childStopTimeout)
	defer timeout.Stop()
	select {
	case <-c.exited:
	case <-timeout.C:
	}
	c.kill()
}

// runChild runs the body of a child: until it returns, or standard input is closed.
func runChild(ctx context.Context, args []string, body func(context.Context, []string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return body(ctx, args)
}

// announce tells the parent where this process listens.
func announce(address string) { fmt.Fprintln(os.Stdout, address) }

// serveProfiles serves the profiles of this process on an address, until it ends, and what further handlers have.
func serveProfiles(address string, further map[string]http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	for path, handler := range further {
		mux.Handle(path, handler)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	go func() { _ = server.Serve(listener) }() // it stops with the process
	return nil
}

// freeAddress returns an address of the loopback interface on which nothing listens.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
