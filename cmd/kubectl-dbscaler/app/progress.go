package app

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress shows on a terminal how far long work has come. Elsewhere it says nothing.
type progress struct {
	out   io.Writer
	ended int
	shown bool
}

func newProgress(out io.Writer) *progress {
	if file, ok := out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		out = nil
	}
	return &progress{out: out}
}

// eraseLine is what a terminal takes as: go to the beginning of the line, and erase it.
const eraseLine = "\r\x1b[K"

// done notes that one of so many parts has ended.
func (p *progress) done(name string, of int) {
	p.ended++
	if p.out != nil {
		p.shown = true
		fmt.Fprintf(p.out, "%splayed %d of %d: %s", eraseLine, p.ended, of, name)
	}
}

// tried notes how many policies were played.
func (p *progress) tried(policies int) {
	if p.out != nil {
		p.shown = true
		fmt.Fprintf(p.out, "%splayed %d policies", eraseLine, policies)
	}
}

// end removes the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprintf(p.out, "%s", eraseLine)
	}
}
