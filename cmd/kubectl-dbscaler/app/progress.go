package app

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress shows on a terminal how far long work has come. Elsewhere it says nothing.
type progress struct {
	out       io.Writer
	completed int
	isShown   bool
}

func newProgress(out io.Writer) *progress {
	if file, ok := out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		out = nil
	}
	return &progress{out: out}
}

// eraseLine is what a terminal takes as: go to the beginning of the line, and erase it.
const eraseLine = "\r\x1b[K"

// runCompleted notes that one of so many parts has ended.
func (p *progress) runCompleted(name string, of int) {
	p.completed++
	if p.out != nil {
		p.isShown = true
		fmt.Fprintf(p.out, "%splayed %d of %d: %s", eraseLine, p.completed, of, name)
	}
}

// policiesEvaluated notes how many policies were played.
func (p *progress) policiesEvaluated(policies int) {
	if p.out != nil {
		p.isShown = true
		fmt.Fprintf(p.out, "%splayed %d policies", eraseLine, policies)
	}
}

// clear removes the line.
func (p *progress) clear() {
	if p.isShown {
		fmt.Fprintf(p.out, "%s", eraseLine)
	}
}
