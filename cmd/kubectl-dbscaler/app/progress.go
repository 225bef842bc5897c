package app

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress shows the progress of a long computation on a terminal. It writes nothing to other outputs.
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

// eraseLine is the terminal sequence that moves the cursor to the start of the line and erases the line.
const eraseLine = "\r\x1b[K"

// runCompleted counts a completed run and shows its name.
func (p *progress) runCompleted(name string, total int) {
	p.completed++
	if p.out != nil {
		p.isShown = true
		fmt.Fprintf(p.out, "%ssimulated %d of %d: %s", eraseLine, p.completed, total, name)
	}
}

// policiesEvaluated shows how many policies were simulated.
func (p *progress) policiesEvaluated(count int) {
	if p.out != nil {
		p.isShown = true
		fmt.Fprintf(p.out, "%ssimulated %d policies", eraseLine, count)
	}
}

// clear erases the line, if one is shown.
func (p *progress) clear() {
	if p.isShown {
		fmt.Fprintf(p.out, "%s", eraseLine)
	}
}
