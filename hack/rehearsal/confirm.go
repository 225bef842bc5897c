package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// confirm asks whether to go on, unless the flag --yes says so.
func (r *rehearsal) confirm(ctx context.Context) error {
	if r.yes {
		return nil
	}
	fmt.Fprintf(r.out, "Type yes to go on: ")
	answers := make(chan string, 1)
	go func() { // reading cannot be interrupted
		line, _ := bufio.NewReader(r.in).ReadString('\n') // no input is no consent
		answers <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answers:
		if answer != "yes" {
			return usageError{fmt.Errorf("the answer was %q and not yes: nothing was created or removed", answer)}
		}
		return nil
	case <-ctx.Done():
		return errors.New("stopped before anything was created or removed")
	}
}

// newRunID returns the ID of a run, which is a part of names: 8 hexadecimal digits.
func newRunID() string { return hex.EncodeToString(randomBytes(4)) }

// newPassword returns a random master password that every engine accepts. It is sent to AWS, and neither shown nor stored: nobody
// logs in to the databases of a rehearsal.
func newPassword() string { return "R1-" + hex.EncodeToString(randomBytes(16)) }

func randomBytes(count int) []byte {
	out := make([]byte, count)
	_, _ = rand.Read(out) // never returns an error
	return out
}
