// Package program is what the examples' main functions have in common: they end by themselves, and after Ctrl-C clean up.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// ErrLeft means that the clean-up failed.
var ErrLeft = errors.New("something is left behind")

// Left marks the error of a clean-up that failed; nil stays nil.
func Left(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrLeft, err)
}

// Main is a program's main function: it runs the program under a context that ends with Ctrl-C, and exits.
func Main(name string, run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends us at once, and the server with us
	err := run(ctx, os.Args[1:], os.Stdout)
	os.Exit(Report(os.Stderr, name, err))
}

// Report says in one line what went wrong, and gives the exit status.
func Report(w io.Writer, name string, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled) && !errors.Is(err, ErrLeft):
		fmt.Fprintln(w, name+": interrupted; nothing is left running")
	default:
		fmt.Fprintln(w, name+":", err)
	}
	return 1
}

// IsTerminal reports whether what is written can be drawn over.
func IsTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
