package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxShownDifferences is how many differences of one entry are printed.
const maxShownDifferences = 5

func newLedgerCommand(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Verify the ledger of decisions that the operator writes",
		Long:  "Verify the ledger of decisions that the operator writes with --ledger-file.",
		Example: `  # Would this version of dbscaler decide the same?
  kubectl dbscaler ledger verify dbscaler.jsonl`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return asInputError(errors.New("no command: use kubectl dbscaler ledger verify FILE"))
		},
	}
	c.AddCommand(newVerifyCommand(streams))
	return c
}

func newVerifyCommand(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Repeat every decision of ledger files, and compare byte by byte",
		Long: `Repeat every decision of ledger files from its recorded inputs, and compare the
entries byte by byte. For each entry that differs, print the line and the fields
that do. A file may be compressed with gzip, and - is standard input. A version
of dbscaler replays only the format that it writes.

Exit codes: 0 if all are the same, 1 if an entry differs or a line cannot be
replayed, 2 if a file cannot be read or has no entry of this format.`,
		Example: `  # The file of the operator, and one that it has rotated
  kubectl dbscaler ledger verify dbscaler.jsonl \
    dbscaler-2026-02-05T10-00-00.000.jsonl.gz

  # Standard input
  tail -n 100 dbscaler.jsonl | kubectl dbscaler ledger verify -`,
		Args: requireFiles(100),
		RunE: func(_ *cobra.Command, files []string) error { return verifyLedgers(streams, files) },
	}
	return c
}

// requireFiles checks that one to maximum files are named.
func requireFiles(maximum int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return asInputError(errors.New("no file: name a ledger file, or - for standard input"))
		case len(args) > maximum:
			return asInputError(fmt.Errorf("%d files are named: at most %d are accepted", len(args), maximum))
		}
		return nil
	}
}

func verifyLedgers(streams genericiooptions.IOStreams, files []string) error {
	var counts ledgerCounts
	for _, file := range files {
		err := compareLedger(file, streams.In, &counts, func(line int, c ledger.Comparison, err error) {
			where := fmt.Sprintf("%s:%d: ", file, line)
			if err != nil {
				fmt.Fprintf(streams.ErrOut, "%s%v\n", where, shortenError(err))
				return
			}
			writeDifferences(streams.Out, where+describeEntry(c.Entry)+": ", c)
		})
		if err != nil {
			return err
		}
	}
	if err := counts.result(); err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "%d entries have the same decision\n", counts.entries)
	return nil
}

// writeDifferences prints a line for each difference of an entry.
func writeDifferences(w io.Writer, prefix string, c ledger.Comparison) {
	for n, d := range c.Differences {
		if n == maxShownDifferences {
			fmt.Fprintf(w, "%sand %d fields more\n", prefix, len(c.Differences)-n)
			return
		}
		fmt.Fprintf(w, "%s%s\n", prefix, d)
	}
}

// describeEntry names an entry by the time and the policy.
func describeEntry(e ledger.Entry) string {
	return e.Inputs.Now.UTC().Format(time.RFC3339) + " " + e.Inputs.Policy.Name
}

// replayCommand implements kubectl dbscaler replay.
type replayCommand struct {
	streams genericiooptions.IOStreams
	policy  string
}

func newReplayCommand(streams genericiooptions.IOStreams) *cobra.Command {
	r := &replayCommand{streams: streams}
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show the decisions of a ledger file, made again from its inputs",
		Long: `Show the decisions of a ledger file, made again by this version of dbscaler from
the recorded inputs, and say where they differ from the recorded ones. The file
may be compressed with gzip, and - is standard input.

Exit codes: 0 if all are the same, 1 if an entry differs or a line cannot be
replayed, 2 if the file cannot be read or has no entry of this format.`,
		Example: `  kubectl dbscaler replay dbscaler.jsonl --policy shop/orders`,
		Args:    requireFiles(1),
		RunE:    func(_ *cobra.Command, args []string) error { return r.run(args[0]) },
	}
	c.Flags().StringVar(&r.policy, "policy", "", "Show only the decisions of this policy, as NAMESPACE/NAME; the others are compared as well")
	return c
}

func (r *replayCommand) run(file string) error {
	if r.policy != "" && strings.Count(r.policy, "/") != 1 {
		return asInputError(fmt.Errorf("--policy is %q: it must be NAMESPACE/NAME", r.policy))
	}
	var counts ledgerCounts
	err := compareLedger(file, r.streams.In, &counts, func(line int, c ledger.Comparison, err error) {
		switch {
		case err != nil:
			fmt.Fprintf(r.streams.ErrOut, "%s:%d: %v\n", file, line, shortenError(err))
		case r.policy == "" || r.policy == c.Entry.Inputs.Policy.Name:
			r.show(line, c)
		}
	})
	if err == nil {
		err = counts.result()
	}
	return err
}

// show prints a decision: the time, the policy, what was decided and why, and what differs.
func (r *replayCommand) show(line int, c ledger.Comparison) {
	var b strings.Builder
	const indent = "    "
	decision, why := describeDecision(c.Entry)
	writeWrapped(&b, indent, describeEntry(c.Entry)+" "+decision)
	b.WriteString(indent)
	writeWrapped(&b, indent, why)
	writeDifferences(&b, indent+fmt.Sprintf("line %d differs: ", line), c)
	fmt.Fprintf(r.streams.Out, "%s", b.String())
}

// describeDecision says what an entry decides and why.
func describeDecision(e ledger.Entry) (decision, why string) {
	if len(e.Decision.Proposals) == 0 {
		return string(e.Decision.Hold.Reason), e.Decision.Hold.Message
	}
	shown := 0
	outcome := "starts"
	if len(e.Evaluations) > 0 && len(e.Evaluations[0].Vetoes) > 0 {
		outcome = "is blocked by " + e.Evaluations[0].Vetoes[0].Guard
	}
	if _, _, approved := e.ApprovedProposal(); approved {
		shown, outcome = len(e.Evaluations)-1, "starts"
	}
	p := e.Decision.Proposals[shown]
	return fmt.Sprintf("%s: %s %s → %s %s", p.Reason, p.Pool, p.From, p.To, outcome), p.Cause
}
