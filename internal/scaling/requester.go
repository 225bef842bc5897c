package scaling

import "fmt"

// Requester is who requested a manual control. The name is a note: only the admission policy for manual control makes sure that it is that
// of the user.
type Requester struct {
	// User is the name of the user.
	User string
	// Reason is why, or empty.
	Reason string `json:",omitempty"`
}

// String describes the requester, with the reason if there is one.
func (r Requester) String() string {
	if r.Reason == "" {
		return r.User
	}
	return fmt.Sprintf("%s (%s)", r.User, r.Reason)
}
