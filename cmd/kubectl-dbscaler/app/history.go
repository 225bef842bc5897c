package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/view"
)

// historyCommand implements kubectl dbscaler history.
type historyCommand struct {
	environment
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	since, ledgerFile, output string
}

// defaultSince is how far back the history goes by default.
const defaultSince = "30d"

func newHistoryCommand(
	kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock, e environment,
) *cobra.Command {
	h := &historyCommand{environment: e, kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "history POLICY [--since 30d]",
		Short: "Say what happened: the operations, their outcome and cost",
		Long: `Say what happened to the database of a policy: its operations, the newest last,
with the time each took, what it changed and how it ended, and then the totals.
-o wide adds why each was started, who asked, and the CPU before and after.

The status of a policy keeps the operations of the last 24 hours, and the last
three of each kind. Why they were started and who asked is in events, which the
API server keeps for an hour unless it is set otherwise. --ledger adds a file
that the operator wrote with --ledger-file: it has all of them, and the minutes
in which an instance was saturated. What is not known is said at the end.

Exit codes: 0 after success, 1 after a failure, 2 for invalid input.`,
		Example: `  # What happened lately?
  kubectl dbscaler history orders -n shop

  # With causes and who asked, of the last two days
  kubectl dbscaler history orders -n shop --since 2d -o wide

  # Everything since a time, from the ledger and its rotated files
  zcat dbscaler-*.jsonl.gz | cat - dbscaler.jsonl |
    kubectl dbscaler history orders --since 2026-01-01T00:00:00Z --ledger -

  # The operations that failed, for scripts
  kubectl dbscaler history orders -o json |
    jq -r '.operations[] | select(.outcome == "Failed") | .message'`,
		Args:              requirePolicy,
		ValidArgsFunction: completePolicies(kube),
		RunE:              func(c *cobra.Command, args []string) error { return h.run(c.Context(), args[0]) },
	}
	f := c.Flags()
	f.StringVar(&h.since, "since", defaultSince, "How far back: a number of days such as 30d, a duration such as 12h, or a time in RFC 3339")
	f.StringVar(&h.ledgerFile, "ledger", "", "Also read this ledger file, which may be compressed with gzip; - reads standard input")
	f.StringVarP(&h.output, "output", "o", outputText, "Output format: text, wide, json or yaml")
	mustRegister(c.RegisterFlagCompletionFunc("output", completeWords(outputText, outputWide, outputJSON, outputYAML)))
	mustRegister(c.RegisterFlagCompletionFunc("since", completeWords("24h", "7d", "30d")))
	return c
}

// validate checks the flags and returns the beginning of the history.
func (h *historyCommand) validate() (time.Time, error) {
	switch h.output {
	case outputText, outputWide, outputJSON, outputYAML:
		return parseSince(h.since, h.clock.Now())
	}
	return time.Time{}, fmt.Errorf("--output is %q: it must be %s, %s, %s or %s", h.output, outputText, outputWide, outputJSON, outputYAML)
}

// parseSince parses a number of days, a duration or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	const day, maxDays = 24 * time.Hour, 3650
	if number, isDays := strings.CutSuffix(text, "d"); isDays {
		if days, err := strconv.Atoi(number); err == nil && days > 0 && days <= maxDays {
			return now.Add(-time.Duration(days) * day), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Before(now) {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("--since is %q: it must be a number of days such as 30d, a duration such as 12h, or a past time such as "+
		"2026-02-05T03:16:00Z", text)
}

func (h *historyCommand) run(ctx context.Context, name string) error {
	since, err := h.validate()
	if err != nil {
		return asInputError(err)
	}
	reader, err := newPolicyReader(h.kube, h.clock, metricsFlags{})
	if err != nil {
		return err
	}
	policies, _, err := reader.list(ctx, selection{name: strings.TrimPrefix(name, "dbsp/")})
	if err != nil {
		return err
	}
	in := view.HistoryInput{Input: view.Input{Object: &policies[0], Now: h.clock.Now()}, Since: since}
	in.Events, in.EventsUnknown = reader.readEvents(ctx, &policies[0])
	if h.ledgerFile != "" {
		if in.Ledger, err = h.readLedger(policies[0].Namespace + "/" + policies[0].Name); err != nil {
			return err
		}
	}
	history := view.NewHistory(in)
	if h.output == outputJSON || h.output == outputYAML {
		return writeDocument(h.streams.Out, h.output, history)
	}
	t := newTerminal(h.streams.Out)
	return view.WriteHistory(h.streams.Out, history, view.Options{
		Width: t.width, Color: t.isTerminal && !h.withoutColor, Wide: h.output == outputWide,
	})
}

// readLedger reads what the ledger file has about a policy. A file that is no ledger is invalid input.
func (h *historyCommand) readLedger(policy string) (history *view.LedgerHistory, err error) {
	in, closeFile, err := openLedger(h.ledgerFile, h.streams.In)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeFile()) }()
	name := h.ledgerFile
	if name == "-" {
		name = "standard input"
	}
	history, err = view.ReadLedgerHistory(in, name, policy)
	return history, asInputError(err)
}
