package app

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal is a terminal whose other side the test reads: pty(7).
type pseudoTerminal struct {
	// user is the side that the program writes to, which is a terminal for it.
	user *os.File
	// frames are the texts that were drawn, one after the other, without sequences.
	frames chan string
}

func openPseudoTerminal(t *testing.T, columns, rows uint16) pseudoTerminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	user, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
	p := pseudoTerminal{user: user, frames: make(chan string, 4096)}
	go p.read(master)
	t.Cleanup(func() { _ = user.Close() })
	return p
}

// read reads frames until the program's side is closed, and drains the terminal so that the program never waits.
func (p pseudoTerminal) read(master *os.File) {
	defer close(p.frames)
	defer func() { _ = master.Close() }() // nothing was written
	buffer, pending := make([]byte, 32<<10), ""
	for {
		n, err := master.Read(buffer)
		pending += string(buffer[:n])
		for {
			frame, rest, complete := strings.Cut(pending, eraseScreenEnd)
			if !complete {
				break
			}
			pending = rest
			p.frames <- strings.NewReplacer(eraseScreen, "", cursorHome, "", eraseLineEnd, "", "\r", "").Replace(frame)
		}
		if err != nil {
			return
		}
	}
}
