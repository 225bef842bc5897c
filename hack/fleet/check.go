package main

import (
	"context"
	"io"
)

func runCheck(ctx context.Context, s settings, out io.Writer) error { return nil }
