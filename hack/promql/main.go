// Command promql parses PromQL expressions with Prometheus's own parser and prints what they select, for the test of package monitoring.
// It reads a JSON array of expressions from standard input, and writes one Expression for each to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Expression is what an expression selects.
type Expression struct {
	// Error says why the expression cannot be parsed; empty when it can.
	Error string `json:"error,omitempty"`
	// Selectors are its vector selectors.
	Selectors []Selector `json:"selectors,omitempty"`
	// Labels are those that it groups by, matches on, or includes.
	Labels []string `json:"labels,omitempty"`
	// CreatedLabels are those that label_replace and label_join write.
	CreatedLabels []string `json:"createdLabels,omitempty"`
}

// Selector selects the series of one metric.
type Selector struct {
	Metric   string    `json:"metric"`
	Matchers []Matcher `json:"matchers,omitempty"`
}

// Matcher compares a label with a value.
type Matcher struct {
	Label string `json:"label"`
	// Operator is =, !=, =~ or !~.
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var texts []string
	if err := json.NewDecoder(in).Decode(&texts); err != nil {
		return fmt.Errorf("standard input is not a JSON array of expressions: %w", err)
	}
	expressions := make([]Expression, 0, len(texts))
	for _, text := range texts {
		expressions = append(expressions, describe(text))
	}
	return json.NewEncoder(out).Encode(expressions)
}

// describe parses an expression.
func describe(text string) Expression {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return Expression{Error: err.Error()}
	}
	var e Expression
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		e.add(node)
		return nil
	})
	return e
}

func (e *Expression) add(node parser.Node) {
	switch n := node.(type) {
	case *parser.VectorSelector:
		s := Selector{Metric: n.Name}
		for _, m := range n.LabelMatchers {
			if m.Name != labels.MetricName {
				s.Matchers = append(s.Matchers, Matcher{Label: m.Name, Operator: m.Type.String(), Value: m.Value})
			}
		}
		e.Selectors = append(e.Selectors, s)
	case *parser.AggregateExpr:
		e.Labels = append(e.Labels, n.Grouping...)
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			e.Labels = append(append(e.Labels, n.VectorMatching.MatchingLabels...), n.VectorMatching.Include...)
		}
	case *parser.Call:
		if n.Func.Name == "label_replace" || n.Func.Name == "label_join" {
			if created, ok := n.Args[1].(*parser.StringLiteral); ok {
				e.CreatedLabels = append(e.CreatedLabels, created.Val)
			}
			source := 3
			for _, arg := range n.Args[source:min(source+1, len(n.Args))] {
				if label, ok := arg.(*parser.StringLiteral); ok {
					e.Labels = append(e.Labels, label.Val)
				}
			}
		}
	}
}
