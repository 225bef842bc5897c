package awsx

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-logr/logr/funcr"
)

// The use of the node's credentials is logged once; that of other credentials, and a failure, never.
func TestNodeRoleWarner(t *testing.T) {
	for _, test := range []struct {
		name, source string
		err          error
		want         int
	}{
		{"instance metadata", "EC2RoleProvider", nil, 1},
		{"IRSA", "WebIdentityCredentials", nil, 0},
		{"no credentials", "EC2RoleProvider", errors.New("no answer"), 0},
	} {
		var lines []string
		p := &nodeRoleWarner{
			CredentialsProvider: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{Source: test.source}, test.err
			}),
			log: funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{}),
		}
		for range 3 {
			if c, err := p.Retrieve(t.Context()); c.Source != test.source || !errors.Is(err, test.err) {
				t.Errorf("%s: got %+v, %v", test.name, c, err)
			}
		}
		if len(lines) != test.want || test.want > 0 && !strings.Contains(lines[0], "Pod Identity") {
			t.Errorf("%s: logged %q", test.name, lines)
		}
	}
}
