package app

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dbscaler/dbscaler/internal/view"
)

// terminal is where text is written.
type terminal struct {
	out        io.Writer
	isTerminal bool
	// width and height are in characters; height is zero when it is not known.
	width, height int
}

// The least and the greatest width of text on a terminal.
const minWidth, maxWidth = 60, 120

func newTerminal(out io.Writer) terminal {
	t := terminal{out: out, width: view.DefaultWidth}
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return t
	}
	t.isTerminal = true
	if width, height, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		t.width, t.height = min(max(width, minWidth), maxWidth), height
	}
	return t
}

// The sequences of ECMA-48 that move the cursor to the upper left corner, erase the rest of a line, and the rest of the screen.
const cursorHome, eraseLineEnd, eraseScreenEnd, eraseScreen = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"

// screen draws a text again and again in place.
type screen struct {
	terminal
	isDrawn bool
}

// draw replaces the text on the terminal. A text that is higher than the terminal is cut, unless it is the last one.
func (s *screen) draw(text string, isLast bool) error {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if s.height > 1 && len(lines) >= s.height && !isLast {
		lines = append(lines[:s.height-2], "… more below: make the terminal higher")
	}
	var b strings.Builder
	if !s.isDrawn {
		b.WriteString(eraseScreen)
		s.isDrawn = true
	}
	b.WriteString(cursorHome)
	for _, line := range lines {
		b.WriteString(line + eraseLineEnd + "\r\n")
	}
	b.WriteString(eraseScreenEnd)
	_, err := io.WriteString(s.out, b.String())
	return err
}
