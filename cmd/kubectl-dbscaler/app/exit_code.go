package app

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// The exit codes of plan with --detailed-exitcode. Without the flag they are those of all commands.
const (
	// ExitWouldChange is the exit code when something would change, as of terraform plan -detailed-exitcode.
	ExitWouldChange = 2
	// ExitDetailedInvalidInput takes the place of ExitInvalidInput, which means that something would change.
	ExitDetailedInvalidInput = 3
)

// WouldChangeError says, with --detailed-exitcode, that something would change. The plan was printed, so that there is nothing else to say.
type WouldChangeError struct{}

// Error implements error.
func (*WouldChangeError) Error() string { return "the plan has changes" }

// ExitCode is the exit code of the plugin after an error, or 0 after nil. args are the arguments of the command line: a flag that cannot be
// parsed may stand before --detailed-exitcode, and its error must not have the exit code of a change.
func ExitCode(err error, args []string) int {
	var inputErr *InputError
	var wouldChange *WouldChangeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wouldChange):
		return ExitWouldChange
	case !errors.As(err, &inputErr):
		return ExitFailure
	case slices.ContainsFunc(args, requestsDetails):
		return ExitDetailedInvalidInput
	}
	return ExitInvalidInput
}

// requestsDetails reports whether an argument sets --detailed-exitcode. A value that is not valid counts, too.
func requestsDetails(arg string) bool {
	value, found := strings.CutPrefix(arg, "--"+detailedExitCode)
	if !found {
		return false
	}
	isSet, err := strconv.ParseBool(strings.TrimPrefix(value, "="))
	return err != nil || isSet
}
