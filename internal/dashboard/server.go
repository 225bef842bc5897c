// Package dashboard serves a web page about policies on the loopback interface: the fleet by risk, and the day of a database. It shows what
// internal/view computes, as JSON with the same names as the commands of the plugin, and changes nothing. A Source reads the policies.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Options are what a server needs.
type Options struct {
	Source Source
	// Measure reads the load from AWS; nil shows no load of now.
	Measure Measure
	// LedgerFile is the path of a ledger, which is read again when it grows; empty shows none.
	LedgerFile string
	// Clock is that of the policies.
	Clock clock.PassiveClock
	// Cluster names the cluster for a person, such as the context of the kubeconfig, and Version is that of the program.
	Cluster, Version string
	// Refresh is how often a page reads again; zero means DefaultRefresh.
	Refresh time.Duration
}

// DefaultRefresh is how often a page reads again.
const DefaultRefresh = 3 * time.Second

// The limits of the server. A request takes as long as the API server needs to list the policies.
const (
	readTimeout     = 10 * time.Second
	writeTimeout    = time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second
	maxHeaderBytes  = 16 << 10
)

// Server serves the dashboard.
type Server struct {
	Options
	startedAt time.Time
	cache     cache
	ledger    *ledgerFile // nil without a ledger
}

// New makes a server. The error says why the ledger cannot be read.
func New(o Options) (*Server, error) {
	if o.Refresh == 0 {
		o.Refresh = DefaultRefresh
	}
	s := &Server{Options: o, startedAt: o.Clock.Now().UTC()}
	if o.LedgerFile != "" {
		s.ledger = &ledgerFile{path: o.LedgerFile}
		if err := s.ledger.refresh(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Listen opens a port of 127.0.0.1; 0 chooses a free one. No other host can reach it.
func Listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("the port %d of 127.0.0.1 cannot be opened: %w: choose another --port, or leave it out for a free one", port, err)
	}
	return listener, nil
}

// URL is the address of the page for a listener of Listen.
func URL(listener net.Listener) string { return "http://" + listener.Addr().String() + "/" }

// Serve serves the dashboard until the context ends. It returns when nothing that it started runs any more.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	server := &http.Server{
		Handler: s.handler(listener.Addr().String(), func(run func(ctx context.Context)) {
			background.Go(func() { run(ctx) })
		}),
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	background.Go(func() { served <- server.Serve(listener) })
	select {
	case err := <-served:
		return fmt.Errorf("the dashboard stopped: %w", err)
	case <-ctx.Done():
	}
	// The requests in progress end with ctx, which is theirs too.
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer stop()
	if err := server.Shutdown(end); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
